import Compute
import Foundation
import Testing

struct CountBoundsTests {
  @Test func countsAreThoseOfTheRangeTheMultipleAndTheZero() {
    let channels = CountBounds(4...1024, multipleOf: 4)
    #expect(
      [4, 8, 1024].allSatisfy(channels.contains) && ![0, 2, 6, 1028, -4, .max, .min].contains(where: channels.contains))
    let threads = CountBounds(1...1024, zero: "one a core")
    #expect([0, 1, 1024].allSatisfy(threads.contains) && ![-1, 1025].contains(where: threads.contains))
    let window = CountBounds(1...99, isOdd: true)
    #expect([1, 99].allSatisfy(window.contains) && ![0, 2, 101].contains(where: window.contains))
    #expect(channels.wanted == "a multiple of 4, 4 to 1024" && threads.wanted == "1 to 1024, or 0 for one a core")
    #expect(CountBounds(3...9, since: "it is so").wanted == "3 to 9, since it is so")
    #expect(threads.or(zero: "none").wanted == "1 to 1024, or 0 for none")
  }

  @Test(arguments: [
    "", " ", "abc", "nan", "inf", "1e309", "1.5", "9223372036854775808", "99999999999999999999", "-9223372036854775809",
    "5 6",
    "11", "-1",
  ])
  func textThatIsNoSuchCountIsRefused(text: String) { #expect(CountBounds(1...10).count(text) == nil) }

  @Test func numbersAndTextsAreCountsOnlyWhereWhole() {
    let bounds = CountBounds(1...10)
    #expect(bounds.count(" 7 ") == 7 && bounds.count("10") == 10 && bounds.count(3.0) == 3)
    #expect([.nan, .infinity, -.infinity, 1e300, 2.5, 0].allSatisfy { bounds.count($0) == nil })
  }

  @Test func productsThatOverflowAreTheLargestNumber() {
    #expect(Int.saturatingProduct(3, 4, 5) == 60 && Int.saturatingProduct() == 1 && Int.saturatingProduct(.max, 0) == 0)
    #expect(Int.saturatingProduct(.max, 2) == .max && Int.saturatingProduct(1 << 40, 1 << 40, 0) == 0)
  }

  @Test func realBoundsKnowWhatIsNotFinite() {
    #expect(
      RealBounds.any.contains(.nan) && !RealBounds.finite.contains(.infinity) && !RealBounds.notNegative.contains(.nan))
    #expect(RealBounds.fraction.contains(1) && !RealBounds.fraction.contains(1.001) && RealBounds.notNegative.contains(0))
    #expect(!RealBounds.positive.contains(0) && RealBounds.positive.contains(1e-300))
    #expect(RealBounds.any.contains(-.infinity) && !RealBounds.notNegative.contains(.infinity))
  }

  @Test func endsOfARangeAreNumbersOfItUnlessTheyAreLeftOut() {
    let open = RealBounds(-1...2, "x", excludesLower: true, excludesUpper: true)
    #expect(!open.contains(-1) && open.contains((-1.0).nextUp) && open.contains(2.0.nextDown) && !open.contains(2))
    let limit = RealBounds(0...Double.infinity, "x", excludesLower: true)
    #expect(limit.contains(.infinity) && !limit.contains(0) && !limit.contains(.nan) && !limit.contains(-.infinity))
  }

  @Test func otherWordsAreOfTheSameNumbers() {
    let worded = RealBounds.positive.worded("y")
    #expect(worded.wanted == "y" && RealBounds.positive.wanted == "a finite number above 0")
    for value in [0, 1e-300, 1, .infinity, .nan] as [Double] {
      #expect(worded.contains(value) == RealBounds.positive.contains(value))
    }
    #expect(worded.worded(RealBounds.positive.wanted) == .positive)
  }
}

struct MemoryTests {
  @Test func anArenaCountsWhatItHasNoRoomForAndSaysSo() {
    let arena = Arena(limit: 1 << 20)
    let first = arena.allocate(Float.self, 1000)
    first[999] = 1
    #expect(!arena.isShort && arena.byteCount == 4032)
    _ = arena.allocate(Float.self, 1 << 30)
    #expect(arena.isShort && arena.byteCount == 4032 + (4 << 30))
    _ = arena.allocate(Double.self, .max)
    #expect(arena.byteCount == .max && first[999] == 1)
  }

  @Test func whatIsNeededAndWhatIsThereAreSaid() throws {
    try MemoryShortage.check("a", neededBytes: 10, availableBytes: 10)
    let error = #expect(throws: MemoryShortage.self) {
      try MemoryShortage.check("x", neededBytes: 12_300_000_000, availableBytes: 4_500_000_000, advice: "less of it")
    }
    #expect("\(try #require(error))" == "x: needs 12.3 GB of memory, has 4.5 GB; less of it would take less")
  }

  @Test func mappedBytesAreTheFirstNumberInPages() {
    #expect(AvailableMemory.mappedBytes(inStatm: "100 50 3 4\n", pageSize: 4096) == 409_600)
    #expect(AvailableMemory.mappedBytes(inStatm: "", pageSize: 4096) == nil)
    #expect(AvailableMemory.mappedBytes(inStatm: "9223372036854775807 1", pageSize: 4096) == nil)
  }
}
