import Compute
import Foundation

/// Tells a person how far a long job is: a line that is redrawn, with a bar and the time left, on a terminal, and a plain
/// line now and then elsewhere.
public final class ProgressReporter {
  private let write: (String) -> Void
  private let isTerminal: Bool
  private let isColoured: Bool
  private let width: () -> Int
  private let interval: Double
  private let now: () -> Double
  private var pace = WorkPace()
  private var lastReport = -Double.infinity
  private var hasLine = false
  private var throughput = Throughput()
  private var listener: Listener?

  /// Takes reports in place of a person: the whole of several jobs that run side by side, for example.
  package struct Listener {
    /// Units done, units in all, and what is being done.
    var report: (Double, Double, String) -> Void
    var note: (String) -> Void

    package init(report: @escaping (Double, Double, String) -> Void, note: @escaping (String) -> Void) {
      (self.report, self.note) = (report, note)
    }
  }

  /// Reports to a listener, and writes nothing.
  ///
  /// - Parameter interval: least seconds from one report to the next.
  package convenience init(to listener: Listener, interval: Double = 0.1) {
    self.init(isTerminal: false, interval: interval) { _ in }
    self.listener = listener
  }

  /// - Parameters:
  ///   - isTerminal: whether lines may be redrawn in place.
  ///   - isColoured: whether the bar is.
  ///   - width: columns of the terminal, asked before each line since windows change.
  ///   - interval: least seconds from one line to the next; a tenth of a second on a terminal, 30 seconds elsewhere
  ///     where nil.
  ///   - now: seconds on a clock that never goes back.
  ///   - write: takes text as it is to appear.
  public init(
    isTerminal: Bool, isColoured: Bool = false, width: @escaping () -> Int = { .max }, interval: Double? = nil,
    now: @escaping () -> Double = ProgressReporter.monotonicSeconds, write: @escaping (String) -> Void
  ) {
    self.isTerminal = isTerminal
    self.isColoured = isColoured
    self.width = width
    self.interval = interval ?? (isTerminal ? 0.1 : 30)
    self.now = now
    self.write = write
  }

  /// Reports on standard error. A terminal that says it is dumb gets plain lines; no colour where NO_COLOR is set
  /// (no-color.org).
  ///
  /// - Parameter interval: least seconds between plain lines.
  public static func standardError(interval: Double = 30) -> ProgressReporter {
    let environment = ProcessInfo.processInfo.environment
    let isTerminal = isatty(2) == 1 && environment["TERM"] != "dumb"
    return ProgressReporter(
      isTerminal: isTerminal, isColoured: environment["NO_COLOR", default: ""].isEmpty, width: terminalWidth,
      interval: isTerminal ? nil : interval
    ) { StandardStream.error.write($0) }
  }

  /// Columns of the terminal on standard error; 80 where it does not say.
  private static func terminalWidth() -> Int {
    var size = winsize()
    return ioctl(2, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
  }

  /// Reports nowhere.
  public static var silent: ProgressReporter { ProgressReporter(isTerminal: false) { _ in } }

  /// Says that `done` of `total` units of work are done, if it is time to say something again.
  ///
  /// - Parameter images: training images seen since some fixed moment, for a rate; nil for none.
  public func report(done: Double, of total: Double, images: Int? = nil, _ text: @autoclosure () -> String) {
    let time = now()
    pace.add(done, at: time)
    if let images { throughput.add(images, at: time) }
    guard time - lastReport >= interval else { return }
    lastReport = time
    if let listener { return listener.report(done, total, text()) }
    let fraction = total > 0 ? min(1, done / total) : 1
    let left = pace.secondsPerUnit.map { (total - done) * $0 }
    let percent = "\(Int(100 * fraction))%"
    let remaining = left.map { "\(Self.duration($0)) left" } ?? "time left unknown yet"
    let rate = throughput.rate.map { "  \(Self.rate($0)) images/s" } ?? ""
    if isTerminal {
      write(terminalLine(fraction, "\(percent)  \(remaining)  \(text())\(rate)"))
      hasLine = true
    } else {
      write("\(percent), \(remaining): \(text())\(rate)\n")
    }
  }

  private static let barWidth = 24

  /// The bar and as much of the text as fits: a line that wraps could not be redrawn.
  private func terminalLine(_ fraction: Double, _ text: String) -> String {
    let columns = max(1, width() - 1)
    let bar = min(Self.barWidth, columns)
    let filled = Int(Double(bar) * fraction)
    let (full, empty) = (String(repeating: "█", count: filled), String(repeating: "░", count: bar - filled))
    let room = columns - bar - 1
    let shown = room > 0 ? " " + (text.count > room ? text.prefix(max(0, room - 1)) + "…" : text) : ""
    return "\r\u{1B}[K" + (isColoured ? "\u{1B}[36m\(full)\(empty)\u{1B}[0m" : full + empty) + shown
  }

  /// Writes a line that stays, above the bar.
  public func note(_ line: String) {
    if let listener { return listener.note(line) }
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

  private static func rate(_ value: Double) -> String { String(format: value < 10 ? "%.1f" : "%.0f", value) }

  /// Seconds on the monotonic clock.
  public static func monotonicSeconds() -> Double {
    Double(DispatchTime.now().uptimeNanoseconds) / 1e9
  }
}

/// The pace of the last half minute or so: with updates of α in between, single steps say little.
private struct Throughput {
  private var marks: [(time: Double, count: Int)] = []
  private let span = 30.0

  package mutating func add(_ count: Int, at time: Double) {
    // Marks closer than a twentieth of the span would only cost memory.
    if marks.count > 1, time - marks[marks.count - 2].time < span / 20 {
      marks[marks.count - 1] = (time, count)
    } else {
      marks.append((time, count))
    }
    while marks.count > 2, time - marks[1].time >= span { marks.removeFirst() }
  }

  /// Per second; nil before there are two moments.
  package var rate: Double? {
    guard let first = marks.first, let last = marks.last, last.time > first.time else { return nil }
    return Double(last.count - first.count) / (last.time - first.time)
  }
}
