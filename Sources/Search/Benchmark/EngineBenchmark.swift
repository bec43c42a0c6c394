import Compute
import Engine
import Formats
import Foundation

/// Times what a search, a landscape and a retraining are made of: training step, forward pass, both α-gradients, a ZARTS-MGS
/// update, products with Hessians.
public final class EngineBenchmark {
  /// Raw values are names in the JSON output, shared with the PyTorch peer.
  public enum Quantity: String, CaseIterable, Sendable {
    /// Forward, backward, gradient clip, SGD.
    case trainStep = "train_step"
    /// Loss without gradient: of a supernet with batch statistics, of a derived network with running ones.
    case forward
    /// ∇_α of L₁.
    case alphaFirst = "alpha_first"
    /// ∇_α of L₂.
    case alphaSecond = "alpha_second"
    /// One ZARTS-MGS update of α.
    case zartsUpdate = "zarts_update"
    /// ∇²_α L · v, exact.
    case hessianAlphas = "hessian_alphas"
    /// ∇²_ω L · v, exact.
    case hessianWeights = "hessian_weights"
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

  /// Something to time, and what one run of it costs.
  struct Workload {
    let cost: PlanCost
    let run: () throws -> Void
  }

  /// What a product with the Hessian of ω costs an image: a product x·W becomes three forwards (of values, and two of their
  /// derivative) and five backwards (three to x, two of the derivative of W's gradient), eight for the three of a gradient.
  static func weightProductCost(forward: PlanCost, gradient: PlanCost) -> PlanCost { gradient.times(2) + forward.times(2) }

  private let workloads: [Quantity: Workload]
  /// Name of the instruction set in use.
  public let instructionSet: String

  init(workloads: [Quantity: Workload], instructionSet: String) {
    self.workloads = workloads
    self.instructionSet = instructionSet
  }

  /// Quantities that can be measured.
  public var quantities: [Quantity] { Quantity.allCases.filter { workloads[$0] != nil } }

  /// One run that is not counted, then `repeats` that are.
  ///
  /// - Throws: `InputError` for a quantity that this network does not have.
  public func measure(_ quantity: Quantity, repeats: Int) throws -> Measurement {
    guard let workload = workloads[quantity] else {
      throw InputError(
        "no such quantity of a derived network", at: .setting("quantities"), found: quantity.rawValue,
        wanted: quantities.map(\.rawValue).joined(separator: ", "))
    }
    try workload.run()
    var seconds: [Double] = []
    for _ in 0..<repeats {
      let start = DispatchTime.now().uptimeNanoseconds
      try workload.run()
      seconds.append(Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9)
    }
    return Measurement(quantity: quantity, seconds: seconds, cost: workload.cost, peakBytes: PeakMemory.bytes())
  }
}
