import Figures
import Formats
import Plots

extension PlotKind {
  /// The effective sample size of MGS by epoch. A figure that the program does not have: all that it takes to add one is this
  /// file, and in the package a line in `PlotKind.declared`.
  static let sampleSize = PlotKind(
    name: "sample-size", sources: ["metrics.csv"], fileName: "sample-size",
    fits: { folder, source in
      let values = try? CSVTable(readingFrom: folder.file(source)).optionalDoubles("ess")
      return values?.contains { $0 != nil } ?? false
    },
    draw: { folder, _ in
      let table = try CSVTable(readingFrom: folder.file("metrics.csv"))
      let points = zip(try table.doubles("epoch"), try table.optionalDoubles("ess")).compactMap { epoch, size in
        size.map { (epoch, $0) }
      }
      return try LineFigure(
        title: "Effective sample size", series: [LineSeries(label: "ESS", x: points.map(\.0), y: points.map(\.1))],
        xLabel: "epoch", yLabel: "effective sample size")
    })
}
