import ArgumentParser
import Formats
import Landscape
import Problems
import Search
import Studies

struct FidelityCommand: RankedCommand {
  static let rankUse = RankUse.team
  static let configuration = CommandConfiguration(
    commandName: "fidelity", abstract: "Measure how well what DARTS descends follows the true loss around a checkpoint.",
    discussion: """
      Evaluates the losses at several distances along random directions of α, all on the same batches, and compares \
      them with the true loss of most inner steps: correlations, bias, minimisers, gradients, curvature. Writes \
      fidelity.yaml, fidelity-samples.csv, fidelity-plane.csv, fidelity.csv and fidelity.txt. Losses are normalised as \
      --batch-norm says, gradients of DARTS and curvature as a search takes them. SIGINT, SIGTERM, SIGHUP or SIGUSR1 \
      stops after the evaluations in work; the same command with --resume goes on.
      """)

  @OptionGroup var source: LandscapeSource
  @Option(help: "Losses: \(Objective.lossForms), with commas between; the true one of most steps is the truth.")
  var objectives = "first,second,true:1,true:10"
  @Option(help: "Random directions.")
  var directions = 32
  @Option(help: "Distances along each direction, in units of its length, with commas between.")
  var radii = "0.25,0.5,1,2"
  @Option(help: "Length of a direction in each block: alpha (the norm of α there) or unit (1).")
  var length = DirectionLength.alpha
  @Option(help: "Parts of α that are scaled to that length: row, cell or model.")
  var normalisation = DirectionNormalisation.cell
  @Option(help: "Key of the directions.")
  var directionsSeed: UInt64 = 0
  @Option(help: "Points along each side of the square that a quadratic is fitted to; 0 for no fit.")
  var plane = 5
  @Flag(inversion: .prefixedNo, help: "Compare gradients with the finite-difference gradient of the truth.")
  var gradients = true
  @Flag(inversion: .prefixedNo, help: "Take the dominant eigenvalue of ∇²L₁.")
  var eigenvalue = true
  @Option(help: HessianKind.help("∇²L₁", default: HessianKind.usual))
  var hessian: HessianKind?
  @Option(help: "Displacement of the finite differences, in units of α.")
  var displacement = EstimatorSettings.defaultDisplacement
  @Option(help: "Candidates of the RS and MGS gradients.")
  var candidates = 4
  @Option(help: "σ of MGS, μ of RS. Default: as a search of the space, 0.2 in s1 to s4 and nb201, 0.025 in s5 and s6.")
  var sigma: Double?
  @Option(help: "Draws of candidates.")
  var repeats = 16
  @Option(help: "Key of the candidates.")
  var candidatesSeed: UInt64 = 0
  @Option(
    help: """
      fixed: every point sees the batches that the search would meet; fresh: each point of rays and plane has training batches \
      of its own.
      """)
  var batches = BatchDrawing.fixed
  @OptionGroup var study: StudyFlags

  func run() throws {
    // Settings are checked before data is read and weights are loaded.
    let list = try Objective.parse(list: objectives)
    let distances = try NumberList.parse(radii, "--radii", Double.self)
    let kind = HessianKind.chosen(hessian, study.walk, settings: "fidelity.yaml")
    func settings(_ step: WeightStep, _ epoch: Int, _ first: Int, _ sigma: Double) throws -> FidelitySettings {
      let sampled = try EstimatorSettings(
        estimators: StudiedEstimator.ofFidelity, innerSteps: [1], candidates: [candidates], sigmas: [sigma],
        repeats: repeats, displacement: displacement, step: step, epoch: epoch, firstStep: first,
        validationBatches: study.validationBatches, batchNorm: study.normalising.mode(), seed: candidatesSeed,
        bootstrap: study.intervals.settings())
      var settings = try FidelitySettings(
        objectives: list, directions: directions, radii: distances, length: length, normalisation: normalisation,
        directionsSeed: directionsSeed, planePoints: plane, comparesGradients: gradients,
        gradients: study.inner.applied(to: sampled), takesEigenvalue: eigenvalue, hessian: kind)
      settings.drawing = batches
      return settings
    }
    let checked = try settings(WeightStep(), 0, 0, sigma ?? 0.2)
    try study.run(
      source, objectives: list, points: { _ in checked.pointsAtATime },
      make: { place, copies, crew in
        // A shortage of memory is to show before the first point. Rank 0 alone takes the eigenvalue.
        if eigenvalue, kind == .exact, try RunningProgram.team().rank == 0 {
          try place.problem.model.prepareHessianProducts()
        }
        return try FidelityRun(
          problem: place.problem, weights: place.checkpoint.weights, velocity: place.checkpoint.momentum,
          statistics: place.checkpoint.statistics, alphas: place.alphas,
          settings: settings(place.step, place.epoch, place.firstStep, sigma ?? place.configuration.sigma), copies: copies,
          crew: crew, origin: place.agreement)
      },
      finish: { run, rows, folder in
        for warning in Self.warnings(rows, kind) { complain(warning) }
        let text = FidelityText.text(rows, settings: run.settings)
        try AtomicFile.write(text + "\n", to: folder.file("fidelity.txt"))
        print(text)
        for name in ["fidelity.csv", "fidelity-samples.csv", "fidelity.txt"] { print(folder.file(name)) }
      })
  }

  private static func warnings(_ rows: [FidelityRow], _ kind: HessianKind) -> [String] {
    func value(_ name: String, _ objective: Objective) -> Double? { rows.first(name, objective)?.value }
    return [
      NumericalNoise.gradientWarning(value("gradient_half_step_difference", .secondOrder)),
      NumericalNoise.curvatureWarning(
        "∇²L₁", asymmetry: value(FidelityRow.name("hessian_asymmetry", by: kind), .firstOrder),
        largest: value(FidelityRow.name("dominant_eigenvalue", by: kind), .firstOrder),
        atHalf: value("dominant_eigenvalue_half_displacement", .firstOrder), products: kind.products()),
    ].compactMap { $0 }
  }
}
