/// What one image costs: useful arithmetic, and the traffic between caches and memory that the plan cannot avoid.
public struct PlanCost: Equatable, Sendable {
  /// Floating-point operations of convolutions and the classifier, two for a multiply-add, padding lanes not counted.
  public var flops = 0
  /// Bytes of activations that a pass reads or writes and that another pass wrote or will read.
  public var bytes = 0

  public init(flops: Int = 0, bytes: Int = 0) {
    self.flops = flops
    self.bytes = bytes
  }

  public static func + (a: PlanCost, b: PlanCost) -> PlanCost {
    PlanCost(flops: a.flops + b.flops, bytes: a.bytes + b.bytes)
  }

  public func times(_ count: Int) -> PlanCost { PlanCost(flops: flops * count, bytes: bytes * count) }
}
