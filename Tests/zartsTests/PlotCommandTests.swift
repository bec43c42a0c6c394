import Formats
import Foundation
import TestSupport
import Testing

@Suite("zarts plot") struct PlotCommandTests {
  private static let settings = [
    "checkpoint: \"runs/a \\\"b\\\"/epoch-003.safetensors\"", "dataset: \"fashion-mnist\"", "space: s2", "channels: 8",
    "layers: 5", "seed: 7", "batch: 32", "train_limit: 640", "method: darts1", "finished_epochs: 3",
    "validation_batches: 4", "normalisation: cell", "confidence: 0.95",
  ]
  private static let objectives = [("first", 0), ("second", 1), ("true", 10)]

  /// A folder of every kind of results, made by hand.
  private func results() throws -> ScratchFolder {
    let scratch = try ScratchFolder()
    var grid = ["i,j,x,y,objective,inner_steps,loss,accuracy"]
    for i in 0..<5 {
      for j in 0..<5 {
        let (x, y) = (0.5 * Double(i) - 1, 0.5 * Double(j) - 1)
        for (name, steps) in Self.objectives {
          let (loss, accuracy) = (1 + x * x + 0.01 * Double(steps) * y, 0.7 - 0.1 * x * x)
          grid.append("\(i),\(j),\(x),\(y),\(name),\(steps),\(loss),\(accuracy)")
        }
      }
    }
    try scratch.write("grid/landscape.yaml", Self.settings)
    try scratch.write("grid/landscape.csv", grid)
    try scratch.write(
      "grid/trajectory.csv",
      ["run,epoch,x,y,distance_from_plane"] + (0..<5).map { "runs/darts1,\($0),\(Double($0) / 5),0.1,0" })
    var lines = ["direction,index,t,objective,inner_steps,loss,loss_error,accuracy,accuracy_error"]
    var samples = ["direction,radius,objective,inner_steps,loss,accuracy"]
    for (name, steps) in Self.objectives {
      for direction in 1...2 {
        for i in 0..<5 {
          let loss = 1 + 0.1 * Double(i * direction)
          lines.append("\(direction),\(i),\(i - 2),\(name),\(steps),\(loss),0.1,0.5,")
        }
      }
      for direction in 0..<12 {
        let loss = 1 + 0.01 * Double(direction * (steps + 5))
        samples.append("\(direction),\(direction % 3 + 1),\(name),\(steps),\(loss),0.5")
      }
    }
    try scratch.write("lines/landscape.yaml", Self.settings)
    try scratch.write("lines/lines.csv", lines)
    try scratch.write("fidelity/fidelity.yaml", Self.settings)
    try scratch.write("fidelity/fidelity-samples.csv", samples)
    try scratch.write(
      "fidelity/fidelity.csv",
      [
        "name,objective,inner_steps,radius,value,lower,upper,n", "pearson,first,0,,0.83,0.79,0.86,12",
        "pearson,first,0,1.0,0.11,,,4", "cosine,rs,10,,0.4,,,12",
      ])
    var spectrum = ["epoch,quantity,index,value,error"]
    for epoch in 1...12 {
      spectrum += ["\(epoch),eigenvalue,1,\(epoch * epoch),0.1", "\(epoch),trace,1,\(epoch - 4),0.5"]
    }
    var estimators = [
      "estimator,inner_steps,candidates,sigma,statistic,value,lower,upper,n", "darts1,10,,,cosine,0.4,,,1",
    ]
    for count in [2, 4, 8] {
      let value = 1 - 1 / Double(count)
      for statistic in ["cosine", "relative_bias"] {
        estimators.append("rs,10,\(count),0.2,\(statistic),\(value),0.1,0.9,16")
      }
    }
    try scratch.write("spectrum/spectrum.yaml", Self.settings)
    try scratch.write("spectrum/spectrum.csv", spectrum)
    try scratch.write(
      "weights/spectrum.yaml", Self.settings + ["over: weights", "data: training", "density_starts: 2", "loss_batches: 3"])
    try scratch.write("weights/spectrum.csv", ["epoch,quantity,index,value,error", "3,eigenvalue,1,2.5,0.1"])
    try scratch.write(
      "weights/spectrum-curve.csv",
      ["epoch,eigenvalue,density,density_error,width"]
        + (0...40).map { "3,\(0.1 * Double($0) - 1),\(abs($0 - 10) < 3 ? 2 : 0),,0.1" })
    try scratch.write("estimators/estimators.yaml", Self.settings)
    try scratch.write("estimators/estimators.csv", estimators)
    try scratch.write("run/config.yaml", ["method: darts1  # the method", "space: s2", "dataset: fashion-mnist", "seed: 3"])
    var metrics = ["epoch,training_loss,validation_loss,skip_connections,dominant_eigenvalue"]
    for epoch in 1...8 {
      let loss = 1 / Double(epoch)
      metrics.append("\(epoch),\(loss),\(1.2 * loss),\(epoch % 3),\(epoch == 2 ? "" : "0.\(epoch)")")
    }
    try scratch.write("run/metrics.csv", metrics)
    try NPYFile(shape: [8, 2, 14, 2], values: .float32((0..<448).map { Float($0 % 7) / 7 }))
      .write(to: scratch.file("run/alphas.npy"))
    return scratch
  }

