import Compute
import Datasets
import Foundation
import Supernet

/// Times what a search and a landscape are made of: training step, forward pass, both α-gradients, a ZARTS-MGS update.
public final class EngineBenchmark {
  /// Raw values are names in the JSON output, shared with the PyTorch peer.
  public enum Quantity: String, CaseIterable, Sendable {
    /// Forward, backward, gradient clip, SGD.
    case trainStep = "train_step"
    /// Loss without gradient, batch statistics.
    case forward
    /// ∇_α of L₁.
    case alphaFirst = "alpha_first"
    /// ∇_α of L₂.
    case alphaSecond = "alpha_second"
    /// One ZARTS-MGS update of α.
    case zartsUpdate = "zarts_update"
  }

  /// One quantity's best time and what it says about the machine.
  public struct Measurement: Sendable {
    public let quantity: Quantity
    /// Each repeat, in order, the warm-up left out.
    public let seconds: [Double]
    /// Useful floating-point operations and unavoidable traffic of one run.
    public let cost: PlanCost
    /// Largest resident memory of the process so far.
    public let peakBytes: Int

    public var best: Double { seconds.min() ?? .infinity }
    public func flopShare(of peak: MachinePeak) -> Double { Double(cost.flops) / best / peak.flopsPerSecond }
    public func bandwidthShare(of peak: MachinePeak) -> Double { Double(cost.bytes) / best / peak.bytesPerSecond }
  }

  private static let candidates = 4
  private static let innerSteps = 10

  private let problem: SupernetProblem
  private let alphas: ArchitectureParameters
  private let weights: ParameterVector
  private let velocity: ParameterVector
  private let gradient: ParameterVector
  private let batch: ImageBatch
  private let step = WeightStep()
  private let first: FirstOrderGradient<SupernetProblem>
  private let second: SecondOrderGradient<SupernetProblem>
  private let mgs: ZARTSMGS<SupernetProblem>

  /// A supernet on images of standard normal noise.
  public init(
    space: SearchSpace, channels: Int, layers: Int, batch count: Int, threads: Int,
    variant: SupernetVariant = SupernetVariant()
  ) throws {
    var stream = RandomStream(seed: 0, purpose: .test)
    let split = ImageDataset.Split(
      pixels: .floats(stream.normals(count * 3 * 32 * 32).map(Float.init)), labels: (0..<count).map { Int32($0 % 10) })
    let dataset = try ImageDataset(
      name: "noise", classes: 10, side: 32, training: split, validation: split, normalisation: .identity)
    let loader = try BatchLoader(dataset: dataset, seed: 0, batchSize: count)
    problem = try SupernetProblem(
      space: space, channels: channels, layers: layers, loader: loader, seed: 0, threads: threads,
      variant: variant)
    alphas = problem.initialAlphas
    weights = problem.makeInitialWeights()
    velocity = problem.makeVector()
    gradient = problem.makeVector()
    batch = loader.wholeTraining
    first = FirstOrderGradient(problem: problem)
    second = SecondOrderGradient(problem: problem)
    mgs = ZARTSMGS(
      problem: problem, settings: .init(innerSteps: Self.innerSteps, candidates: Self.candidates))
  }

  /// Name of the instruction set in use.
  public var instructionSet: String { problem.model.instructionSet }

  /// One run that is not counted, then `repeats` that are.
  public func measure(_ quantity: Quantity, repeats: Int) throws -> Measurement {
    try run(quantity)
    var seconds: [Double] = []
    for _ in 0..<repeats {
      let start = DispatchTime.now().uptimeNanoseconds
      try run(quantity)
      seconds.append(Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9)
    }
    return Measurement(quantity: quantity, seconds: seconds, cost: cost(of: quantity), peakBytes: Self.peakBytes())
  }

  private func run(_ quantity: Quantity) throws {
    switch quantity {
    case .trainStep:
      _ = problem.takeWeightStep(
        step, weights: weights, velocity: velocity, gradient: gradient, alphas: alphas, batch: batch, statistics: nil)
    case .forward: _ = problem.evaluate(weights: weights, alphas: alphas, batch: batch)
    case .alphaFirst: _ = first.estimate(weights: weights, alphas: alphas, validation: batch)
    case .alphaSecond:
      _ = second.estimate(
        weights: weights, velocity: nil, alphas: alphas, training: batch, validation: batch, step: step)
    case .zartsUpdate:
      var moved = alphas
      _ = try mgs.update(
        &moved,
        at: ArchitectureStep(
          weights: weights, velocity: velocity, weightStep: step,
          trainingBatches: Array(repeating: batch, count: Self.innerSteps), validationBatch: batch, sigma: 0.025))
    }
  }

  private func cost(of quantity: Quantity) -> PlanCost {
    let forward = problem.model.forwardCost
    let weightPass = problem.model.gradientCost(wantsWeights: true)
    let alphaPass = problem.model.gradientCost(wantsWeights: false)
    let steps = Self.candidates * Self.innerSteps
    let perImage: PlanCost =
      switch quantity {
      case .trainStep: weightPass
      case .forward: forward
      case .alphaFirst: alphaPass
      case .alphaSecond: weightPass.times(2) + alphaPass.times(2)
      case .zartsUpdate: weightPass.times(steps) + forward.times(Self.candidates) + alphaPass
      }
    return perImage.times(batch.count)
  }

  private static func peakBytes() -> Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss * 1024
  }
}
