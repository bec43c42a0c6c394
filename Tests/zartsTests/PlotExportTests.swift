import Formats
import Foundation
import TestSupport
import Testing

@Suite("Planes and lines for other programs") struct PlotExportTests {
  /// 3 × 2 points: L₁ = 1 + x² + y; L₂ = 2 + x but at (1, 0.5), where it is infinite; L₁₀ = 3 + y, missing at (−1, −0.5).
  private func plane(_ settings: [String] = []) throws -> ScratchFolder {
    let scratch = try ScratchFolder()
    var rows = ["i,j,x,y,objective,inner_steps,loss,accuracy,loss_error,accuracy_error"]
    for (i, x) in [-1.0, 0, 1].enumerated() {
      for (j, y) in [-0.5, 0.5].enumerated() {
        rows.append("\(i),\(j),\(x),\(y),first,0,\(1 + x * x + y),\(0.5 + x / 4),0.125,")
        rows.append("\(i),\(j),\(x),\(y),second,1,\(i == 2 && j == 1 ? "inf" : "\(2 + x)"),0.5,,")
        if i + j > 0 { rows.append("\(i),\(j),\(x),\(y),true,10,\(3 + y),0.75,,") }
      }
    }
    try scratch.write(rows.joined(separator: "\n") + "\n", to: "plane/landscape.csv")
    let text = ["space: s2", "seed: 7"] + settings
    try scratch.write(text.joined(separator: "\n") + "\n", to: "plane/landscape.yaml")
    return scratch
  }

  private func plot(_ arguments: [String]) throws -> CommandLineRunner.Result {
    let result = try CommandLineRunner.run(["plot"] + arguments)
    #expect(result.status == 0, "\(result.errors)")
    return result
  }

  private let first = [1.5, 0.5, 1.5, 2.5, 1.5, 2.5]

