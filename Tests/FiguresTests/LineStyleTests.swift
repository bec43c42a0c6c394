import Figures
import Testing

struct LineStyleTests {
  @Test("No two lines look alike before as many as there are colours times dashes, and the first twelve are as ever")
  func distinct() {
    let signs = (0..<LineStyle.distinct).map { index in
      "\(LineStyle.colour(index)) \(LineStyle.dash(index))"
    }
    #expect(LineStyle.distinct == 24 && Set(signs).count == 24)
    for index in 0..<12 { #expect(LineStyle.dash(index) == LineStyle.dash(index % 4), "\(index)") }
    #expect(Set((0..<4).map(LineStyle.dash)).count == 4)
  }
}
