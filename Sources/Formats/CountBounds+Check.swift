import Compute

extension CountBounds {
  /// - Throws: `InputError` naming the place where a count is out of bounds.
  package func require(_ count: Int, at place: InputError.Place, _ problem: String = "value out of range") throws {
    guard contains(count) else { throw InputError(problem, at: place, found: "\(count)", wanted: wanted) }
  }
}

extension RealBounds {
  /// - Throws: `InputError` naming the place where a number is out of bounds.
  package func require(_ value: Double, at place: InputError.Place, _ problem: String = "value out of range") throws {
    guard contains(value) else { throw InputError(problem, at: place, found: "\(value)", wanted: wanted) }
  }
}
