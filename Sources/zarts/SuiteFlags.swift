import ArgumentParser
import Cells
import Datasets
import Formats
import Retraining
import Search
import Suites

/// What a suite consists of, as flags. Other settings stand in its file.
struct SuiteFlags: ParsableArguments {
  @Option(help: ArgumentHelp("Methods, with commas between. Default: the file's.", valueName: "method,method,..."))
  var methods: CommaList<SearchMethod>?
  @Option(
    help: ArgumentHelp(
      "Seeds of the searches, and ranges of seeds, such as 0,1,2 or 0-3. Default: the file's, else 0.",
      valueName: "seed,..."))
  var seeds: SeedList?
  @Option(help: ArgumentHelp("Spaces, with commas between. Default: the file's, else s6.", valueName: "space,space,..."))
  var spaces: CommaList<SearchSpace>?
  @Option(
    help: ArgumentHelp(
      "Datasets: \(DatasetSpecification.forms); give the flag several times for several. Default: the file's.",
      valueName: "dataset"))
  var datasets: [String] = []
  @Option(help: "Epochs of the short trainings that choices are made by. Default: the file's, else 100.")
  var briefEpochs: Int?
  @Option(
    help: ArgumentHelp(
      "Which networks are trained from scratch: the chosen one of a method, space and dataset, or each. Default: the file's, else chosen.",
      valueName: "chosen|each"))
  var retrain: SuitePlan.Networks?
  @Option(
    help: ArgumentHelp(
      "Seeds that the chosen network is trained with. Default: the file's, else 0.", valueName: "seed,..."))
  var retrainingSeeds: SeedList?
  @Option(
    help: ArgumentHelp(
      "Published settings of retrainings, see 'zarts presets --retraining'; the words SPACE and DATASET in it stand for those of each. Default: the file's, else cifar or nb201.",
      valueName: "name"))
  var retrainingPreset: String?

  var lists: SuitePlan.Lists {
    .init(
      searches: .init(
        methods: methods?.values, seeds: seeds?.values, spaces: spaces?.values, datasets: datasets.isEmpty ? nil : datasets),
      briefEpochs: briefEpochs, networks: retrain, retrainingSeeds: retrainingSeeds?.values,
      retrainingPreset: retrainingPreset)
  }

  /// Flags that were given, but for that of the place of data.
  var given: [String] {
    let flags: [(String, Bool)] = [
      ("--methods", methods != nil), ("--seeds", seeds != nil), ("--spaces", spaces != nil),
      ("--brief-epochs", briefEpochs != nil), ("--retrain", retrain != nil),
      ("--retraining-seeds", retrainingSeeds != nil), ("--retraining-preset", retrainingPreset != nil),
    ]
    return flags.filter(\.1).map(\.0)
  }
}

extension SuitePlan.Networks: ExpressibleByArgument {}

/// How processes that share a suite know that one is gone.
struct ClaimFlags: ParsableArguments {
  @Option(
    help: """
      Seconds without a sign of life after which the job of a process on another machine is taken over, where locks don't \
      tell; the same for all processes of a suite.
      """)
  var patience = Claim.Terms().patience

  func validate() throws {
    guard (30...86_400).contains(patience) else {
      throw ValidationError("--patience: found \(patience), wanted 30 to 86400 seconds")
    }
  }

  var terms: Claim.Terms { .init(beat: patience / 15, patience: patience) }
}
