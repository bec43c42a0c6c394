import Foundation

/// Tells a person how far a long job is: a line that is redrawn, with a bar and the time left, on a terminal, and a plain
/// line now and then elsewhere.
public final class ProgressReporter {
  private let write: (String) -> Void
  private let isTerminal: Bool
  private let interval: Double
  private let now: () -> Double
  private var start: (time: Double, done: Double)?
  private var lastReport = -Double.infinity
  private var hasLine = false

  /// - Parameters:
  ///   - isTerminal: whether lines may be redrawn in place.
  ///   - interval: least seconds from one line to the next; a tenth of a second on a terminal, 30 seconds elsewhere
  ///     where nil.
  ///   - now: seconds on a clock that never goes back.
  ///   - write: takes text as it is to appear.
  public init(
    isTerminal: Bool, interval: Double? = nil, now: @escaping () -> Double = ProgressReporter.monotonicSeconds,
    write: @escaping (String) -> Void
  ) {
    self.isTerminal = isTerminal
    self.interval = interval ?? (isTerminal ? 0.1 : 30)
    self.now = now
    self.write = write
  }

  /// Reports on standard error.
  public static func standardError() -> ProgressReporter {
    ProgressReporter(isTerminal: isatty(2) == 1) { FileHandle.standardError.write(Data($0.utf8)) }
  }

  /// Reports nowhere.
  public static var silent: ProgressReporter { ProgressReporter(isTerminal: false) { _ in } }

  /// Says that `done` of `total` units of work are done, if it is time to say something again.
  public func report(done: Double, of total: Double, _ text: @autoclosure () -> String) {
    let time = now()
    let begin = start ?? (time, done)
    start = begin
    guard time - lastReport >= interval else { return }
    lastReport = time
    let fraction = total > 0 ? min(1, done / total) : 1
    let gained = done - begin.done
    // One unit says little about the pace; a number too early would only jump.
    let left = gained > 0 && time > begin.time ? (total - done) * (time - begin.time) / gained : nil
    let percent = "\(Int(100 * fraction))%"
    let remaining = left.map { "\(Self.duration($0)) left" } ?? "time left unknown yet"
    if isTerminal {
      let width = 24
      let filled = Int(Double(width) * fraction)
      let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
      write("\r\u{1B}[K\(bar) \(percent)  \(remaining)  \(text())")
      hasLine = true
    } else {
      write("\(percent), \(remaining): \(text())\n")
    }
  }

  /// Writes a line that stays, above the bar.
  public func note(_ line: String) {
    clear()
    write(line + "\n")
  }

  /// Removes the bar.
  public func clear() {
    guard hasLine else { return }
    write("\r\u{1B}[K")
    hasLine = false
    lastReport = -Double.infinity
  }

  /// Like 42 s, 3 min 05 s, 2 h 07 min.
  public static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "a very long time" }
    let whole = Int(max(0, seconds).rounded(.up))
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    switch whole {
    case ..<60: return "\(whole) s"
    case ..<3600: return "\(whole / 60) min \(two(whole % 60)) s"
    default: return "\(whole / 3600) h \(two(whole % 3600 / 60)) min"
    }
  }

  /// Seconds on the monotonic clock.
  public static func monotonicSeconds() -> Double {
    Double(DispatchTime.now().uptimeNanoseconds) / 1e9
  }
}
