import ArgumentParser
import Figures
import Runs

struct DrawCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "draw", abstract: "Draw the cells of a genotype for a paper.",
    discussion: """
      Normal and reduction cell side by side, from the same sources as zarts genotype. Convolutions are blue, pools green, \
      skip connections red, noise pink. A state with a dashed outline is used by nothing. --alphas draws the supernet instead: \
      every edge with the mixing weight of its strongest operation.
      """)

  @OptionGroup var source: GenotypeFlags
  @Option(help: "Title above the cells. Default: none.")
  var title = ""
  @Flag(help: "Draw the mixing weights of a run's epoch or of a .safetensors file in place of the genotype.")
  var alphas = false
  @Option(help: ArgumentHelp("File to draw to: .png, .pdf or .svg; may be given several times.", valueName: "file"))
  var out: [String]
  @OptionGroup var overwriting: OverwriteFlag
  @OptionGroup var figure: FigureFlags

  private static let maker = "zarts draw"

  func run() throws {
    for path in out {
      try FigureFile.output(of: Self.maker, at: path).require(path, overwrite: overwriting.overwrite)
    }
    let opened = try source.open()
    let cells = alphas ? try supernet(of: opened) : try CellFigure(opened.genotype, title: title)
    var metadata = FigureMetadata(
      configSHA256: opened.configurationSHA256, seed: opened.seed,
      command: Provenance.commandLine, maker: Self.maker)
    metadata.entries.append(.init("Origin", opened.origin))
    metadata.entries.append(.init("Genotype", opened.genotype.line))
    for path in out {
      try FigureFile.write(cells, to: path, metadata: figure.style.kept(metadata), letters: figure.style.letters)
      print(path)
    }
  }

  private func supernet(of opened: GenotypeSource.Opened) throws -> CellFigure {
    guard let mixing = try opened.mixing() else {
      throw UsageError(
        "no alphas to draw", found: "--alphas beside a genotype (\(opened.origin))",
        wanted: "a run folder or a .safetensors file")
    }
    return try CellFigure(mixing.alphas, of: mixing.shape, keeping: opened.genotype, title: title)
  }
}
