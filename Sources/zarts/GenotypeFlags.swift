import ArgumentParser
import Cells
import Compute
import Runs

/// The argument and flags that name a genotype: of a run, in a file, derived from a file's α, or written out.
struct GenotypeFlags: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "Run folder, of a search or of zarts derive; file with Genotype(…) lines or JSON; file with alphas (safetensors, what torch.save wrote, JSON, a log); or the "
        + "genotype itself.",
      valueName: "source"))
  var source: String
  @Option(help: "Epoch of a run folder, from 1. Default: that whose genotype the search returns.")
  var epoch: Int?
  @Option(help: "Line of a file, from 1. Default: that of its last genotype.")
  var line: Int?
  @Option(help: "What the genotype is assigned to in a file: DARTS_V2 of genotypes.py.")
  var name: String?
  @Option(help: "Candidates that the alphas of a file are for. Default: what its metadata or tensors say.")
  var space: SearchSpace?

  func validate() throws {
    try RunBounds.epochs.check(epoch, "--epoch")
    try Self.lines.check(line, "--line")
  }

  private static let lines = CountBounds(1...1_000_000_000)

  /// - Throws: as `GenotypeSource.open`.
  func open() throws -> GenotypeSource.Opened {
    try GenotypeSource(source: source, epoch: epoch, line: line, name: name, space: space).open()
  }
}
