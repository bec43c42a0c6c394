import ClosedFormSupport
import Compute
import Formats
import Foundation
import Landscape
import Problems
import TestSupport
import Testing

/// Expected values: numpy's SVD of the five points about their mean, and `lstsq` (numpy 2.4).
@Suite("Paths of ω") struct WeightTrajectoryTests {
  private static let points: [[Float]] = [
    [0, 0, 0, 0, 0], [1, 0.5, -0.25, 0, 2], [2, 1.5, -0.5, 0.25, 2.5], [2.5, 3, -1, 0.5, 2.25], [3, 3.5, -1, 0.75, 2],
  ]
  private static let first = [0.565121305391, 0.700403977551, -0.206952314068, 0.143249674707, 0.355980966938]
  private static let second = [0.068635376867, -0.447831127099, 0.075616871195, -0.148298692355, 0.875800235944]

  private func vector(_ values: [Float]) throws -> ParameterVector {
    let result = try quadratic().makeVector()
    for (index, value) in values.enumerated() { result[index] = value }
    return result
  }

  private func write(_ points: [[Float]], in folder: String) throws -> [String] {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    return try points.enumerated().map { index, values in
      let path = "\(folder)/epoch-00\(index).safetensors"
      try TensorFile.write([NamedTensor(name: "omega", shape: [5], values: .float32(values))], metadata: [:], to: path)
      return path
    }
  }

  private func trajectory(
    _ paths: [String], mask: ParameterVector? = nil, blockSize: Int? = nil, reading: @escaping () -> Void = {}
  ) throws -> WeightTrajectory {
    let problem = try quadratic()
    return try WeightTrajectory(checkpoints: paths, epochs: Array(0..<paths.count), mask: mask, blockSize: blockSize) {
      reading()
      return try problem.importVector(from: $0, prefix: "")
    }
  }

  private func doubles(_ vector: ParameterVector) -> [Double] { vector.values.map(Double.init) }

