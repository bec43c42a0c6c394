import Cells
import ClosedFormSupport
import Formats
import Foundation
import Landscape
import Problems
import Search
import TestSupport
import Testing

@Suite("Kinds of directions") struct DirectionKindTests {
  private func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
  private func unit(_ a: [Double]) -> [Double] { a.map { $0 / dot(a, a).squareRoot() } }

  private let step = WeightStep(learningRate: 0.05, weightDecay: 0.01)

  private func run(
    _ kinds: [DirectionKind], normalisation: DirectionNormalisation = .own, validationBatches: Int = 1, seed: UInt64 = 0,
    trajectories: [AlphaTrajectory] = []
  ) throws -> Directions {
    let problem = try quadratic(noise: 0.3)
    let velocity = problem.makeVector()
    velocity.fill(0.1)
    return try LandscapeRun(
      problem: problem, weights: problem.makeInitialWeights(), velocity: velocity, alphas: smallAlphas(),
      settings: .init(
        objectives: [.firstOrder], grid: .init(size: 3, range: 1), normalisation: normalisation, step: step, epoch: 1,
        firstStep: 3, validationBatches: validationBatches, kind: .line, directions: kinds,
        zarts: .init(mgs: .init(innerSteps: 3, candidates: 4), sigma: 0.2, seed: seed)),
      trajectories: trajectories
    ).directions
  }

