import Foundation
import TestSupport
import Testing

@Suite("Captions of landscapes") struct PlotCaptionTests {
  /// The text of the figure of a plane of 2 × 2 points.
  private func text(
    _ objectives: [(list: String, name: String, steps: Int)], _ settings: [String] = [], paths: [String] = []
  ) throws -> String {
    let scratch = try ScratchFolder()
    var rows = ["i,j,x,y,objective,inner_steps,loss,accuracy,loss_error,accuracy_error"]
    for i in 0..<2 {
      for j in 0..<2 {
        rows += objectives.map { "\(i),\(j),\(2 * i - 1),\(2 * j - 1),\($0.name),\($0.steps),\(1 + i + 2 * j),0.5,," }
      }
    }
    try scratch.write(rows.joined(separator: "\n") + "\n", to: "plane/landscape.csv")
    let list = objectives.map(\.list).joined(separator: ",")
    let all =
      [
        "objectives: \"\(list)\"", "range: 1.0", "directions_seed: 0", "inner_learning_rate: 0.025", "batch: 4",
        "validation_batches: 1", "checkpoint_momentum: none",
      ] + settings
    try scratch.write(all.joined(separator: "\n") + "\n", to: "plane/landscape.yaml")
    if !paths.isEmpty {
      try scratch.write(
        "run,epoch,x,y,distance_from_plane\n"
          + paths.map { "\($0),1,-0.5,-0.5,0\n\($0),2,0.5,0.5,0\n" }.joined(), to: "plane/trajectory.csv")
    }
    let result = try CommandLineRunner.run([
      "plot", scratch.file("plane"), "--format", "svg", "--svg-text", "--out", scratch.file("out"),
    ])
    #expect(result.status == 0, "\(result.errors)")
    let path = try #require(result.output.split(separator: "\n").first.map(String.init))
    let svg = try String(contentsOfFile: path, encoding: .utf8)
    // Words of a line may be elements of their own.
    return svg.replacing(/<[^>]*>/, with: " ").split { $0.isWhitespace }.joined(separator: " ")
  }

  @Test("speak of inner steps and ξ only where an objective takes them") func steps() throws {
    let first = (list: "first", name: "first", steps: 0)
    let second = (list: "second", name: "second", steps: 1)
    let truth = (list: "true:10", name: "true", steps: 10)
    let plain = try text([first])
    #expect(plain.contains("Losses over 1 validation batch of 4."), "\(plain)")
    #expect(!plain.contains("inner steps") && !plain.contains("ξ") && !plain.contains("from rest"))
    #expect(try text([first, second]).contains("batch of 4; ξ of 0.025, from rest."))
    #expect(try text([first, truth]).contains("batch of 4; inner steps of size 0.025, from rest."))
    #expect(try text([first, second, truth]).contains("batch of 4; inner steps and ξ of size 0.025, from rest."))
    let apart = ["unrolled_learning_rate: 0.5"]
    #expect(try text([second, truth], apart).contains("inner steps of size 0.025, ξ of 0.5, from rest."))
    #expect(try text([first, second], apart).contains("batch of 4; ξ of 0.5, from rest."))
    #expect(!(try text([first], apart).contains("ξ")))
  }

  @Test("and legends tell runs apart whose folders have one name") func legends() throws {
    let first = (list: "first", name: "first", steps: 0)
    let apart = try text([first], paths: ["a/seed-0/run", "b/seed-0/run", "c/other"])
    #expect(apart.contains("a/seed-0/run") && apart.contains("b/seed-0/run") && apart.contains("other"), "\(apart)")
    #expect(!apart.contains("c/other"))
    let near = try text([first], paths: ["x/a/run", "x/b/run"])
    #expect(near.contains("a/run") && near.contains("b/run") && !near.contains("x/a/run"), "\(near)")
  }

  @Test("and the centre is marked only in planes that hold it") func centre() throws {
    let first = (list: "first", name: "first", steps: 0)
    #expect(try text([first]).contains("centre: the checkpoint"))
    let scratch = try ScratchFolder()
    var rows = ["i,j,x,y,objective,inner_steps,loss,accuracy,loss_error,accuracy_error"]
    for i in 0..<2 { for j in 0..<2 { rows.append("\(i),\(j),\(1 + i),\(j),first,0,\(1 + i + j),0.5,,") } }
    try scratch.write(rows.joined(separator: "\n") + "\n", to: "plane/landscape.csv")
    try scratch.write("range: \"1.0:2.0,0.0:1.0\"\n", to: "plane/landscape.yaml")
    let result = try CommandLineRunner.run([
      "plot", scratch.file("plane"), "--format", "svg", "--svg-text", "--out", scratch.file("out"),
    ])
    let path = try #require(result.output.split(separator: "\n").first.map(String.init))
    #expect(!(try String(contentsOfFile: path, encoding: .utf8).contains("centre: the checkpoint")))
  }
}
