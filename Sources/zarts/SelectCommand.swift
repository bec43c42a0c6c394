import ArgumentParser
import Cells
import Compute
import Datasets
import Formats
import Foundation
import Retraining
import Runs
import Search

struct SelectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "select",
    abstract: "Choose among searches on held-out training images, then train and test the chosen one.",
    discussion: """
      Trains the network of each search for --brief-epochs on one half of the training images (retrain --hold-out, with the \
      halves of the searches' split and of --seed), takes the one of the highest accuracy on the other half after the last \
      epoch, and only then trains that one on all training images and reads the test split, once, after its last epoch. \
      Writes selection.yaml, selection.csv, and a folder of retrain for each training: candidates/N and chosen. SIGINT, SIGTERM, \
      SIGHUP or SIGUSR1 stops after the current step; --resume goes on. Exit status: 0 finished, 1 failed, 3 diverged, 64 \
      wrong flags, 128 + N stopped by signal N.
      """)

  @Argument(
    help: ArgumentHelp(
      "Two or more: run folders of searches or of zarts derive, of one space and dataset, files that end in a genotype, or "
        + "Genotype(…) lines.",
      valueName: "candidate"))
  var candidates: [String] = []
  @Option(help: "Epochs of the short trainings. Default: 100.")
  var briefEpochs: Int?
  @Option(help: ArgumentHelp("Published settings to start from; flags win. Default: cifar.", valueName: "name"))
  var preset: String?
  @OptionGroup var flags: RetrainFlags
  @Option(help: "Seconds from one line of progress to the next, where there is no terminal.")
  var reportEvery: Double = 30
  @Option(help: ArgumentHelp("Folder for the results, absent or empty (required unless --resume).", valueName: "dir"))
  var out: String?
  @Option(help: ArgumentHelp("Folder of a selection to go on with.", valueName: "dir"))
  var resume: String?

  func validate() throws {
    try ReportInterval.check(reportEvery)
    try RunBounds.epochs.check(briefEpochs, "--brief-epochs")
    if resume == nil, candidates.count < 2 {
      throw ValidationError("candidates: found \(candidates.count), wanted two or more, or --resume")
    }
    if flags.holdOut != nil {
      throw ValidationError("--hold-out: a selection holds images out for its short trainings, and none for the chosen one")
    }
    if flags.testEvery != nil {
      throw ValidationError("--test-every: a selection tests once, after the last epoch of the chosen one")
    }
  }

  func run() throws {
    try flags.pinning.apply()
    let stop = SignalTrap.install()
    let (plan, folder) = try begin()
    let selection = try SelectionRun(
      of: plan, in: folder, isContinued: resume != nil,
      dataset: { text in
        try ProblemFactory.lookingForMovedData { try DatasetSpecification(parsing: text).load() }
      }, progress: .standardError(interval: reportEvery), stop: stop)
    let choice: Int
    do {
      choice = try selection.run()
    } catch let error as Interruption {
      complain("\(error); go on with zarts select --resume \(folder.path)")
      throw ExitCode(128 + error.signal)
    }
    print(Self.table(selection.rows))
    print(Self.reason(selection.rows, choice))
    print("results in \(folder.path)")
  }

  private func begin() throws -> (SelectionPlan, OutputFolder) {
    if let resume {
      let others =
        flags.givenSettings.filter { $0 != "--dataset" } + (candidates.isEmpty ? [] : ["candidates"])
        + (preset == nil ? [] : ["--preset"]) + (briefEpochs == nil ? [] : ["--brief-epochs"])
        + (out == nil ? [] : ["--out"])
      guard others.isEmpty else {
        throw UsageError(
          "flags beside --resume", found: others.joined(separator: ", "),
          wanted: "--dataset, --keep-last, --checkpoint-every, --tensorboard, --threads at most")
      }
      let folder = try OutputFolder.existing(at: resume)
      var plan = try SelectionPlan(readingFrom: folder.file(SelectionRun.planName))
      flags.applyHousekeeping(to: &plan.settings)
      if let dataset = flags.dataset { plan.settings.dataset = DatasetSpecification.absolute(dataset) }
      return (plan, folder)
    }
    guard let out else { throw missing("--out") }
    return (try plan(), try OutputFolder.create(at: out))
  }

  private func missing(_ flag: String) -> UsageError { UsageError("missing flag", found: "no \(flag)", wanted: flag) }

  private func plan() throws -> SelectionPlan {
    let found = try candidates.map { source in
      SelectionPlan.Candidate(
        source: source, genotype: try usage(of: "candidate") { try GenotypeSource.read(source) }.line)
    }
    let searches = try Self.searches(candidates)
    let first = found[0]
    let preset = try RetrainingPreset(
      named: preset ?? RetrainingPreset.usual(for: Genotype(parsing: first.genotype)), at: .setting("preset"))
    guard let dataset = flags.dataset ?? searches.first?.configuration.dataset ?? preset.dataset else {
      throw missing("--dataset")
    }
    var settings = preset.configuration(genotype: first.genotype, dataset: dataset)
    settings.split = searches.first?.configuration.split ?? settings.split
    flags.apply(to: &settings)
    // Before a folder is made.
    _ = try usage(of: "--dataset") { try DatasetSpecification(parsing: settings.dataset) }
    settings.dataset = DatasetSpecification.absolute(settings.dataset)
    return try SelectionPlan(candidates: found, briefEpochs: briefEpochs ?? 100, settings: settings)
  }

  private struct Search {
    let path: String
    let configuration: SearchConfiguration
  }

  /// The searches among the candidates, those whose supernets were selected from too.
  ///
  /// - Throws: `InputError` where they are not of one space, kind of data and split: what is chosen among them would be no
  ///   repetition of one search.
  private static func searches(_ candidates: [String]) throws -> [Search] {
    let found = try candidates.compactMap { path -> Search? in
      switch ResultFolder(path)?.kind {
      case .search: Search(path: path, configuration: try SearchRunFolder(existing: path).configuration())
      case .derive: Search(path: path, configuration: try ProjectionFolder(existing: path).search())
      default: nil
      }
    }
    func require(_ key: String, _ value: (SearchConfiguration) -> String) throws {
      guard let first = found.first else { return }
      guard let other = found.first(where: { value($0.configuration) != value(first.configuration) }) else { return }
      throw InputError(
        "searches that differ in more than their seed or method", at: .setting(key, in: other.path),
        found: value(other.configuration), wanted: "\(value(first.configuration)), as in \(first.path)")
    }
    try require("space") { $0.space.rawValue }
    try require("dataset") { DatasetSpecification.kind(of: $0.dataset) }
    try require("split") { $0.split.rawValue }
    return found
  }

  private static func table(_ rows: [SelectionRow]) -> String {
    func percent(_ value: Double?) -> String { value.map { String(format: "%.2f %%", 100 * $0) } ?? "-" }
    return TextTable.text(
      header: ["candidate", "from", "validation loss", "validation accuracy", "chosen", "test accuracy"],
      rows: rows.map { row in
        [
          "\(row.number)", row.source.count > 60 ? row.source.prefix(59) + "…" : row.source,
          row.validation.map { String(format: "%.4f", $0.loss) } ?? "-", percent(row.validation?.accuracy),
          row.isChosen ? "yes" : "", percent(row.test?.accuracy),
        ]
      }, rightAligned: [0, 2, 3, 5])
  }

  private static func reason(_ rows: [SelectionRow], _ choice: Int) -> String {
    let accuracy = rows[choice].validation.map { String(format: "%.2f %%", 100 * $0.accuracy) } ?? "-"
    let others = rows.indices.filter { $0 != choice }.compactMap { rows[$0].validation?.accuracy }.max()
    let next = others.map { String(format: ", the next %.2f %%", 100 * $0) } ?? ""
    let test = rows[choice].test.map { String(format: "; on the test split %.2f %%", 100 * $0.accuracy) } ?? ""
    return "chosen: candidate \(choice + 1), by the highest accuracy on held-out training images (\(accuracy)\(next))\(test)"
  }
}
