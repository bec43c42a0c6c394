import Formats
import Foundation
import Landscape
import Testing

/// The tables in notebooks-data belong together: what one says of another must follow from it.
struct NotebooksDataTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("notebooks-data").path

  private func landscape(_ name: String, size: Int, objectives: String) throws -> (LandscapePlane, CSVTable) {
    let table = try CSVTable(readingFrom: "\(Self.folder)/\(name)/landscape.csv")
    let range = try #require(table.doubles("x").max())
    let grid = try LandscapeGrid(size: size, range: range)
    let list = try Objective.parse(list: objectives)
    let known = try LandscapeTable.samples(in: table, grid: grid, objectives: list)
    var samples: [Objective: [LandscapePlane.Sample]] = [:]
    for objective in list { samples[objective] = (0..<grid.count).compactMap { known[$0]?[objective] } }
    return (try LandscapePlane(grid: grid, objectives: list, samples: samples), table)
  }

  @Test(arguments: [("landscape", 21, "first,second,true:10"), ("plane", 15, "first,true:10")])
  func arraysAndComparisonsFollowFromTheirPoints(name: String, size: Int, objectives: String) throws {
    let (landscape, _) = try landscape(name, size: size, objectives: objectives)
    #expect(try NPZFile(readingFrom: "\(Self.folder)/\(name)/landscape.npz") == landscape.arrays)
    let stored = try CSVTable(readingFrom: "\(Self.folder)/\(name)/comparison.csv")
    let computed = try LandscapeComparison.all(in: landscape)
    #expect(stored.rows.count == computed.count)
    #expect(try stored.column("approximation") == computed.map(\.approximation.label))
    for (column, values) in [
      ("spearman", computed.map(\.spearman)), ("kendall", computed.map(\.kendall)), ("bias", computed.map(\.bias)),
      ("rmse", computed.map(\.rootMeanSquare)), ("minimiser_distance", computed.map(\.minimiserDistance)),
    ] {
      for (left, right) in zip(try stored.doubles(column), values) { #expect(abs(left - (try #require(right))) < 1e-12) }
    }
  }

  @Test func pathsOfTheSearchesHaveTheirLengthAndTheirAlphasTheirShape() throws {
    let paths = try CSVTable(readingFrom: "\(Self.folder)/plane/trajectory.csv")
    for method in ["darts1", "zarts-mgs"] {
      let alphas = try NPYFile(readingFrom: "\(Self.folder)/\(method)/alphas.npy")
      #expect(alphas.shape == [16, 2, 14, 2])
      let metrics = try CSVTable(readingFrom: "\(Self.folder)/\(method)/metrics.csv")
      #expect(metrics.rows.count == 16 && !metrics.columns.contains("seconds"))
      #expect(try paths.column("run").filter { $0 == method }.count == 16)
    }
    #expect(try paths.doubles("distance_from_plane").allSatisfy { $0 >= 0 })
  }

  @Test func statisticsLieWithinTheirIntervalsAndRange() throws {
    for epoch in [2, 8, 16] {
      let table = try CSVTable(readingFrom: "\(Self.folder)/fidelity-\(epoch)/fidelity.csv")
      let (names, values) = (try table.column("name"), try table.column("value").map { Double($0) })
      for name in ["pearson", "spearman", "kendall"] {
        let found = zip(names, values).filter { $0.0 == name }.compactMap(\.1)
        #expect(!found.isEmpty && found.allSatisfy { abs($0) <= 1 })
      }
    }
  }
}
