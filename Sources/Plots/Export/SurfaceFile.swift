import Figures
import Formats
import Foundation
import Landscape

extension PlotExport {
  /// What scripts for loss-landscape's surface files read.
  static let hdf5 = PlotExport(
    name: "h5", summary: "an HDF5 file as loss-landscape writes it, of a plane or of each line",
    sources: ["landscape.csv", "lines.csv"], isOwn: SurfaceFile.isOwn, make: SurfaceFile.export)
}

/// Surface files of loss-landscape (github.com/tomgoldstein/loss-landscape at 64ef4d5): HDF5 with `xcoordinates`, `ycoordinates`
/// where it is a plane, and for each data set `NAME_loss` and `NAME_acc`, NAME being `train` or `test` (plot_surface.py, lines
/// 63 to 91).
///
/// - The value of (x, y) is number y · count of x + x of its array, whatever shape that says: it is filled through
///   `meshgrid(xcoordinates, ycoordinates)` (scheduler.py, lines 24 to 31), although it is made with the shape (x, y)
///   (plot_surface.py, line 85). We write [y, x], the same file where both are equal, and one that its
///   plot_2D.py can draw where they are not.
/// - Accuracies are in per cent (evaluation.py, line 66); −1 stands for what is not computed yet (plot_surface.py, lines
///   86 and 87).
struct SurfaceFile {
  let plane: SampledPlane

  /// - Throws: `InputError` where the file is not such a one.
  init(readingFrom path: String) throws {
    let file = try HDF5File(readingFrom: path)
    func axis(_ name: String) throws -> [Double]? {
      guard let axis = file[name] else { return nil }
      let isAscending = zip(axis.values, axis.values.dropFirst()).allSatisfy { $0 < $1 }
      guard axis.shape.count == 1, !axis.values.isEmpty, axis.values.allSatisfy(\.isFinite), isAscending else {
        throw InputError(
          "not coordinates", at: .file(path, name), found: "\(axis.values.count) numbers",
          wanted: "finite numbers that ascend, in one dimension")
      }
      return axis.values
    }
    guard let x = try axis("xcoordinates") else {
      throw InputError(
        "no surface file", at: .file(path), found: file.datasets.map(\.name).joined(separator: ", "),
        wanted: "xcoordinates, ycoordinates, train_loss and the like, as loss-landscape writes them")
    }
    let y = try axis("ycoordinates") ?? []
    let count = x.count * max(1, y.count)
    let names = file.datasets.compactMap { dataset in
      Self.endings.first { dataset.name.hasSuffix($0.text) }.map { String(dataset.name.dropLast($0.text.count)) }
    }.unique()
    guard !names.isEmpty else {
      throw InputError(
        "no surface file", at: .file(path), found: file.datasets.map(\.name).joined(separator: ", "),
        wanted: "train_loss, train_acc, test_loss or the like beside the coordinates")
    }
    for dataset in file.datasets where Self.isValue(dataset.name) && dataset.values.count != count {
      throw InputError(
        "not one value a point", at: .file(path, dataset.name), found: "\(dataset.values.count)",
        wanted: "\(count), \(x.count) × \(max(1, y.count))")
    }
    // The data that was trained on comes first.
    let order = names.filter { $0 == "train" } + names.filter { $0 != "train" }
    let surfaces = order.map { name -> SampledPlane.Surface in
      let found = Self.endings.compactMap { ending in file[name + ending.text].map { (ending, $0.values) } }
      let columns = found.map { ending, values in
        SampledPlane.Column(
          name: ending.column, values: values.map { $0 == Self.notComputed ? .nan : $0 / ending.whole })
      }
      let isThere = (0..<count).map { point in found.allSatisfy { $0.1[point] != Self.notComputed } }
      return .init(name: name, title: Self.words[name] ?? PlotText.plain(name), columns: columns, isThere: isThere)
    }
    plane = SampledPlane(x: x, y: y, surfaces: surfaces)
  }

  private static let notComputed = -1.0
  /// Of names of arrays: what they hold, and what 1 is in its unit.
  private static let endings = [
    (text: "_loss", column: "loss", whole: 1.0), (text: "_acc", column: "accuracy", whole: 100.0),
  ]
  private static func isValue(_ name: String) -> Bool { endings.contains { name.hasSuffix($0.text) } }
  private static let words = ["train": "training", "test": "test", "val": "validation"]

  /// What the data set of a folder is called in names of arrays; `validation` is that of folders which don't say.
  private static func dataName(_ folder: PlotFolder) -> String {
    ["training": "train", "test": "test"][folder.settings["data"] ?? ""] ?? "val"
  }

  static func isOwn(_ bytes: [UInt8]) -> Bool {
    bytes.starts(with: [0x89, 0x48, 0x44, 0x46]) && bytes[...].contains(Array("made by \(Plot.maker)".utf8))
  }

  static func export(_ folder: PlotFolder, _ style: PlotStyle) throws -> PlotExport.Content {
    var content = PlotExport.Content()
    func add(_ plane: SampledPlane, _ name: String, _ title: String) throws {
      let texts =
        [(name: "origin", text: "made by \(Plot.maker)")]
        + folder.origin(of: "h5", title: title, style).map { (name: $0.key, text: $0.value) }
      let file = HDF5File(datasets: datasets(of: plane, data: dataName(folder)))
      content.files.append(.init(name: name, bytes: try file.encoded(texts: texts, for: "\(name).h5")))
      let gaps = plane.gaps(of: "loss")
      if !gaps.isEmpty {
        content.notes.append("\(name).h5: not finite, or -1 where not computed: \(gaps.joined(separator: ", "))")
      }
    }
    if folder.offers("landscape.csv") {
      try add(SampledPlane(folder, objectives: style.objectives), folder.stem, folder.text.around("Plane"))
    }
    if folder.offers("lines.csv") {
      for (direction, line) in try SampledPlane.lines(folder, objectives: style.objectives) {
        try add(line, "lines-\(direction)", folder.text.direction(direction))
      }
    }
    return content
  }

  /// `NAME_loss` and `NAME_acc` are those of the loss at the points themselves, `NAME_true10_loss` those of another objective,
  /// `NAME_convexity_value` those of one that is no loss; standard errors end in `_error`.
  static func datasets(of plane: SampledPlane, data: String) -> [HDF5File.Dataset] {
    func axis(_ name: String, _ values: [Double]) -> HDF5File.Dataset {
      .init(name: name, shape: [values.count], values: values)
    }
    let axes = [axis("xcoordinates", plane.x)] + (plane.y.isEmpty ? [] : [axis("ycoordinates", plane.y)])
    let shape = plane.y.isEmpty ? [plane.x.count] : [plane.y.count, plane.x.count]
    return axes
      + plane.surfaces.flatMap { surface in
        let start = surface.name == Objective.firstOrder.arrayName ? data : "\(data)_\(surface.name)"
        return surface.columns.map { column in
          let (isAccuracy, isError) = (column.name.hasPrefix("accuracy"), column.name.hasSuffix("_error"))
          let values = zip(column.values, surface.isThere).map { value, isThere in
            isThere || isError ? (isAccuracy ? 100 * value : value) : notComputed
          }
          return HDF5File.Dataset(
            name: "\(start)_\(isAccuracy ? "acc" : surface.word("loss"))\(isError ? "_error" : "")", shape: shape,
            values: values)
        }
      }
  }
}