  private static let folders = ["grid", "lines", "fidelity", "spectrum", "weights", "estimators", "run"]
  private static let names = [
    "grid-landscape", "grid-landscape-surface", "lines-lines", "fidelity-fidelity", "spectrum-eigenvalues",
    "weights-density", "weights-eigenvalues",
    "estimators-estimators", "run-eigenvalues", "run-curves", "run-alphas",
  ]

  private func title(_ path: String) throws -> String {
    let text = String(decoding: try FileBytes.read(path), as: UTF8.self)
    return try #require(text.components(separatedBy: "<title>").dropFirst().first?.components(separatedBy: "</title>").first)
  }

  @Test("every kind of results is drawn in every format, twice the same") func everyKind() throws {
    let scratch = try results()
    let paths = Self.folders.map(scratch.file)
    for out in ["a", "b"] {
      let result = try CommandLineRunner.run(["plot"] + paths + ["--format", "png,pdf,svg", "--out", scratch.file(out)])
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output.split(separator: "\n").count == 3 * Self.names.count)
    }
    let starts: [String: [UInt8]] = ["png": [0x89, 0x50], "pdf": Array("%PDF".utf8), "svg": Array("<?xml".utf8)]
    for name in Self.names {
      for (ending, start) in starts {
        let bytes = try FileBytes.read(scratch.file("a/\(name).\(ending)"))
        #expect(bytes.starts(with: start), "\(name).\(ending)")
        #expect(try FileBytes.read(scratch.file("b/\(name).\(ending)")) == bytes, "\(name).\(ending)")
      }
    }
    #expect(try title(scratch.file("a/grid-landscape.svg")) == "Validation loss around darts1 after 3 epochs on s2")
    #expect(try title(scratch.file("a/run-alphas.svg")) == "Mixing weights of darts1 on s2")
    let entries = String(decoding: try FileBytes.read(scratch.file("a/grid-landscape.png")), as: UTF8.self)
    #expect(entries.contains("zarts plot . --kind heatmap") && entries.contains("runs/a \"b\"/epoch-003.safetensors"))
  }

  @Test("figures stand beside their tables, and a table alone names its figures") func places() throws {
    let scratch = try results()
    #expect(try CommandLineRunner.run(["plot", scratch.file("run/"), "--kind", "alphas"]).status == 0)
    #expect(try CommandLineRunner.run(["plot", scratch.file("run/metrics.csv")]).output.split(separator: "\n").count == 2)
    let names = try FileManager.default.contentsOfDirectory(atPath: scratch.file("run")).sorted()
    #expect(names == ["alphas.npy", "alphas.png", "config.yaml", "curves.png", "eigenvalues.png", "metrics.csv"])
    let one = try CommandLineRunner.run(
      ["plot", scratch.file("lines"), "--kind", "lines", "--out", scratch.file("one.svg")])
    #expect(one.status == 0 && one.output == scratch.file("one.svg") + "\n", "\(one.errors)")
  }

  @Test(
    "a flag changes the figure that it is about",
    arguments: [
      ("grid", "heatmap", ["--range", "1:2"]), ("grid", "heatmap", ["--colour-map", "magma"]),
      ("grid", "heatmap", ["--colour-map", "purple-white-green"]), ("grid", "heatmap", ["--quantity", "accuracy"]),
      ("grid", "heatmap", ["--objective", "first,true:10"]), ("grid", "heatmap", ["--log"]),
      ("grid", "heatmap", ["--no-difference"]), ("grid", "heatmap", ["--title", "Mine"]),
      ("grid", "heatmap", ["--no-caption"]), ("grid", "heatmap", ["--width", "120mm"]),
      ("grid", "surface", ["--azimuth", "30"]), ("grid", "surface", ["--elevation", "50"]),
      ("grid", "surface", ["--range", "1:1.5"]), ("lines", "lines", ["--aspect", "0.5"]), ("lines", "lines", ["--log"]),
      ("fidelity", "scatter", ["--objective", "first"]), ("run", "alphas", ["--colour-map", "grey"]),
      ("run", "curves", ["--range", "0:1"]), ("estimators", "estimators", ["--width", "5in"]),
      ("spectrum", "eigenvalues", ["--title", "Other"]),
    ])
  func flags(folder: String, kind: String, flags: [String]) throws {
    let scratch = try results()
    func pixels(_ flags: [String], _ out: String) throws -> [UInt8] {
      let result = try CommandLineRunner.run(
        ["plot", scratch.file(folder), "--kind", kind, "--out", scratch.file("\(out).svg")] + flags)
      #expect(result.status == 0, "\(result.errors)")
      // What is drawn, without the description of where it comes from.
      let text = String(decoding: try FileBytes.read(scratch.file("\(out).svg")), as: UTF8.self)
      return Array((text.components(separatedBy: "</desc>").last ?? "").utf8)
    }
    #expect(try pixels(flags, "with") != pixels([], "without"))
  }

  @Test("zarts landscape and zarts plot draw the same bytes") func sameAsLandscape() throws {
    let scratch = try ScratchFolder()
    let golden = GoldenFile.path("s3_c8_l5_b4")
    let made = try CommandLineRunner.run([
      "landscape", "--weights", golden, "--dataset", "tensors:\(golden)", "--grid", "2", "--objectives", "first,true:1",
      "--pdf", "--svg", "--out", scratch.file("made"),
    ])
    #expect(made.status == 0, "\(made.errors)")
    let drawn = try CommandLineRunner.run([
      "plot", scratch.file("made"), "--kind", "heatmap", "--format", "png,pdf,svg", "--out", scratch.file("drawn"),
    ])
    #expect(drawn.status == 0, "\(drawn.errors)")
    for ending in ["png", "pdf", "svg"] {
      let (a, b) = (scratch.file("made/landscape.\(ending)"), scratch.file("drawn/landscape.\(ending)"))
      #expect(try FileBytes.read(a) == FileBytes.read(b), "\(ending)")
    }
  }

  @Test("bad input is named and leaves no figure") func badInput() throws {
    let scratch = try results()
    try scratch.write("empty/notes.txt", ["nothing"])
    try scratch.write("short/landscape.csv", ["i,j,x,y,objective,inner_steps,loss,accuracy"])
    try scratch.write("odd/landscape.csv", ["i,j,x,y,objective,inner_steps,loss,accuracy", "0,0,0,0,third,0,1,1"])
    try scratch.write("text/lines.csv", ["direction,t,objective,inner_steps,loss,loss_error", "1,0,first,0,much,"])
    let (grid, out) = (scratch.file("grid"), scratch.file("out"))
    let cases: [([String], [String])] = [
      (["/nonexistent"], ["/nonexistent", "landscape.csv"]), ([scratch.file("empty")], ["holds nothing to draw"]),
      ([scratch.file("empty/notes.txt")], ["is nothing to draw"]), ([scratch.file("short")], ["holds no rows"]),
      ([scratch.file("odd")], ["row 1", "third"]), ([scratch.file("text")], ["column loss", "\"much\""]),
      ([grid, "--kind", "lines"], ["--kind lines", "lines.csv"]), ([grid, "--kind", "pie"], ["--kind", "'pie'"]),
      ([grid, "--range", "2:1"], ["--range", "2:1"]), ([grid, "--range=-1:1", "--log"], ["--range", "--log"]),
      ([grid, "--colour-map", "jet"], ["--colour-map", "viridis"]), ([grid, "--width", "3"], ["--width", "84mm"]),
      ([grid, "--objective", "true:5"], ["true:5", "was not sampled"]), ([grid, "--objective", "x"], ["--objective"]),
      ([grid, "--elevation", "0"], ["--elevation"]), ([grid, "--aspect", "9"], ["--aspect"]),
      ([grid, "--format", "gif"], ["--format", "gif"]), ([grid, "--quantity", "speed"], ["speed"]),
    ]
    for (arguments, mentions) in cases {
      let result = try CommandLineRunner.run(["plot"] + arguments + ["--out", out])
      #expect(result.status != 0)
      for mention in mentions { #expect(result.errors.contains(mention), "\(arguments): \(result.errors)") }
      #expect((try? FileManager.default.contentsOfDirectory(atPath: out))?.isEmpty ?? true, "\(arguments)")
    }
    let two = try CommandLineRunner.run(["plot", grid, "--out", scratch.file("one.png")])
    #expect(two.status != 0 && two.errors.contains("holds one figure"), "\(two.errors)")
  }
}

extension ScratchFolder {
  fileprivate func write(_ name: String, _ lines: [String]) throws {
    try write(lines.joined(separator: "\n") + "\n", to: name)
  }
}
