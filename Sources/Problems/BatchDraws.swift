/// Draws of batches beside those of a search. A batch is a function of its epoch, so a draw has an epoch of its own, behind every
/// one that a search can have.
public enum BatchDraws {
  /// Draws that there are: a stream's epoch has 24 bits, and a search takes none of their upper half.
  public static let count = 1 << 23

  /// The epoch whose order and augmentation are those of a draw in 0..<count.
  public static func epoch(_ draw: Int) -> Int {
    precondition((0..<count).contains(draw), "draw \(draw) of \(count)")
    return count + draw
  }
}
