import Figures
import Formats
import Foundation

extension PlotExport {
  /// What was measured, as an image of one layer: a scalar array an objective and quantity.
  static let vti = PlotExport(
    name: "vti", summary: "a plane for ParaView and VTK, its values as arrays of an image",
    sources: [VTKExport.table, PlotFolder.surfaceFiles], isOwn: VTKExport.isOwn, make: VTKExport.image)

  /// Surfaces whose heights are losses.
  static let vtp = PlotExport(
    name: "vtp", summary: "surfaces for ParaView and VTK, a file an objective, and the paths over them",
    sources: [VTKExport.table, PlotFolder.surfaceFiles], hasHeights: true, isOwn: VTKExport.isOwn,
    make: VTKExport.surfaces)
}

/// Planes in the XML formats of VTK.
enum VTKExport {
  static let table = "landscape.csv"

  static func isOwn(_ bytes: [UInt8]) -> Bool {
    let head = String(decoding: bytes.prefix(512), as: UTF8.self)
    return head.contains("<VTKFile ") && head.contains("<!-- \(Plot.maker) -->")
  }

  private static func texts(_ name: String, _ title: String, _ folder: PlotFolder, _ style: PlotStyle) -> [VTKArray] {
    folder.origin(of: name, title: title, style).map { VTKArray($0.key, .texts([$0.value])) }
  }

  /// `loss_first`, `accuracy_first`, … of every objective, as they are in NPZ files; what is not finite is NaN, which VTK leaves out
  /// of ranges.
  static func image(_ folder: PlotFolder, _ style: PlotStyle) throws -> PlotExport.Content {
    let plane = try folder.plane(style)
    let arrays = plane.surfaces.flatMap { surface in
      surface.columns.map {
        VTKArray("\(surface.word($0.name))_\(surface.name)", .float64($0.values.map { $0.isFinite ? $0 : .nan }))
      }
    }
    // What is asked for is what a reader shows first.
    let names = plane.surfaces.map { "\($0.word(style.quantity.rawValue))_\($0.name)" }
    let shown = arrays.filter { names.contains($0.name) }
    let others = arrays.filter { array in !shown.contains { $0.name == array.name } }
    let title = folder.text.around("Plane")
    let image = try VTKImage(
      x: plane.x, y: plane.y, arrays: shown + others, texts: texts("vti", title, folder, style),
      at: .file(folder.namedPath, "coordinates"))
    let gaps = plane.gaps(of: style.quantity.rawValue)
    let note = gaps.isEmpty ? [] : ["\(folder.stem).vti: NaN where not finite or not there: \(gaps.joined(separator: ", "))"]
    return .init(files: [.init(name: folder.stem, bytes: image.encoded(comment: Plot.maker))], notes: note)
  }

  static func surfaces(_ folder: PlotFolder, _ style: PlotStyle) throws -> PlotExport.Content {
    let plane = try folder.plane(style)
    guard plane.x.count > 1, plane.y.count > 1 else {
      throw InputError(
        "a point has no surface", at: .file(folder.namedPath), found: "\(plane.x.count) × \(plane.y.count) points",
        wanted: "at least 2 each way")
    }
    var content = PlotExport.Content()
    for surface in plane.surfaces {
      guard let values = surface[style.quantity.rawValue] else {
        throw InputError(
          "has no \(style.quantity.rawValue)", at: .file(folder.namedPath, surface.name),
          found: surface.columns.map(\.name).joined(separator: ", "))
      }
      let heights = values.map { style.height(of: $0) }
      let name = "\(folder.stem)-\(surface.name)"
      let shown = VTKPolyData(
        x: plane.x, y: plane.y, heights: heights,
        arrays: [VTKArray("zvalue", .float64(heights))]
          + surface.columns.map { VTKArray(surface.word($0.name), .float64($0.values)) },
        texts: texts("vtp", surface.title, folder, style))
      guard !shown.polygons.isEmpty else {
        throw InputError(
          "no four neighbours have heights", at: .file(folder.namedPath, surface.name),
          wanted: style.isLogarithmic ? "finite values above 0" : "finite values")
      }
      content.files.append(.init(name: name, bytes: shown.encoded(comment: Plot.maker)))
      content.notes += notes(name, values, heights, style)
      let grid = try Grid(x: plane.x, y: plane.y, values: heights)
      let (ways, left) = paths(plane.paths, over: grid)
      if left > 0 {
        content.notes.append("\(name)-paths.vtp: left out, since not over the surface: \(left) of the paths' points")
      }
      guard var ways else { continue }
      ways.texts = texts("vtp", surface.title, folder, style) + [VTKArray("paths", .texts(plane.paths.map(\.name)))]
      content.files.append(.init(name: name, addition: "-paths", bytes: ways.encoded(comment: Plot.maker)))
    }
    return content
  }

  private static func notes(_ name: String, _ values: [Double], _ heights: [Double], _ style: PlotStyle) -> [String] {
    var notes: [String] = []
    let holes = heights.count { !$0.isFinite }
    if holes > 0 {
      let why = style.isLogarithmic ? "not finite, not there or not above 0" : "not finite or not there"
      notes.append("\(name).vtp: holes at \(holes) of \(heights.count) points, \(why)")
    }
    if let range = style.range {
      let cut = values.count { $0.isFinite && !range.contains($0) }
      if cut > 0 {
        notes.append(
          "\(name).vtp: cut off at \(range.lowerBound) and \(range.upperBound): \(cut) of \(heights.count) heights")
      }
    }
    return notes
  }

  /// Paths as lines on a surface, in heights between its points by bilinear interpolation: what a run's own loss was there is
  /// not known. Where a path is not over the surface its line is interrupted.
  ///
  /// - Returns: nil where no point is over the surface; and how many are not.
  static func paths(_ paths: [SampledPlane.Path], over grid: Grid) -> (VTKPolyData?, left: Int) {
    var shown = VTKPolyData(points: [])
    var (steps, owners, lineOwners): ([Int64], [Int64], [Int64]) = ([], [], [])
    var left = 0
    for (number, path) in paths.enumerated() {
      var line: [Int] = []
      func finish() {
        if line.count > 1 {
          shown.lines.append(line)
          lineOwners.append(Int64(number))
        }
        line = []
      }
      for (point, step) in zip(path.points, path.steps) {
        guard let height = grid.value(at: point) else {
          left += 1
          finish()
          continue
        }
        line.append(steps.count)
        shown.points += [point.x, point.y, height]
        steps.append(Int64(step))
        owners.append(Int64(number))
      }
      finish()
    }
    shown.arrays = [VTKArray("step", .int64(steps)), VTKArray("path", .int64(owners))]
    shown.cellArrays = [VTKArray("path", .int64(lineOwners))]
    return (steps.isEmpty ? nil : shown, left)
  }
}

extension PlotStyle {
  /// How high a value stands: cut off at the limits, then its decadic logarithm where that is asked for. NaN for one that has
  /// no height.
  func height(of value: Double) -> Double {
    guard value.isFinite else { return .nan }
    let cut = range.map { min(max(value, $0.lowerBound), $0.upperBound) } ?? value
    guard isLogarithmic else { return cut }
    return cut > 0 ? log10(cut) : .nan
  }
}