  @Test("components and explained variance are numpy's, in float32, and point the way that the training went")
  func components() throws {
    let scratch = try ScratchFolder()
    let made = try trajectory(write(Self.points, in: scratch.file("t")))
    #expect(
      close(
        made.explainedVariance, [0.886952639855, 0.109811449278, 0.003202892168, 0.000033018699, 0], .absolute(1e-11)))
    #expect(close(made.variance, 4.065, .relative(1e-12)))
    // 6e-8 is half a unit in the last place of a float32 below 1.
    #expect(close(try doubles(made.component(1)), Self.first, .absolute(6e-8)))
    #expect(close(try doubles(made.component(2)), Self.second, .absolute(6e-8)))
    let all = try made.components([1, 2, 3, 4])
    #expect(doubles(all[0]) == doubles(try made.component(1)))
    for (row, one) in all.enumerated() {
      for (column, other) in all.enumerated() {
        #expect(abs(one.dot(other) - (row == column ? 1 : 0)) < 2e-7, "\(row), \(column)")
      }
    }
    // Five points extend in four directions.
    #expect(refusal { try made.component(5) } == "setting directions: pca5")
    #expect(refusal { try made.component(0) } == "setting directions: pca0")
  }

  @Test("nothing depends on how many vectors are held, and few hold the reading down") func blocks() throws {
    let scratch = try ScratchFolder()
    let paths = try write(Self.points, in: scratch.file("t"))
    var reads = 0
    let whole = try trajectory(paths, blockSize: 5) { reads += 1 }
    #expect(reads == 1 + 5)
    for (size, count) in [(1, 1 + 5 + 4 + 3 + 2 + 1), (2, 1 + 5 + 3 + 1), (3, 1 + 5 + 2)] {
      reads = 0
      let made = try trajectory(paths, blockSize: size) { reads += 1 }
      #expect(reads == count)
      #expect(made.explainedVariance == whole.explainedVariance && made.variance == whole.variance)
      #expect(try doubles(made.component(2)) == doubles(whole.component(2)))
    }
  }

  @Test("on principal components, coordinates are those of centred data, and the distance is what they leave")
  func ownPlane() throws {
    let scratch = try ScratchFolder()
    let made = try trajectory(write(Self.points, in: scratch.file("t")))
    let feet = try made.feet(on: made.components([1, 2]))
    let expected = [
      [-5.173129341576, -0.203256767182, 0.09959669634], [-3.494106035016, 1.374159300225, 0.167060568853],
      [-1.963039771412, 1.376884777078, 0.02575201947], [-0.579579818413, 0.445622607191, 0.300845019983], [0, 0, 0],
    ]
    for (foot, wanted) in zip(feet, expected) {
      #expect(close(foot.coordinates + [foot.distance], wanted, .absolute(1e-6)), "\(foot) for \(wanted)")
    }
    #expect(try made.project(onto: made.components([1, 2])) == feet.map(\.coordinates))
    let seen = try TrajectoryProjection(
      of: made, on: made.components([1, 2]), around: vector(Self.points[4]))
    #expect(seen.points.allSatisfy { $0.run == "training" })
    #expect(seen.points.map(\.epoch) == [0, 1, 2, 3, 4])
    #expect(seen.points.map(\.x) == feet.map { $0.coordinates[0] })
    #expect(seen.points.map(\.distance) == feet.map(\.distance))
    #expect(close(try #require(seen.explainedVariance), [0.886952639855, 0.109811449278], .absolute(1e-6)))
    #expect(close(try seen.enclosingRange(), 1.1 * 5.173129341576, .absolute(1e-5)))
    #expect(close(try seen.enclosingRange(along: 1), 1.1 * 1.376884777078, .absolute(1e-5)))
  }

  @Test("on directions that are not orthogonal, coordinates are those of least squares, around any centre")
  func oblique() throws {
    let scratch = try ScratchFolder()
    let made = try trajectory(write(Self.points, in: scratch.file("t")))
    let directions = try [vector([1, 0, 0, 0.5, 0]), vector([1, 1, 0, 0, -1])]
    let center = try vector([1, 1, 0, 0, 1])
    let expected = [
      [-0.727272727273, -0.090909090909, 1.477097891752], [0.545454545455, -0.681818181818, 0.538305421924],
      [1.227272727273, -0.409090909091, 1.559428799855], [1.090909090909, 0.386363636364, 2.506808909568],
      [1.318181818182, 0.727272727273, 2.671397319075],
    ]
    for (foot, wanted) in zip(try made.feet(on: directions, around: center), expected) {
      #expect(close(foot.coordinates + [foot.distance], wanted, .absolute(1e-11)), "\(foot) for \(wanted)")
    }
    let seen = try TrajectoryProjection(of: made, on: directions, around: center)
    // Of each direction by itself, numpy: Σ⟨ω − mean, d⟩² / ‖d‖² / Σ‖ω − mean‖².
    #expect(close(try #require(seen.explainedVariance), [0.2895448954489545, 0.3025830258302583], .absolute(1e-12)))
    #expect(refusal { try made.feet(on: [directions[0], vector([2, 0, 0, 1, 0])]) } == "directions")
    #expect(refusal { try made.feet(on: [directions[0], vector([0, 0, 0, 0, 0])]) }?.hasPrefix("directions: ") == true)
    #expect(
      refusal { try TrajectoryProjection(of: made, on: [directions[0]], around: center) }
        == "setting trajectory: 1 directions")
  }

  @Test("values that are left out have no part in components, and count in the distance") func masked() throws {
    let scratch = try ScratchFolder()
    let paths = try write(Self.points, in: scratch.file("t"))
    let made = try trajectory(paths, mask: vector([1, 0, 1, 1, 0]))
    #expect(
      close(Array(made.explainedVariance.prefix(3)), [0.984936955388, 0.011011350704, 0.004051693908], .absolute(1e-11)))
    #expect(close(try doubles(made.component(1)), [0.914600246858, 0, -0.331013043438, 0.232242876149, 0], .absolute(6e-8)))
    // The first point misses the last by (−3, −3.5, 1, −0.75, −2), of which the mask leaves what three components reach.
    let foot = try made.feet(on: made.components([1, 2, 3]))[0]
    #expect(close(foot.distance, 16.25.squareRoot(), .absolute(1e-6)))
    #expect(refusal { try made.component(4) } == "setting directions: pca4")
    // Of the closed form ω is one tensor of one dimension, which is what biases and batch norm have.
    #expect(try WeightMask.withoutBiasesAndNorms(of: quadratic()).values == [0, 0, 0, 0, 0])
  }

  @Test("too few checkpoints for a component are refused with how many there are and what keeps more") func tooFew() throws {
    let scratch = try ScratchFolder()
    let two = try trajectory(write([Self.points[0], Self.points[1]], in: scratch.file("two")))
    let error = #expect(throws: InputError.self) { try two.component(2) }
    #expect(error?.place == .setting("directions") && error?.found == "pca2")
    #expect(
      error?.wanted
        == "pca1 to pca1, all that 2 checkpoints span; a training keeps more with keep_last, all with keep_last: 0")
    let one = try write([Self.points[0]], in: scratch.file("one"))
    let none = #expect(throws: InputError.self) { try trajectory(one) }
    #expect(none?.found == "1 checkpoint" && none?.wanted?.hasSuffix("all with keep_last: 0") == true)
  }

  @Test("a path that goes nowhere, one checkpoint, and weights that are not finite are refused") func refusals() throws {
    let scratch = try ScratchFolder()
    let still = try write([Self.points[1], Self.points[1]], in: scratch.file("still"))
    #expect(refusal { try trajectory(still) } == "setting trajectory")
    #expect(refusal { try trajectory([still[0]]) } == "setting trajectory: 1 checkpoint")
    #expect(refusal { try trajectory([]) } == "setting trajectory: none")
    let broken = try write([Self.points[0], [1, .nan, 0, 0, 0], Self.points[2]], in: scratch.file("broken"))
    #expect(refusal { try trajectory(broken) }?.contains("epoch-001.safetensors: ") == true)
    #expect(refusal { try trajectory(still + [scratch.file("none")]) }?.hasPrefix(scratch.file("none")) == true)
  }

  @Test("the checkpoints of trainings are those of their whole epochs; files make a path of their own") func finding() throws
  {
    let scratch = try ScratchFolder()
    let one = try write(Array(Self.points.prefix(3)), in: scratch.file("x/run/checkpoints"))
    try FileManager.default.copyItem(
      atPath: one[0], toPath: scratch.file("x/run/checkpoints/epoch-002-step-00007.safetensors"))
    let two = try write(Array(Self.points.suffix(2)), in: scratch.file("y/other/checkpoints"))
    let found = try WeightTrajectory.Checkpoint.find([scratch.file("x/run"), scratch.file("y/other"), two[0], one[0]])
    #expect(found.map(\.run) == ["run", "run", "run", "other", "other", "files", "files"])
    #expect(found.map(\.epoch) == [0, 1, 2, 0, 1, 1, 2])
    #expect(found.map(\.path) == one + two + [two[0], one[0]])
    let same = try write([Self.points[0]], in: scratch.file("z/run/checkpoints"))
    let alike = try WeightTrajectory.Checkpoint.find([scratch.file("x/run"), scratch.file("z/run")])
    let (first, second) = (scratch.file("x/run"), scratch.file("z/run"))
    #expect(alike.map(\.run) == [first, first, first, second])
    #expect(alike.last?.path == same[0])
    try FileManager.default.createDirectory(atPath: scratch.file("empty/checkpoints"), withIntermediateDirectories: true)
    #expect(
      refusal { try WeightTrajectory.Checkpoint.find([scratch.file("empty")]) }
        == scratch.file("empty") + "/checkpoints: no checkpoint of a whole epoch")
    #expect(
      refusal { try WeightTrajectory.Checkpoint.find([scratch.file("none")]) }?.hasPrefix(scratch.file("none")) == true)
    #expect(
      refusal { try WeightTrajectory.Checkpoint.find([one[0], one[0]]) } == "setting trajectory: \(one[0]), \(one[0])")
  }
}
