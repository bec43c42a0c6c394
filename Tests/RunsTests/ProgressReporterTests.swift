import Runs
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

  @Test func terminalLineNeverWrapsAndTheBarIsColouredOnlyWhereWanted() {
    for (columns, coloured) in [(80, false), (40, true), (26, false), (10, false), (1, true)] {
      let screen = Screen()
      let reporter = ProgressReporter(
        isTerminal: true, isColoured: coloured, width: { columns }, interval: 0, now: { screen.time }
      ) { screen.text.append($0) }
      reporter.report(done: 5, of: 10, String(repeating: "x", count: 200))
      let codes = ["\r\u{1B}[K", "\u{1B}[36m", "\u{1B}[0m"]
      #expect(screen.text[0].contains(codes[1]) == coloured)
      let visible = codes.reduce(screen.text[0]) { $0.replacing($1, with: "") }
      #expect(visible.count <= max(1, columns - 1), "\(columns) columns: \(visible)")
      #expect(!visible.contains("\u{1B}"))
      #expect(columns < 40 || visible.hasSuffix("…"))
    }
  }

  @Test func rateIsThatOfTheLastHalfMinute() {
    let screen = Screen()
    let reporter = reporter(screen, isTerminal: false, interval: 10)
    // 4 images a second for a minute, then 20.
    for second in 0...120 {
      screen.time = Double(second)
      reporter.report(done: Double(second), of: 1000, images: second <= 60 ? 4 * second : 240 + 20 * (second - 60), "x")
    }
    #expect(screen.text.count == 13)
    #expect(screen.text[0].hasSuffix("x\n"), "one moment makes no rate")
    #expect(screen.text[6].hasSuffix("x  4.0 images/s\n"))
    #expect(screen.text[12].hasSuffix("x  20 images/s\n"))
  }

  @Test func durationsAreReadable() {
    #expect(ProgressReporter.duration(41.2) == "42 s")
    #expect(ProgressReporter.duration(185) == "3 min 05 s")
    #expect(ProgressReporter.duration(7620) == "2 h 07 min")
    #expect(ProgressReporter.duration(.infinity) == "a very long time")
  }
}
