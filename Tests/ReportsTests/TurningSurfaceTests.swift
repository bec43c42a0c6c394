import Figures
import Formats
import Foundation
import Reports
import Testing

@Suite("Surfaces that a reader turns") struct TurningSurfaceTests {
  private func page(_ paths: [String]) throws -> (ReportPage, PageTree.Node) {
    let page = try ReportPage(Report(reading: paths), command: "zarts report X")
    let tree = PageTree(page.html)
    #expect(tree.problem == nil, "\(tree.problem ?? "")")
    return (page, try #require(tree.root))
  }

  @Test("a landscape has one, hidden until a script shows it, with a button for each of its planes") func markup() throws {
    let samples = try Samples()
    let (_, root) = try page([samples.landscape()])
    let figure = try #require(root.all("figure", class: "turn").first)
    #expect(root.all("figure", class: "turn").count == 1 && figure.attributes["hidden"] != nil)
    let planes = root.all("svg", class: "plane").map { $0.attributes["data-name"] ?? "" }
    #expect(figure.all("button").map(\.allText) == planes && planes.count == 5)
    #expect(figure.all("button").map { $0.attributes["aria-pressed"] } == ["true", "false", "false", "false", "false"])
    let canvas = try #require(figure.all("canvas").first)
    #expect(canvas.attributes["tabindex"] == "0" && canvas.attributes["aria-label"] == "L₁ as a surface")
    for (key, map) in [("data-colours", ColourMap.viridis), ("data-differences", .blueWhiteRed)] {
      let colours = (figure.attributes[key] ?? "").split(separator: " ")
      #expect(colours.count == 33 && colours.allSatisfy { $0.count == 6 && UInt32($0, radix: 16) != nil })
      // The first of 256 colours is that of half a step.
      let first = map.colour(at: 0.5 / 256)
      let digits = [first.red, first.green, first.blue].map { String(format: "%02x", Int(($0 * 255).rounded())) }.joined()
      #expect(colours.first.map(String.init) == digits)
    }
  }

  @Test("each plane says the ends of both of its colour scales, which are those of its colours") func scales() throws {
    let samples = try Samples()
    let landscape = try samples.landscape()
    let table = try CSVTable(readingFrom: "\(landscape)/landscape.csv")
    let (objectives, losses) = (try table.column("objective"), try table.doubles("loss"))
    let shared = ColourScale.sequential(losses)
    let planes = try page([landscape]).1.all("svg", class: "plane")
    for (plane, objective) in zip(planes, ["first", "second", "true"]) {
      let own = ColourScale.sequential(zip(objectives, losses).filter { $0.0 == objective }.map(\.1))
      let found = (plane.attributes["data-scale"] ?? "").split(separator: " ").compactMap { Double($0) }
      #expect(found == [shared.low, shared.high, own.low, own.high], "\(objective)")
    }
    let difference = (planes.last?.attributes["data-scale"] ?? "").split(separator: " ").compactMap { Double($0) }
    #expect(difference.count == 4 && difference[0] == -difference[1] && difference[2] == -difference[3])
  }

  @Test("only pages with one have its script, which their policy names; a single point has none") func script() throws {
    let samples = try Samples()
    let (with, tree) = try page([samples.landscape()])
    #expect(tree.all("script").count == 2 && with.policy.components(separatedBy: "'sha256-").count == 4)
    // Values stand in the page once: what it costs is the script and a few colours.
    let script = try #require(tree.all("script").map(\.allText).first { $0.contains("figure.turn") })
    #expect(script.utf8.count < 18_000)
    let (without, bare) = try page([samples.search()])
    #expect(bare.all("script").count == 1 && without.policy.components(separatedBy: "'sha256-").count == 3)
    try samples.write("space: s2\n", to: "point/landscape.yaml")
    try samples.write("i,j,x,y,objective,inner_steps,loss,accuracy\n0,0,0,0,first,0,1,0.5\n", to: "point/landscape.csv")
    let (_, point) = try page([samples.path("point")])
    #expect(point.all("svg", class: "plane").count == 1)
    #expect(point.all("figure", class: "turn").isEmpty && point.all("script").count == 1)
  }
}
