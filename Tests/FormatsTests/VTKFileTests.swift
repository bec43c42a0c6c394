import Formats
import Foundation
import TestSupport
import Testing

@Suite("VTK files") struct VTKFileTests {
  @Test("an array is base64 of the count of its bytes and its numbers, NaN among them") func base64() throws {
    // Made with Python's struct ('<Q', 16) and ('<dd', 1.5, nan).
    let image = try VTKImage(x: [0, 1], y: [0], arrays: [VTKArray("a", .float64([1.5, .nan]))], at: "here")
    let text = String(decoding: image.encoded(), as: UTF8.self)
    #expect(text.contains("format=\"binary\">\nEAAAAAAAAAAAAAAAAAD4PwAAAAAAAPh/\n</DataArray>"), "\(text)")
    let lines = VTKPolyData(points: [], arrays: [VTKArray("n", .int64([3, -1]))])
    #expect(String(decoding: lines.encoded(), as: UTF8.self).contains("\nEAAAAAAAAAADAAAAAAAAAP//////////\n"))
  }

  @Test("an image has its values, the first coordinate fastest, with origin and spacing") func image() throws {
    let values = [0.1, .nan, -3, 1e-300, .infinity, 5]
    let image = try VTKImage(
      x: [-1, 0, 1], y: [-0.5, 0.25],
      arrays: [VTKArray("loss_first", .float64(values)), VTKArray("n", .int64([1, 2, 3, 4, 5, 6]))],
      texts: [VTKArray("Title", .texts(["L₁ <&> \"--\""]))], at: "here")
    let read = try ReadVTK(image.encoded(comment: "zarts plot"))
    #expect(
      read.attributes["VTKFile"] == [
        "type": "ImageData", "version": "1.0", "byte_order": "LittleEndian", "header_type": "UInt64",
      ])
    let found = read.attributes["ImageData"] ?? [:]
    #expect(found["WholeExtent"] == "0 2 0 1 0 0" && read.attributes["Piece"] == ["Extent": "0 2 0 1 0 0"])
    #expect(found["Origin"] == "-1.0 -0.5 0" && found["Spacing"] == "1.0 0.75 1")
    #expect(read.attributes["PointData"] == ["Scalars": "loss_first"])
    #expect(read.doubles["PointData/loss_first"]?.map(\.bitPattern) == values.map(\.bitPattern))
    #expect(read.integers["PointData/n"] == [1, 2, 3, 4, 5, 6])
    #expect(read.texts["FieldData/Title"] == ["L₁ <&> \"--\""])
    #expect(read.names == ["FieldData/Title", "PointData/loss_first", "PointData/n"])
  }

  @Test("an image of points that are not evenly spaced is refused, and a .vtp named") func uneven() throws {
    let error = #expect(throws: InputError.self) { try VTKImage(x: [0, 1, 3], y: [0], arrays: [], at: .file("plane", "x")) }
    #expect(error?.place == .file("plane", "x") && error?.found == "x of [0.0, 1.0, 3.0]")
    #expect(error?.wanted == "equal distances, or a .vtp")
  }

  /// 3 × 2 points, numbered 0 1 2 below and 3 4 5 above.
  private func surface(_ heights: [Double]) -> VTKPolyData {
    VTKPolyData(x: [-1, 0, 1], y: [2, 3], heights: heights, arrays: [VTKArray("n", .int64([0, 1, 2, 3, 4, 5]))])
  }

  @Test("a surface is a quadrangle between four neighbours, its heights where they belong") func quadrangles() throws {
    let read = try ReadVTK(surface([0.5, 1, 2, 3, 4, 5]).encoded())
    #expect(
      read.doubles["Points/Points"] == [-1, 2, 0.5, 0, 2, 1, 1, 2, 2, -1, 3, 3, 0, 3, 4, 1, 3, 5])
    #expect(read.cells("Polys") == [[0, 1, 4, 3], [1, 2, 5, 4]])
    #expect(read.integers["Polys/offsets"] == [4, 8] && read.integers["Lines/offsets"] == [])
    let piece = read.attributes["Piece"] ?? [:]
    #expect(
      piece == [
        "NumberOfPoints": "6", "NumberOfVerts": "0", "NumberOfLines": "0", "NumberOfStrips": "0", "NumberOfPolys": "2",
      ])
    // Points of VTK have three numbers each.
    let text = String(decoding: surface([0, 0, 0, 0, 0, 0]).encoded(), as: UTF8.self)
    #expect(text.contains("Name=\"Points\" NumberOfComponents=\"3\""))
  }

  @Test(
    "a corner that is not finite leaves the triangle of the other three, and its point is gone",
    arguments: [
      Double.nan, .infinity,
    ]) func holes(missing: Double) throws
  {
    let read = try ReadVTK(surface([0, missing, 2, 3, 4, 5]).encoded())
    #expect(read.integers["PointData/n"] == [0, 2, 3, 4, 5])
    #expect(read.attributes["Piece"]?["NumberOfPoints"] == "5")
    // 0 4 3 and 2 5 4 of before.
    #expect(read.cells("Polys") == [[0, 3, 2], [1, 4, 3]])
    let two = try ReadVTK(surface([0, missing, 2, 3, missing, 5]).encoded())
    #expect(two.cells("Polys").isEmpty && two.integers["PointData/n"] == [0, 2, 3, 5])
  }

  @Test("polygons are counter-clockwise seen from above") func orientation() throws {
    let read = try ReadVTK(surface([0, 1, .nan, 3, 4, 5]).encoded())
    let points = try #require(read.doubles["Points/Points"])
    for polygon in read.cells("Polys") {
      let corners = polygon.map { (x: points[3 * Int($0)], y: points[3 * Int($0) + 1]) }
      let twice = zip(corners, corners.dropFirst() + corners.prefix(1)).reduce(0.0) {
        $0 + $1.0.x * $1.1.y - $1.1.x * $1.0.y
      }
      #expect(twice == Double(corners.count - 2), "\(polygon)")
    }
    #expect(read.cells("Polys").map(\.count) == [4, 3])
  }

  @Test("lines have their points and arrays of their own") func lines() throws {
    let lines = VTKPolyData(
      points: [0, 0, 0, 1, 1, 1, 2, 0, 0], lines: [[0, 1, 2], [2, 0]], arrays: [VTKArray("epoch", .int64([1, 2, 3]))],
      cellArrays: [VTKArray("run", .int64([0, 1]))], texts: [VTKArray("runs", .texts(["", "b"]))])
    let read = try ReadVTK(lines.encoded())
    #expect(read.cells("Lines") == [[0, 1, 2], [2, 0]] && read.integers["CellData/run"] == [0, 1])
    #expect(read.attributes["Piece"]?["NumberOfLines"] == "2" && read.attributes["Piece"]?["NumberOfPolys"] == "0")
    #expect(read.texts["FieldData/runs"] == ["", "b"])
  }
}
