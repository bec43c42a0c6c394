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

  /// What is left by the last line of a run that reports each second of `seconds`, where the time passes as `clock` says.
  private func left(_ seconds: Range<Int>, of total: Double, _ clock: (Int) -> Double, done: (Int) -> Double) -> String? {
    let screen = Screen()
    let reporter = reporter(screen, isTerminal: false, interval: 0)
    for second in seconds {
      screen.time = clock(second)
      reporter.report(done: done(second), of: total, "x")
    }
    return screen.text.last
  }

  @Test("A pause, however long, is no part of the pace, at once and later", arguments: [101, 102, 140, 500, 3000])
  func pausesAreLeftOut(after seconds: Int) {
    let text = left(0..<seconds, of: 4000, { Double($0) + ($0 > 100 ? 7200 : 0) }, done: { Double($0) })
    let wanted = ProgressReporter.duration(Double(4000 - (seconds - 1)))
    #expect(text?.contains(", \(wanted) left") == true, "\(text ?? "nothing")")
  }

  @Test func paceIsThatOfTheLaterHalfOfTheWork() {
    // Twice as fast from the 1,000th unit on; from the 2,000th on the slow ones are forgotten.
    let slow = left(0..<1001, of: 4000, { Double($0) }, done: { Double($0) })
    let fast = left(0..<2001, of: 4000, { $0 <= 1000 ? Double($0) : 1000 + Double($0 - 1000) / 2 }, done: { Double($0) })
    #expect(slow?.contains("50 min 00 s left") == true, "\(slow ?? "")")
    #expect(fast?.contains(", 16 min ") == true, "\(fast ?? "")")
  }

  @Test func unevenUnitsCountAsOften() {
    // Every tenth unit takes five times as long as the others, which is no pause: 1.4 seconds a unit.
    var clock = 0.0
    let text = left(
      0..<1001, of: 2000,
      { second in
        clock += second % 10 == 0 ? 5 : 1; return clock
      }, done: { Double($0) })
    #expect(text?.contains("23 min ") == true, "\(text ?? "")")
  }

  @Test func aRunThatGoesBackBeginsItsPaceAnew() {
    let screen = Screen()
    let reporter = reporter(screen, isTerminal: false, interval: 0)
    for (time, done) in [(0.0, 0.0), (10, 50), (20, 20), (30, 30)] {
      screen.time = time
      reporter.report(done: done, of: 100, "x")
    }
    #expect(screen.text[2] == "20%, time left unknown yet: x\n" && screen.text[3] == "30%, 1 min 10 s left: x\n")
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
