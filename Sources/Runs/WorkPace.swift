/// How long a unit of work takes, from reports of how many are done.
///
/// It is the mean over the later half of the work that has been done since the first report, so that it follows another load
/// of the machine. Parts of that work that took ten times as long as usual are left out: the process was stopped
/// or its machine was asleep.
struct WorkPace {
  private typealias Mark = (time: Double, done: Double)
  private static let mostMarks = 64
  private static let pause = 10.0

  private var marks: [Mark] = []
  private var latest: Mark?
  /// Least work between two marks.
  private var spacing = 0.0

  mutating func add(_ done: Double, at time: Double) {
    latest = (time, done)
    guard let last = marks.last else { return marks.append((time, done)) }
    // A run that has gone back to an earlier state begins anew.
    if done < last.done { (marks, spacing) = ([(time, done)], 0) }
    guard done > last.done, done - last.done >= spacing else { return }
    marks.append((time, done))
    guard marks.count > Self.mostMarks else { return }
    marks = marks.indices.filter { $0.isMultiple(of: 2) }.map { marks[$0] }
    spacing = (done - marks[0].done) / Double(marks.count)
  }

  /// Seconds; nil before there are two moments.
  var secondsPerUnit: Double? {
    guard let first = marks.first, let latest, latest.done > first.done else { return nil }
    let middle = first.done + (latest.done - first.done) / 2
    // The half begins at the last mark before it, so that there is one part at least.
    let start = marks.lastIndex { $0.done <= middle } ?? 0
    var recent = Array(marks[start...])
    if let end = recent.last, latest.done > end.done { recent.append(latest) }
    let parts = zip(recent, recent.dropFirst()).map { (seconds: $1.time - $0.time, units: $1.done - $0.done) }
    let paces = parts.map { $0.seconds / $0.units }.sorted()
    let usual = paces[(paces.count - 1) / 2]
    let counted = parts.filter { $0.seconds <= Self.pause * usual * $0.units }
    let sum = counted.reduce((seconds: 0.0, units: 0.0)) { ($0.seconds + $1.seconds, $0.units + $1.units) }
    return sum.units > 0 && sum.seconds > 0 ? sum.seconds / sum.units : nil
  }
}
