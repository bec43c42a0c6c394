import Compute

/// A part of what a Hessian product is made of: along one vector, on one batch. Parts are independent of each other, so they may
/// be computed side by side and elsewhere; they are summed in the order of the batches.
package struct HessianPiece: Equatable, Sendable {
  /// What is computed.
  package enum Kind: Int, Sendable {
    /// The exact product with the vector, by α.
    case product
    /// The same by the mixing weights.
    case mixingProduct
    /// ∇_α L_val at α + the vector.
    case gradient
  }

  package var kind: Kind
  package var vector: [Double]
  /// Its number.
  package var batch: Int

  package init(_ kind: Kind, _ vector: [Double], batch: Int) { (self.kind, self.vector, self.batch) = (kind, vector, batch) }

  package func write(to writer: inout MessageWriter) {
    writer.write(kind.rawValue)
    writer.write(vector)
    writer.write(batch)
  }

  /// - Throws: `TruncatedMessage`, for an unknown kind too.
  package init(from reader: inout MessageReader) throws {
    guard let kind = Kind(rawValue: try reader.int()) else { throw TruncatedMessage() }
    self.kind = kind
    vector = try reader.doubles()
    batch = try reader.int()
  }
}
