import ArgumentParser

/// Flags that mean something beside another alone.
enum DependentFlags {
  /// - Parameters:
  ///   - given: flags and what they were given; nil where they were not.
  ///   - other: the flag that is absent.
  /// - Throws: `ValidationError` that names the first that was given.
  static func refuse(_ given: [(flag: String, value: String?)], without other: String) throws {
    for case let (flag, value?) in given {
      throw ValidationError("\(flag): found \(value) without \(other), wanted both")
    }
  }
}
