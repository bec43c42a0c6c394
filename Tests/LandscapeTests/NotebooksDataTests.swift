import Cells
import Formats
import Foundation
import Landscape
import Statistics
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

  @Test("norms and entropies in metrics.csv are those of the kept α", arguments: ["darts1", "zarts-mgs"])
  func metricsFollowFromAlphas(method: String) throws {
    let metrics = try CSVTable(readingFrom: "\(Self.folder)/\(method)/metrics.csv")
    let history = try AlphaHistory(readingFrom: "\(Self.folder)/\(method)/alphas.npy", like: SearchSpace.s2.zeroAlphas)
      .entries
    #expect(history.count == 16 && !metrics.columns.contains("seconds"))
    for (column, value) in [
      ("alpha_norm", \ArchitectureParameters.norm), ("alpha_entropy_normal", \.normal.meanEntropy),
      ("alpha_entropy_reduce", \.reduce.meanEntropy),
    ] as [(String, KeyPath<ArchitectureParameters, Double>)] {
      #expect(try metrics.doubles(column) == history.map { $0[keyPath: value] }, "\(column)")
    }
  }

  /// The centre is the mean of both paths and the directions are orthonormal.
  @Test("coordinates in the plane and the distance from it add up to the distance of α from the paths' mean")
  func pathsFollowFromAlphas() throws {
    let paths = try CSVTable(readingFrom: "\(Self.folder)/plane/trajectory.csv")
    let (runs, epochs) = (try paths.column("run"), try paths.integers("epoch"))
    let (x, y, apart) = (try paths.doubles("x"), try paths.doubles("y"), try paths.doubles("distance_from_plane"))
    let methods = ["darts1", "zarts-mgs"]
    let histories = try methods.map {
      try AlphaHistory(readingFrom: "\(Self.folder)/\($0)/alphas.npy", like: SearchSpace.s2.zeroAlphas).entries.map {
        $0.flat.map(Double.init)
      }
    }
    let points = histories.flatMap { $0 }
    let mean = points[0].indices.map { index in points.reduce(0) { $0 + $1[index] } / Double(points.count) }
    for (method, history) in zip(methods, histories) {
      let rows = runs.indices.filter { runs[$0] == method }
      #expect(rows.map { epochs[$0] } == Array(1...history.count))
      for (row, alphas) in zip(rows, history) {
        let square = zip(alphas, mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        let found = x[row] * x[row] + y[row] * y[row] + apart[row] * apart[row]
        #expect(abs(found - square) < 1e-6 * max(1, square), "\(method), epoch \(epochs[row]): \(found), \(square)")
      }
    }
  }

  @Test("coefficients of fidelity.csv are those of the kept samples, and lie in their intervals", arguments: [2, 8, 16])
  func statisticsFollowFromSamples(epoch: Int) throws {
    let table = try CSVTable(readingFrom: "\(Self.folder)/fidelity-\(epoch)/fidelity.csv")
    let samples = try CSVTable(readingFrom: "\(Self.folder)/fidelity-\(epoch)/fidelity-samples.csv")
    let (names, objectives) = (try table.column("name"), try table.column("objective"))
    let (radii, values) = (try table.optionalDoubles("radius"), try table.doubles("value"))
    let (lower, upper) = (try table.optionalDoubles("lower"), try table.optionalDoubles("upper"))
    let (rowNames, rowSteps) = (try samples.column("objective"), try samples.integers("inner_steps"))
    let (rowRadii, losses, steps) = (
      try samples.doubles("radius"), try samples.doubles("loss"), try table.integers("inner_steps")
    )
    let most = try #require(rowSteps.max())
    func at(_ radius: Double, _ objective: String, _ steps: Int) -> [Double] {
      losses.indices.filter { rowRadii[$0] == radius && rowNames[$0] == objective && rowSteps[$0] == steps }.map {
        losses[$0]
      }
    }
    let statistics: [(String, ([Double], [Double]) throws -> Double?)] = [
      ("pearson", Correlation.pearson), ("spearman", Correlation.spearman), ("kendall", Correlation.kendall),
      ("concordance", Correlation.concordance), ("bias", { x, y in Moments.mean(zip(x, y).map { $0 - $1 }) }),
    ]
    var checked = 0
    for row in names.indices {
      guard let radius = radii[row], let statistic = statistics.first(where: { $0.0 == names[row] })?.1 else { continue }
      let found = try #require(try statistic(at(radius, objectives[row], steps[row]), at(radius, "true", most)))
      #expect(abs(found - values[row]) < 1e-12, "\(names[row]) of \(objectives[row]) at \(radius)")
      let (low, high) = (try #require(lower[row]), try #require(upper[row]))
      #expect(low <= values[row] && values[row] <= high)
      checked += 1
    }
    #expect(checked >= 2 * statistics.count)
  }
}
