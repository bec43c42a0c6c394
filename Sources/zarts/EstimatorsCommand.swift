import ArgumentParser
import Formats
import Landscape
import Problems
import Search
import Studies

struct EstimatorsCommand: RankedCommand {
  static let rankUse = RankUse.team
  static let configuration = CommandConfiguration(
    commandName: "estimators", abstract: "Measure bias and variance of gradient estimators against the true loss.",
    discussion: """
      Compares estimates of the gradient with the finite-difference gradient of the true loss at a checkpoint, as functions \
      of the candidates N, the inner steps M and σ. Writes estimators.yaml, estimators.csv and gradients.safetensors. Losses are normalised as --batch-norm says, gradients of DARTS as a \
      search takes them. SIGINT, SIGTERM, SIGHUP or SIGUSR1 stops after the evaluations in work; \
      the same command with --resume goes on.
      """)

  @OptionGroup var source: LandscapeSource
  @Option(
    help: ArgumentHelp(
      "Estimators, with commas between: "
        + StudiedEstimator.allCases.map { "\($0) (\($0.definition.summary))" }.joined(separator: ", ") + "."))
  var estimators = StudiedEstimator.usual.map(\.rawValue).joined(separator: ",")
  @Option(help: "Inner steps M, ascending; the last is that of the true loss.")
  var innerSteps = "1,5,10"
  @Option(help: "Candidates N, ascending.")
  var candidates = "4,16"
  @Option(help: "σ of MGS and μ of RS, ascending; GLD's largest radius is σ√d.")
  var sigmas = "0.05,0.2"
  @Option(help: "Independent draws of candidates.")
  var repeats = 8
  @Option(help: "Places in the data: training and validation batches of their own.")
  var places = 3
  @Option(help: "Displacement of the finite differences, in units of α.")
  var displacement = EstimatorSettings.defaultDisplacement
  @Option(help: "Other displacements whose gradient to compare, ascending.")
  var compareDisplacements: String?
  @Option(help: "τ of MGS.")
  var tau = 0.01
  @Option(help: "λ of MGS.")
  var lambda = 1e-3
  @Option(help: "Importance weights of MGS: flattened or exact.")
  var proposal = ProposalWeighting.flattened
  @Option(help: "Directions of RS: gaussian, sphere or matrix-sphere.")
  var rsDistribution = DirectionDistribution.gaussian
  @Option(help: "Where GLD draws a candidate of a radius: ball, sphere or matrix-sphere.")
  var gldDistribution = RadialDistribution.ball
  @Flag(help: "Have GLD's candidates compared with the loss of α without inner training.")
  var untrainedBaseline = false
  @Option(help: "Learning rate of candidates' inner training. Default: that of the true loss.")
  var candidateLearningRate: Double?
  @Option(help: "Momentum of candidates' inner training, from rest. Default: that of the true loss, with its velocity.")
  var candidateMomentum: Double?
  @Option(help: "Key of the candidates.")
  var candidatesSeed: UInt64 = 0
  @OptionGroup var study: StudyFlags

  func run() throws {
    // Settings are checked before data is read and weights are loaded.
    func settings(_ step: WeightStep, _ epoch: Int, _ first: Int) throws -> EstimatorSettings {
      let plain = try EstimatorSettings(
        estimators: StudiedEstimator.parse(list: estimators),
        innerSteps: NumberList.parse(innerSteps, "--inner-steps"),
        candidates: NumberList.parse(candidates, "--candidates"),
        sigmas: NumberList.parse(sigmas, "--sigmas"), repeats: repeats, places: places, displacement: displacement,
        comparedDisplacements: compareDisplacements.map { try NumberList.parse($0, "--compare-displacements") } ?? [],
        temperature: tau, lambda: lambda, weighting: proposal,
        zeroOrder: ZeroOrderSettings(
          rsDistribution: rsDistribution, gldDistribution: gldDistribution, hasUntrainedBaseline: untrainedBaseline),
        training: CandidateTraining(learningRate: candidateLearningRate, momentum: candidateMomentum), step: step,
        epoch: epoch, firstStep: first,
        validationBatches: study.validationBatches, batchNorm: study.normalising.mode(), seed: candidatesSeed,
        bootstrap: study.intervals.settings())
      return study.inner.applied(to: plain)
    }
    let checked = try settings(WeightStep(), 0, 0)
    try study.run(
      source, objectives: checked.objectives, points: checked.pointsAtATime(values:),
      make: { place, copies, crew in
        try EstimatorRun(
          problem: place.problem, weights: place.checkpoint.weights, velocity: place.checkpoint.momentum,
          statistics: place.checkpoint.statistics, alphas: place.alphas,
          settings: settings(place.step, place.epoch, place.firstStep), copies: copies, crew: crew,
          origin: place.agreement)
      },
      finish: { run, rows, folder in
        if let warning = NumericalNoise.gradientWarning(run.stepChange) { complain(warning) }
        print(Self.text(rows))
        if let brackets = StudyCommand.brackets(rows.compactMap(\.interval), level: run.settings.bootstrap.level) {
          print("\n" + brackets)
        }
        print(folder.file("estimators.csv"))
      })
  }

  private static func text(_ rows: [EstimatorRow]) -> String {
    // Those without noise of either kind of batches, else without that of validation batches.
    let without: [[(EstimatorStatistic, String)]] = [
      [(.cosineExpected, "cosine, expected"), (.relativeBiasExpected, "bias, expected")],
      [(.cosineCorrected, "cosine, corrected"), (.relativeBiasCorrected, "bias, corrected")],
    ]
    let known = Set(rows.map(\.statistic))
    let noiseless = without.first { $0.contains { known.contains($0.0.rawValue) } } ?? []
    let columns: [(EstimatorStatistic, String)] = [
      (.cosine, "cosine"), (.meanCosine, "of the mean"), (.relativeBias, "relative bias"),
      (.relativeVariance, "relative variance"), (.signAgreement, "signs alike"),
    ]
    let shown = columns + noiseless
    let keys = rows.filter { $0.statistic == EstimatorStatistic.relativeBias.rawValue }
    return TextTable.text(
      header: ["estimator", "M", "N", "σ"] + shown.map(\.1),
      rows: keys.map { key in
        [
          key.estimator, "\(key.innerSteps)", key.candidates.map(String.init) ?? "", key.sigma.map { "\($0)" } ?? "",
        ]
          + shown.map { statistic, _ in
            let row = rows.first {
              $0.statistic == statistic.rawValue && $0.estimator == key.estimator && $0.innerSteps == key.innerSteps
                && $0.candidates == key.candidates && $0.sigma == key.sigma
            }
            return row.map { StudyCommand.decimal($0.value, $0.lower, $0.upper) } ?? "-"
          }
      }, rightAligned: [1, 2, 3])
  }
}
