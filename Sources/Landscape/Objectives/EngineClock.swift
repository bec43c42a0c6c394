import Dispatch

/// Seconds spent in the problem's own passes, as against everything around them. Not for concurrent use.
final class EngineClock {
  private(set) var seconds = 0.0

  static func now() -> Double { Double(DispatchTime.now().uptimeNanoseconds) / 1e9 }

  /// Counts what a pass takes.
  @discardableResult
  func measure<Result>(_ pass: () throws -> Result) rethrows -> Result {
    let start = Self.now()
    defer { seconds += Self.now() - start }
    return try pass()
  }

  /// Takes out of what is being measured a part that measures its own passes.
  func leave<Result>(_ body: () throws -> Result) rethrows -> Result {
    let start = Self.now()
    defer { seconds -= Self.now() - start }
    return try body()
  }

  /// Counts what was measured elsewhere.
  func add(_ part: Double) { seconds += part }
}
