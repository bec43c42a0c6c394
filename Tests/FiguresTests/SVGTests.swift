import CPNG
import Figures
import Formats
import Foundation
import TestSupport
import Testing

private func svg(_ figure: some Figure) throws -> String {
  String(decoding: try FigureFile.render(figure, as: .svg), as: UTF8.self)
}

private func values(of attribute: String, in text: String) -> [String] {
  text.components(separatedBy: " \(attribute)=\"").dropFirst().map { String($0.prefix { $0 != "\"" }) }
}

@Suite struct SVGTests {
  @Test func pathsAreShortAndLeadToTheSamePlaces() throws {
    let sketch = Sketch(name: "", size: Size(width: 100, height: 50)) { canvas in
      canvas.fill([Point(1.5, 2), Point(4.75, 2), Point(4.75, 8.125), Point(1.5, 8.125)], Colour(hex: 0x102030))
    }
    let path = try #require(try svg(sketch).components(separatedBy: "#102030").last)
    #expect(values(of: "d", in: path).first == "M1.5 2l3.25 0l0 6.13l-3.25 0Z")
  }

  /// Steps of 0.004 points, each of which alone would be rounded away.
  @Test func roundingDoesNotAddUpAlongAPath() throws {
    let sketch = Sketch(name: "", size: Size(width: 100, height: 50)) { canvas in
      canvas.stroke((0...1000).map { Point(10 + 0.004 * Double($0), 20) }, .ink, width: 1)
    }
    let path = try #require(values(of: "d", in: try svg(sketch)).last)
    let steps = path.dropFirst().split(separator: "l").dropFirst()
    let sum = steps.reduce(0.0) { $0 + (Double($1.split(separator: " ")[0]) ?? .nan) }
    #expect(abs(sum - 4) < 0.0101, "\(sum)")
  }

  @Test func everyReferenceHasItsElementAndNoNameComesTwice() throws {
    let text = try svg(try exampleLandscape())
    let names = values(of: "id", in: text)
    #expect(Set(names).count == names.count && names.count > 20)
    let links = values(of: "xlink:href", in: text).filter { $0.hasPrefix("#") }.map { String($0.dropFirst()) }
    let clips = values(of: "clip-path", in: text).map { String($0.dropFirst(5).dropLast()) }
    #expect(!links.isEmpty && !clips.isEmpty)
    #expect(Set(links + clips).isSubset(of: Set(names)))
    #expect(XMLDocumentCheck.isWellFormed(text))
  }

  @Test func elementsOfAPageShareNoNames() throws {
    let figure = try exampleLandscape()
    let (a, b) = (try FigureFile.svgElement(figure, idPrefix: "a-"), try FigureFile.svgElement(figure, idPrefix: "b-"))
    #expect(a.hasPrefix("<svg ") && a.hasSuffix("</svg>\n"))
    #expect(Set(values(of: "id", in: a)).isDisjoint(with: values(of: "id", in: b)))
    #expect(values(of: "id", in: a).allSatisfy { $0.hasPrefix("a-") })
    #expect(a.replacingOccurrences(of: "a-", with: "") == b.replacingOccurrences(of: "b-", with: ""))
    for prefix in ["", "1", "a b", "a\"", "α"] {
      #expect(refusal { try FigureFile.svgElement(figure, idPrefix: prefix) } == "figure: idPrefix: '\(prefix)'")
    }
  }

  /// The picture in a document holds each cell as a block of its exact colour, in its place.
  @Test func cellsOfADocumentKeepTheirColours() throws {
    let colours = [Colour(hex: 0xFF0000), Colour(hex: 0x00FF00), Colour(hex: 0x0000FF), Colour(hex: 0x123456)]
    let sketch = Sketch(name: "", size: Size(width: 40, height: 40)) { canvas in
      canvas.cells(colours, edgesX: [10, 20, 30], edgesY: [10, 20, 30])
    }
    let text = try svg(sketch)
    let data = try #require(values(of: "xlink:href", in: text).first { $0.hasPrefix("data:image/png;base64,") })
    let bytes = try #require(Data(base64Encoded: String(data.dropFirst(22)), options: .ignoreUnknownCharacters))
    let image = try #require(DecodedPNG(Array(bytes)))
    #expect(image.width == 32 && image.height == 32)
    let wanted: [[UInt8]] = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [0x12, 0x34, 0x56]]
    for y in 0..<32 {
      for x in 0..<32 { #expect(image[x, y] == wanted[y / 16 * 2 + x / 16]) }
    }
    let pdf = String(decoding: try FigureFile.render(sketch, as: .pdf), as: UTF8.self)
    #expect(pdf.contains("/Subtype /Image") && pdf.contains("/Interpolate false"))
    // Cells of different widths have no picture.
    let uneven = Sketch(name: "", size: Size(width: 40, height: 40)) { canvas in
      canvas.cells(colours, edgesX: [10, 20, 35], edgesY: [10, 20, 30])
    }
    #expect(!(try svg(uneven)).contains("data:image"))
  }

  @Test func fivePanelsOfAFineGridStaySmall() throws {
    #expect(try svg(try exampleLandscape(points: 11)).utf8.count < 160_000)
    #expect(try svg(try exampleLandscape(points: 51)).utf8.count < 320_000)
  }
}