  @Test("a list is read in its order, and written as it was read") func lists() throws {
    let text = "random,first,second,zarts,pca1,pca12,to:a/b,file:x.safetensors#second,file:y.npy"
    let kinds = try DirectionKind.parse(list: text)
    #expect(
      kinds == [
        .random, .first, .second, .zarts, .principal(1), .principal(12), .towards("a/b"),
        .file(path: "x.safetensors", name: "second"), .file(path: "y.npy", name: nil),
      ])
    #expect(kinds.map(\.label).joined(separator: ",") == text)
    #expect(try DirectionKind.parse(list: "random*3,first") == [.random, .random, .random, .first])
    let bad = ["", "random,", "third", "pca", "pca0", "pcax", "to:", "file:", "file:#a", "file:x#", "random*0", "random*x"]
    for list in bad {
      let error = #expect(throws: InputError.self) { try DirectionKind.parse(list: list) }
      #expect(error?.place.setting == "directions")
    }
  }

  @Test("descent of L₁ and L₂ heads down the closed form's gradient, over all validation batches")
  func descent() throws {
    let problem = try quadratic(noise: 0.3)
    let flat = smallAlphas().flat.map(Double.init)
    let omega = problem.makeInitialWeights().values.map(Double.init)
    let training = problem.trainingBatch(epoch: 1, step: 3)
    let found = try run([.first]).directions[0].flat
    #expect(close(found, problem.firstOrderGradient(alphas: flat).map { -$0 }, .scaled(1e-6)))
    // Validation batches of step 3 and, the epoch being over, of step 0 of the next.
    let gradients = [problem.validationBatch(epoch: 1, step: 3), problem.validationBatch(epoch: 2, step: 0)].map {
      problem.secondOrderGradient(
        weights: omega, velocity: [Double](repeating: Double(Float(0.1)), count: 5), alphas: flat, step: step,
        training: training, validation: $0)
    }
    let second = try run([.second], validationBatches: 2).directions[0].flat
    let mean = zip(gradients[0], gradients[1]).map { -($0 + $1) / 2 }
    #expect(close(second, mean, .scaled(5e-5)))
    #expect(!close(second, gradients[0].map { -$0 }, .scaled(1e-3)))
  }

  @Test("the direction of ZARTS is the update that a search on the seed makes") func zarts() throws {
    let problem = try quadratic(noise: 0.3)
    let velocity = problem.makeVector()
    velocity.fill(0.1)
    let optimiser = ZARTSMGS(problem: problem, settings: .init(innerSteps: 3, candidates: 4))
    var moved = smallAlphas()
    _ = try optimiser.update(
      &moved,
      at: ArchitectureStep(
        weights: problem.makeInitialWeights(), velocity: velocity, weightStep: step,
        trainingBatches: [(1, 3), (2, 0), (2, 1)].map { problem.trainingBatch(epoch: $0.0, step: $0.1) },
        validationBatch: problem.validationBatch(epoch: 1, step: 3), sigma: 0.2, seed: 6, epoch: 1, step: 3))
    let update = zip(moved.flat, smallAlphas().flat).map { Double($0) - Double($1) }
    #expect(close(try run([.zarts], seed: 6).directions[0].flat, update, .scaled(1e-15)))
    #expect(try run([.zarts], seed: 7) != run([.zarts], seed: 6))
  }

  @Test("settings of ZARTS are those of its search, and the published ones for another method") func zartsSettings() {
    var configuration = SearchConfiguration(method: .zartsMGS, space: .s3, dataset: "none")
    (configuration.epochs, configuration.warmup, configuration.seed) = (20, 10, 5)
    (configuration.innerSteps, configuration.candidates, configuration.sigma) = (7, 3, 0.4)
    let own = ZARTSUpdateSettings(configuration, epoch: 15)
    #expect(own.mgs.innerSteps == 7 && own.mgs.candidates == 3 && own.seed == 5)
    #expect(abs(own.sigma - 0.2) < 1e-15)
    // After the last epoch there is no σ left; the last epoch's holds.
    #expect(ZARTSUpdateSettings(configuration, epoch: 20).sigma == Schedules(configuration).sigma(epoch: 19))
    configuration.method = .darts2
    let published = ZARTSUpdateSettings(configuration, epoch: 15)
    #expect(published.mgs.innerSteps == 10 && published.mgs.candidates == 4 && published.sigma == 0.2 && published.seed == 5)
  }

  @Test("directions of their own length are not scaled, and lead to the α they are named after") func ownLength() throws {
    let scratch = try ScratchFolder()
    var targets: [ArchitectureParameters] = []
    for (index, shift) in [Float(0.5), -2].enumerated() {
      var target = smallAlphas()
      target.flat = target.flat.enumerated().map { $1 + shift * Float(($0 + index) % 3) }
      try TensorFile.write(target.tensors, metadata: [:], to: scratch.file("\(index).safetensors"))
      targets.append(target)
    }
    let set = try run([.towards(scratch.file("0.safetensors")), .towards(scratch.file("1.safetensors"))])
    #expect(abs(dot(set.directions[0].flat, set.directions[1].flat)) < 1e-14)
    #expect(set.alphas(at: [1, 0]) == targets[0])
    let lists = zip(targets[0].kinds, targets[0].matrices).map { kind, matrix in
      let rows = (0..<matrix.rows).map { row in "\((0..<matrix.columns).map { matrix[row, $0] })" }
      return "\"\(kind.alphaName)\": [\(rows.joined(separator: ", "))]"
    }
    try scratch.write("{\(lists.joined(separator: ", "))}", to: "alphas.json")
    #expect(try run([.towards(scratch.file("alphas.json"))]).alphas(at: [1]) == targets[0])
    // The second target lies in the plane, at height 1.
    let offset = zip(targets[1].flat, smallAlphas().flat).map { Double($0) - Double($1) }
    let along = dot(offset, set.directions[0].flat) / dot(set.directions[0].flat, set.directions[0].flat)
    #expect(close(set.alphas(at: [along, 1]).flat.map(Double.init), targets[1].flat.map(Double.init), .scaled(1e-6)))
    let scaled = try run([.towards(scratch.file("0.safetensors"))], normalisation: .model)
    let length = dot(smallAlphas().flat.map(Double.init), smallAlphas().flat.map(Double.init)).squareRoot()
    #expect(abs(dot(scaled.directions[0].flat, scaled.directions[0].flat).squareRoot() - length) < 1e-12)
    #expect(close(unit(scaled.directions[0].flat), unit(set.directions[0].flat), .scaled(1e-12)))
  }

  @Test("directions of files are read back, and random ones are the same beside them") func files() throws {
    let scratch = try ScratchFolder()
    let saved = try run([.random, .random], normalisation: .cell)
    try TensorFile.write(saved.tensors, metadata: [:], to: scratch.file("d.safetensors"))
    let path = scratch.file("d.safetensors")
    let read = try run([.file(path: path, name: "direction2"), .file(path: path, name: nil)], normalisation: .cell)
    #expect(close(read.directions[0].flat, saved.directions[1].flat, .scaled(1e-14)))
    #expect(close(read.directions[1].flat, saved.directions[0].flat, .scaled(1e-14)))
    let mixed = try run([.first, .random])
    #expect(dot(mixed.directions[1].flat, saved.directions[0].flat) != 0)
    for (bad, place) in [
      (DirectionKind.file(path: path, name: "third"), "\(path): third.normal"),
      (.file(path: scratch.file("none.safetensors"), name: nil), scratch.file("none.safetensors")),
      (.towards(scratch.file("none")), scratch.file("none")), (.towards(scratch.path), scratch.path),
      (.towards(path + "/x"), path + "/x"),
    ] {
      #expect(refusal { try run([bad]) }?.hasPrefix(place) == true)
    }
    // A file of α of another shape.
    try TensorFile.write(
      SearchSpace.s2.zeroAlphas.tensors, metadata: [:], to: scratch.file("s2.safetensors"))
    #expect(
      refusal { try run([.towards(scratch.file("s2.safetensors"))]) }
        == "\(scratch.file("s2.safetensors")): alphas_normal: [14, 2]")
    try NPYFile(shape: [2, 2, 2], values: .float32(Array(repeating: 1, count: 8))).write(to: scratch.file("a.npy"))
    let error = #expect(throws: InputError.self) { try run([.file(path: scratch.file("a.npy"), name: nil)]) }
    #expect(error?.place.file == scratch.file("a.npy"))
  }

  @Test("an NPY array is taken as normal, then reduction cell") func arrays() throws {
    let scratch = try ScratchFolder()
    let alphas = SearchSpace.s2.zeroAlphas
    let values = (0..<alphas.count).map { Double($0 * $0 % 17) + 1 }
    try NPYFile(shape: [2, 14, 2], values: .float64(values)).write(to: scratch.file("a.npy"))
    let problem = try QuadraticBilevelProblem.random(seed: 1, weightCount: 5, alphas: alphas)
    func directions(_ name: String?) throws -> Directions {
      try LandscapeRun(
        problem: problem, weights: problem.makeInitialWeights(), velocity: nil, alphas: alphas,
        settings: .init(
          objectives: [.firstOrder], grid: .init(size: 1, range: 1), normalisation: .own, kind: .line,
          directions: [.file(path: scratch.file("a.npy"), name: name)])
      ).directions
    }
    #expect(close(try directions(nil).directions[0].flat, values, .scaled(1e-14)))
    #expect(refusal { try directions("x") } == "\(scratch.file("a.npy")): 'x'")
  }
}
