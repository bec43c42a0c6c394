extension ArchitectureParameters {
  /// ‖α‖₂ over all matrices.
  public var norm: Double {
    flat.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
  }

  /// α + u, u in the coordinates of `flat`, added in double precision and rounded once.
  public func moved(by update: [Double]) -> ArchitectureParameters {
    precondition(update.count == count, "expected \(count) values, found \(update.count)")
    var result = self
    result.flat = zip(flat, update).map { Float(Double($0) + $1) }
    return result
  }
}

extension [Double] {
  /// ‖self‖₂.
  package var length: Double { reduce(0) { $0 + $1 * $1 }.squareRoot() }
}