  @Test("--format vti holds what was measured, NaN where nothing is, and says so") func image() throws {
    let scratch = try plane()
    let result = try plot([scratch.file("plane"), "--format", "vti"])
    #expect(result.output == scratch.file("plane/landscape.vti") + "\n")
    #expect(
      result.errors.contains("landscape.vti: NaN where not finite or not there: L₂ at 1 of 6 points, L₁₀ at 1 of 6 points"))
    let read = try ReadVTK(readingFrom: scratch.file("plane/landscape.vti"))
    #expect(read.attributes["ImageData"]?["WholeExtent"] == "0 2 0 1 0 0")
    #expect(read.attributes["ImageData"]?["Origin"] == "-1.0 -0.5 0")
    #expect(read.attributes["ImageData"]?["Spacing"] == "1.0 1.0 1")
    #expect(
      read.names.filter { $0.hasPrefix("PointData") }.map { $0.dropFirst(10) } == [
        "loss_first", "loss_second", "loss_true10", "accuracy_first", "loss_error_first", "accuracy_second",
        "accuracy_true10",
      ])
    #expect(read.doubles["PointData/loss_first"] == first)
    #expect(read.doubles["PointData/accuracy_first"] == [0.25, 0.5, 0.75, 0.25, 0.5, 0.75])
    #expect(read.doubles["PointData/loss_error_first"] == [Double](repeating: 0.125, count: 6))
    let (second, truth) = (read.doubles["PointData/loss_second"] ?? [], read.doubles["PointData/loss_true10"] ?? [])
    #expect(second.dropLast() == [1, 2, 3, 1, 2] && second.last?.isNaN == true)
    #expect(truth.dropFirst() == [2.5, 2.5, 3.5, 3.5, 3.5] && truth.first?.isNaN == true)
    #expect(read.texts["FieldData/Command"]?.first?.contains("zarts plot . --format vti") == true)
    #expect(read.texts["FieldData/Seed"] == ["7"] && read.texts["FieldData/Maker"] == ["zarts plot"])
    let bare = try plot([scratch.file("plane"), "--no-metadata", "--out", scratch.file("bare.vti")])
    #expect(bare.output == scratch.file("bare.vti") + "\n")
    let kept = try ReadVTK(readingFrom: scratch.file("bare.vti")).names.filter { $0.hasPrefix("FieldData") }
    #expect(kept == ["FieldData/Title", "FieldData/Software", "FieldData/Maker"])
  }

  @Test("--format vtp makes a surface an objective, its heights cut off and logarithmic where that is asked for")
  func surfaces() throws {
    let scratch = try plane()
    let result = try plot([scratch.file("plane"), "--format", "vtp", "--out", scratch.file("out")])
    #expect(
      result.output.split(separator: "\n").map { ($0 as NSString).lastPathComponent } == [
        "landscape-first.vtp", "landscape-second.vtp", "landscape-true10.vtp",
      ])
    #expect(result.errors.contains("landscape-second.vtp: holes at 1 of 6 points, not finite or not there"))
    let whole = try ReadVTK(readingFrom: scratch.file("out/landscape-first.vtp"))
    #expect(whole.cells("Polys") == [[0, 1, 4, 3], [1, 2, 5, 4]])
    #expect(
      whole.doubles["Points/Points"] == [-1, -0.5, 1.5, 0, -0.5, 0.5, 1, -0.5, 1.5, -1, 0.5, 2.5, 0, 0.5, 1.5, 1, 0.5, 2.5])
    #expect(whole.doubles["PointData/zvalue"] == first && whole.doubles["PointData/loss"] == first)
    #expect(whole.attributes["PointData"]?["Scalars"] == "zvalue")
    let holed = try ReadVTK(readingFrom: scratch.file("out/landscape-second.vtp"))
    #expect(holed.cells("Polys") == [[0, 1, 4, 3], [1, 2, 4]] && holed.doubles["PointData/loss"] == [1, 2, 3, 1, 2])
    let cut = try plot([
      scratch.file("plane"), "--objective", "first", "--range", "1:2", "--log", "--out", scratch.file("cut.vtp"),
    ])
    #expect(cut.errors.contains("cut off at 1.0 and 2.0: 3 of 6 heights"), "\(cut.errors)")
    let low = try ReadVTK(readingFrom: scratch.file("cut.vtp"))
    #expect(low.doubles["PointData/zvalue"] == [1.5, 1, 1.5, 2, 1.5, 2].map { log10($0) })
    #expect(low.doubles["PointData/loss"] == first)
    let right = try plot([
      scratch.file("plane"), "--objective", "first", "--quantity", "accuracy", "--out", scratch.file("right.vtp"),
    ])
    #expect(right.errors.isEmpty)
    #expect(
      try ReadVTK(readingFrom: scratch.file("right.vtp")).doubles["PointData/zvalue"] == [0.25, 0.5, 0.75, 0.25, 0.5, 0.75])
  }

  @Test("paths lie on the surface between its points, and end where there is none") func paths() throws {
    let scratch = try plane()
    try scratch.write(
      "run,epoch,x,y,distance_from_plane\na,0,-1,-0.5,0\na,1,0,0,0\na,2,1,0.5,0\na,3,2,0,0\nb,5,0.5,0,0\n",
      to: "plane/trajectory.csv")
    try scratch.write("path,update,x,y\nzarts-rs,10,-1,0.5\nzarts-rs,0,1,-0.5\n", to: "plane/paths.csv")
    let result = try plot([scratch.file("plane"), "--format", "vtp", "--objective", "first,second"])
    #expect(
      result.output.split(separator: "\n").map { ($0 as NSString).lastPathComponent } == [
        "landscape-first.vtp", "landscape-first-paths.vtp", "landscape-second.vtp", "landscape-second-paths.vtp",
      ])
    #expect(
      result.errors.contains("landscape-first-paths.vtp: left out, since not over the surface: 1 of the paths' points"))
    #expect(
      result.errors.contains("landscape-second-paths.vtp: left out, since not over the surface: 3 of the paths' points"))
    let read = try ReadVTK(readingFrom: scratch.file("plane/landscape-first-paths.vtp"))
    // At (0, 0) the mean of 0.5 and 1.5; at (0.5, 0) that of 0.5, 1.5, 1.5 and 2.5.
    #expect(read.doubles["Points/Points"] == [-1, -0.5, 1.5, 0, 0, 1, 1, 0.5, 2.5, 0.5, 0, 1.5, 1, -0.5, 1.5, -1, 0.5, 2.5])
    #expect(read.cells("Lines") == [[0, 1, 2], [4, 5]] && read.integers["CellData/path"] == [0, 2])
    #expect(
      read.integers["PointData/step"] == [0, 1, 2, 5, 0, 10] && read.integers["PointData/path"] == [0, 0, 0, 1, 2, 2])
    #expect(read.texts["FieldData/paths"] == ["a", "b", "zarts-rs"])
    let one = try plot([scratch.file("plane"), "--objective", "first", "--out", scratch.file("one.vtp")])
    #expect(one.output == "\(scratch.file("one.vtp"))\n\(scratch.file("one-paths.vtp"))\n")
  }

  @Test("--format h5 has the arrays that scripts for loss-landscape read", arguments: [nil, "training", "test"])
  func surfaceFile(data: String?) throws {
    let scratch = try plane(data.map { ["data: \($0)"] } ?? [])
    let result = try plot([scratch.file("plane"), "--format", "h5"])
    #expect(result.errors.contains("landscape.h5: not finite, or -1 where not computed: L₂ at 1 of 6 points, L₁₀ at 1 of 6"))
    let file = try HDF5File(readingFrom: scratch.file("plane/landscape.h5"))
    let name = data == "training" ? "train" : data ?? "val"
    #expect(file["xcoordinates"]?.values == [-1, 0, 1] && file["ycoordinates"]?.values == [-0.5, 0.5])
    #expect(file["\(name)_loss"] == .init(name: "\(name)_loss", shape: [2, 3], values: first))
    #expect(file["\(name)_acc"]?.values == [25, 50, 75, 25, 50, 75])
    #expect(file["\(name)_loss_error"]?.values == [Double](repeating: 0.125, count: 6) && file["\(name)_acc_error"] == nil)
    #expect(file["\(name)_second_loss"]?.values == [1, 2, 3, 1, 2, .infinity])
    #expect(file["\(name)_true10_loss"]?.values == [-1, 2.5, 2.5, 3.5, 3.5, 3.5])
    #expect(file["\(name)_true10_acc"]?.values == [-1, 75, 75, 75, 75, 75])
    #expect(file.datasets.count == 9)
  }

  @Test("curvatures are called values in every format, not losses") func curvatures() throws {
    let scratch = try ScratchFolder()
    var rows = ["i,j,x,y,objective,inner_steps,loss,accuracy,loss_error,accuracy_error"]
    for i in 0..<2 {
      for j in 0..<2 { rows.append("\(i),\(j),\(i),\(j),convexity,0,\(0.25 + 0.25 * Double(i)),0.5,,") }
    }
    try scratch.write(rows.joined(separator: "\n") + "\n", to: "plane/landscape.csv")
    try scratch.write("data: test\n", to: "plane/landscape.yaml")
    let result = try plot([scratch.file("plane"), "--format", "h5,vti,vtp"])
    #expect(result.status == 0, "\(result.errors)")
    let file = try HDF5File(readingFrom: scratch.file("plane/landscape.h5"))
    #expect(
      file.datasets.map(\.name) == ["test_convexity_acc", "test_convexity_value", "xcoordinates", "ycoordinates"])
    #expect(file["test_convexity_value"]?.values == [0.25, 0.5, 0.25, 0.5])
    let image = try ReadVTK(readingFrom: scratch.file("plane/landscape.vti"))
    #expect(image.doubles["PointData/value_convexity"] == [0.25, 0.5, 0.25, 0.5])
    #expect(image.doubles["PointData/loss_convexity"] == nil)
    let surface = try ReadVTK(readingFrom: scratch.file("plane/landscape-convexity.vtp"))
    #expect(surface.doubles["PointData/value"] == [0.25, 0.5, 0.25, 0.5] && surface.doubles["PointData/loss"] == nil)
  }

  @Test("lines are a file of one dimension for each direction") func lines() throws {
    let scratch = try ScratchFolder()
    var rows = ["direction,index,t,objective,inner_steps,loss,loss_error,accuracy,accuracy_error"]
    for direction in 1...2 { rows += (0..<3).map { "\(direction),\($0),\($0 - 1),first,0,\(direction * $0),,0.5," } }
    try scratch.write(rows.joined(separator: "\n") + "\n", to: "lines/lines.csv")
    try scratch.write("data: training\n", to: "lines/landscape.yaml")
    let result = try plot([scratch.file("lines"), "--format", "h5"])
    #expect(result.output.split(separator: "\n").map { ($0 as NSString).lastPathComponent } == ["lines-1.h5", "lines-2.h5"])
    let file = try HDF5File(readingFrom: scratch.file("lines/lines-2.h5"))
    #expect(file.datasets.map(\.name) == ["train_acc", "train_loss", "xcoordinates"])
    #expect(file["train_loss"] == .init(name: "train_loss", shape: [3], values: [0, 2, 4]))
    // And back: drawn as lines, and nothing else.
    let drawn = try plot([scratch.file("lines/lines-2.h5"), "--out", scratch.file("figures")])
    #expect(drawn.output == scratch.file("figures/lines-2-lines.png") + "\n")
    let refused = try CommandLineRunner.run(["plot", scratch.file("lines/lines-2.h5"), "--format", "vtp"])
    #expect(refused.status != 0 && refused.errors.contains("lines-2.h5: is a line, not a plane"), "\(refused.errors)")
  }

  /// As plot_surface.py makes it: arrays of the shape (x, y) that are filled y by y.
  private func foreign(_ scratch: ScratchFolder, _ extra: [HDF5File.Dataset] = []) throws -> String {
    let file = HDF5File(
      datasets: [
        .init(name: "xcoordinates", shape: [3], values: [-1, 0, 1]),
        .init(name: "ycoordinates", shape: [2], values: [0, 1]),
        .init(name: "train_loss", shape: [3, 2], values: [0, 1, 2, 10, 11, -1]),
        .init(name: "train_acc", shape: [3, 2], values: [50, 51, 52, 60, 61, -1]),
      ] + extra)
    try file.write(to: scratch.file("surf.t7.h5"))
    return scratch.file("surf.t7.h5")
  }

  @Test("surface files of loss-landscape are drawn, and become surfaces for ParaView") func loss() throws {
    let scratch = try ScratchFolder()
    let path = try foreign(scratch)
    let drawn = try plot([path, "--format", "svg,vtp"])
    #expect(
      drawn.output.split(separator: "\n").map { ($0 as NSString).lastPathComponent } == [
        "surf.t7-landscape.svg", "surf.t7-landscape-surface.svg", "surf.t7-train.vtp",
      ])
    let read = try ReadVTK(readingFrom: scratch.file("surf.t7-train.vtp"))
    #expect(read.doubles["PointData/zvalue"] == [0, 1, 2, 10, 11])
    #expect(read.doubles["PointData/accuracy"] == [50.0, 51, 52, 60, 61].map { $0 / 100 })
    #expect(read.doubles["Points/Points"]?.suffix(6) == [-1, 1, 10, 0, 1, 11])
    #expect(read.cells("Polys") == [[0, 1, 4, 3], [1, 2, 4]])
    let svg = String(decoding: try FileBytes.read(scratch.file("surf.t7-landscape.svg")), as: UTF8.self)
    #expect(svg.contains("<title>Loss</title>") && svg.contains("zarts plot surf.t7.h5 --kind heatmap"))
    let accuracy = try plot([path, "--kind", "heatmap", "--quantity", "accuracy", "--out", scratch.file("a.svg")])
    #expect(accuracy.errors.isEmpty)
  }

  @Test("bad files and flags are named, and nothing is written") func badInput() throws {
    let scratch = try plane()
    try scratch.write("nothing", to: "text.h5")
    try HDF5File(datasets: [.init(name: "x", shape: [1], values: [1])]).write(to: scratch.file("other.h5"))
    try HDF5File(datasets: [
      .init(name: "xcoordinates", shape: [2], values: [0, 1]), .init(name: "train_loss", shape: [3], values: [0, 1, 2]),
    ]).write(to: scratch.file("short.h5"))
    try HDF5File(datasets: [
      .init(name: "xcoordinates", shape: [2], values: [1, 0]), .init(name: "train_loss", shape: [2], values: [0, 1]),
    ]).write(to: scratch.file("down.h5"))
    let foreign = try foreign(scratch)
    try scratch.write("epoch,training_loss\n1,2\n2,1\n", to: "run/metrics.csv")
    let (plane, out) = (scratch.file("plane"), scratch.file("out"))
    let cases: [([String], [String])] = [
      ([scratch.file("text.h5")], ["text.h5: not an HDF5 file"]),
      ([scratch.file("other.h5")], ["other.h5: no surface file", "found x", "xcoordinates"]),
      ([scratch.file("short.h5")], ["short.h5: train_loss: not one value a point", "found 3", "wanted 2"]),
      ([scratch.file("down.h5")], ["down.h5: xcoordinates: not coordinates"]),
      ([foreign, "--objective", "first"], ["--objective", "not asked of a surface file"]),
      ([foreign, "--format", "h5"], ["--format h5", "landscape.csv or lines.csv"]),
      ([scratch.file("run"), "--format", "vtp"], ["--format vtp: is not there to hand on", "found curves"]),
      ([plane, "--format", "vtk"], ["--format: found 'vtk'", "png, pdf, svg, vti, vtp, h5"]),
      ([plane, "--format", "vti", "--kind", "heatmap"], ["--kind", "found heatmap with format vti"]),
      ([plane, "--format", "vti", "--log"], ["--log", "format vti", "or vtp"]),
      ([plane, "--format", "vtp", "--objective", "true:5"], ["true:5", "was not sampled"]),
      ([plane, "--format", "vtp", "--log", "--range", "0:1"], ["--range"]),
    ]
    for (arguments, mentions) in cases {
      let result = try CommandLineRunner.run(["plot"] + arguments + ["--out", out])
      #expect(result.status != 0, "\(arguments)")
      for mention in mentions { #expect(result.errors.contains(mention), "\(arguments): \(result.errors)") }
      #expect(!FileManager.default.fileExists(atPath: out), "\(arguments)")
    }
    let two = try CommandLineRunner.run(["plot", plane, "--out", scratch.file("one.vtp")])
    #expect(
      two.status != 0 && two.errors.contains("holds one file") && two.errors.contains("landscape-true10"), "\(two.errors)")
  }

  @Test("files of zarts plot are replaced, others are not", arguments: ["vti", "vtp", "h5"]) func replaced(ending: String)
    throws
  {
    let scratch = try plane()
    let arguments = ["plot", scratch.file("plane"), "--objective", "first", "--out", scratch.file("a.\(ending)")]
    #expect(try CommandLineRunner.run(arguments).status == 0)
    let bytes = try FileBytes.read(scratch.file("a.\(ending)"))
    #expect(try CommandLineRunner.run(arguments).status == 0, "our own")
    #expect(try FileBytes.read(scratch.file("a.\(ending)")) == bytes, "the same bytes")
    try scratch.write("<VTKFile type=\"PolyData\"/>", to: "a.\(ending)")
    let refused = try CommandLineRunner.run(arguments)
    #expect(
      refused.status != 0 && refused.errors.contains("a file that is not a .\(ending) file of zarts plot"),
      "\(refused.errors)")
    #expect(try CommandLineRunner.run(arguments + ["--overwrite"]).status == 0)
    #expect(try FileBytes.read(scratch.file("a.\(ending)")) == bytes)
  }
}
