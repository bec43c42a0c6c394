import Search
import Testing

struct ProgressReporterTests {
  private final class Screen {
    var time = 0.0
    var text: [String] = []
  }

  private func reporter(_ screen: Screen, isTerminal: Bool, interval: Double) -> ProgressReporter {
    ProgressReporter(isTerminal: isTerminal, interval: interval, now: { screen.time }) { screen.text.append($0) }
  }

  @Test func timeLeftFollowsThePaceSinceTheFirstReport() {
    let screen = Screen()
    let reporter = reporter(screen, isTerminal: false, interval: 1)
    // A run that goes on at 40 of 100 units says nothing about the pace before it.
    reporter.report(done: 40, of: 100, "a")
    screen.time = 10
    reporter.report(done: 50, of: 100, "b")
    #expect(screen.text == ["40%, time left unknown yet: a\n", "50%, 50 s left: b\n"])
  }

  @Test func plainLinesKeepTheirDistance() {
    let screen = Screen()
    let reporter = reporter(screen, isTerminal: false, interval: 30)
    for second in 0..<61 {
      screen.time = Double(second)
      reporter.report(done: Double(second), of: 100, "x")
    }
    #expect(screen.text.count == 3)
    #expect(screen.text.allSatisfy { !$0.contains("\r") && !$0.contains("\u{1B}") && $0.hasSuffix("\n") })
  }

  @Test func terminalLineIsRedrawnAndRemovedBeforeALineThatStays() {
    let screen = Screen()
    let reporter = reporter(screen, isTerminal: true, interval: 0)
    reporter.report(done: 50, of: 100, "half")
    reporter.note("stays")
    reporter.clear()
    #expect(screen.text[0].hasPrefix("\r\u{1B}[K" + String(repeating: "█", count: 12) + "░"))
    #expect(Array(screen.text.dropFirst()) == ["\r\u{1B}[K", "stays\n"])
  }

  @Test func durationsAreReadable() {
    #expect(ProgressReporter.duration(41.2) == "42 s")
    #expect(ProgressReporter.duration(185) == "3 min 05 s")
    #expect(ProgressReporter.duration(7620) == "2 h 07 min")
    #expect(ProgressReporter.duration(.infinity) == "a very long time")
  }
}
