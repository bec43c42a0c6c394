/// Edges that are switched off: what softmax cannot say by itself, since it never gives all operations of an edge nothing.
///
/// A row of logits is log p up to a constant. Where every e^α of a row is 0 in float32, in which a network reads its mixing
/// weights, there is nothing to normalise: the edge carries nothing, whatever its operations, and with partial channels
/// (PC-DARTS) nothing bypasses them. α stays finite and is written, read and moved as any other.
extension ArchitectureParameters.Matrix {
  /// The logit of an operation that is switched off, log 0 as float32 has it: e^−128 < 1e-55.
  public static let offLogit: Float = -128
  /// e^−104 is 6.8e-46, which float32 rounds to 0: less than half of its smallest number, 1.4e-45. No search that moves α
  /// comes near: Adam at DARTS' rate moves a logit by 6 at most in 50 epochs of 390 steps, candidates of ZARTS lie σ apart.
  private static let vanishing: Float = -104

  /// Whether the edge of a row is switched off: every logit of its operations is −104 or less.
  public func isOff(row: Int) -> Bool {
    (row * columns..<row * columns + operationColumns).allSatisfy { values[$0] <= Self.vanishing }
  }

  /// Whether any edge is switched off. Then the matrix stands for an architecture that was chosen, edges and operations, and
  /// not for a mixture of which one is to be derived.
  public var isChosen: Bool { (0..<rows).contains(where: isOff) }
}
