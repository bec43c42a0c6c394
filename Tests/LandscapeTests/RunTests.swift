import ClosedFormSupport
import Formats
import Foundation
import Landscape
import Problems
import Search
import TestSupport
import Testing

@Suite("A landscape run") struct RunTests {
  private func run(
    objectives: [Objective] = [.trueLoss(innerSteps: 2), .firstOrder], seed: UInt64 = 1, momentum: Bool = false,
    learningRate: Float = 0.05, validationBatches: Int = 1
  ) throws -> LandscapeRun<QuadraticBilevelProblem> {
    let problem = try quadratic(noise: 0.3)
    let velocity = problem.makeVector()
    velocity.fill(0.1)
    return try LandscapeRun(
      problem: problem, weights: problem.makeInitialWeights(), velocity: momentum ? velocity : nil, alphas: smallAlphas(),
      settings: .init(
        objectives: objectives, grid: .init(size: 3, range: 1), directionsSeed: seed,
        step: WeightStep(learningRate: learningRate), epoch: 2, firstStep: 3, validationBatches: validationBatches))
  }

  @Test("leaves the table, the losses as an array, the comparison, the directions and the settings, and no journal")
  func files() throws {
    let scratch = try ScratchFolder()
    let folder = try OutputFolder.create(at: scratch.file("out"))
    let made = try run()
    let landscape = try made.run(in: folder, origin: [("dataset", "\"none\"")])
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    #expect(
      names == [
        "comparison.csv", "directions.safetensors", "landscape.csv", "landscape.npy", "landscape.npz", "landscape.yaml",
      ])
    #expect(try CSVTable(readingFrom: folder.file("landscape.csv")).rows.count == 18)
    let array = try NPYFile(readingFrom: folder.file("landscape.npy"))
    #expect(array.shape == [2, 3, 3])
    #expect(array.values == .float64(landscape.losses(of: .trueLoss(innerSteps: 2)) + landscape.losses(of: .firstOrder)))
    let comparison = try CSVTable(readingFrom: folder.file("comparison.csv"))
    #expect(try comparison.column("approximation") == ["first"])
    #expect(try comparison.column("truth") == ["true:2"])
    let directions = try TensorFile(readingFrom: folder.file("directions.safetensors"))
    #expect(try directions.doubles("direction2.normal", shape: [2, 2]) == made.directions.directions[1].normal)
    #expect(try directions.floats("alphas_reduce", shape: [1, 2]) == smallAlphas().reduce.values)
    let settings = try String(contentsOfFile: folder.file("landscape.yaml"), encoding: .utf8)
    #expect(settings.hasPrefix("dataset: \"none\"\nobjectives: \"true:2,first\"\ngrid: 3\n"))
  }

  @Test("begins with the batches of the checkpoint's step, over the end of its epoch") func batches() throws {
    let scratch = try ScratchFolder()
    let made = try run(objectives: [.trueLoss(innerSteps: 2)], validationBatches: 2)
    let landscape = try made.run(in: OutputFolder.create(at: scratch.file("out")))
    let problem = try quadratic(noise: 0.3)
    // Four steps an epoch, so after step 3 of epoch 2 comes step 0 of epoch 3.
    let evaluator = try ObjectiveEvaluator(
      problem: problem, weights: problem.makeInitialWeights(), step: WeightStep(learningRate: 0.05),
      trainingBatches: [problem.trainingBatch(epoch: 2, step: 3), problem.trainingBatch(epoch: 3, step: 0)],
      validationBatches: [problem.validationBatch(epoch: 2, step: 3), problem.validationBatch(epoch: 3, step: 0)])
    let expected = try evaluator.evaluate([.trueLoss(innerSteps: 2)], at: smallAlphas())[0].loss
    #expect(landscape.losses(of: .trueLoss(innerSteps: 2))[4] == expected)
  }

  @Test("that is stopped continues to the same files, and a finished one is read back") func continuation() throws {
    let scratch = try ScratchFolder()
    let (whole, parts) = (try OutputFolder.create(at: scratch.file("a")), try OutputFolder.create(at: scratch.file("b")))
    let expected = try run().run(in: whole)
    var asked = 0
    #expect(throws: CancellationError.self) {
      try run().run(
        in: parts,
        isStopRequested: {
          asked += 1
          return asked > 5
        })
    }
    #expect(!FileManager.default.fileExists(atPath: parts.file("landscape.csv")))
    #expect(try run().run(in: parts, isContinued: true) == expected)
    for name in try FileManager.default.contentsOfDirectory(atPath: whole.path) {
      #expect(try FileBytes.read(whole.file(name)) == FileBytes.read(parts.file(name)), "\(name)")
    }
    let again = try run().run(in: parts, isContinued: true, isStopRequested: { true })
    #expect(again == expected)
  }

  @Test("of other settings or another state is not continued") func foreignFolder() throws {
    let scratch = try ScratchFolder()
    let folder = try OutputFolder.create(at: scratch.file("out"))
    _ = try run().run(in: folder)
    #expect(
      refusal { try run(seed: 2).run(in: folder, isContinued: true) }?.hasPrefix(
        folder.file("landscape.yaml") + ": 'directions_seed: 1'") == true)
    #expect(
      refusal { try run(momentum: true).run(in: folder, isContinued: true) }?.hasPrefix(
        folder.file("landscape.yaml") + ": 'state_sha256") == true)
    #expect(
      refusal { try run(learningRate: 0.06).run(in: folder, isContinued: true) }?.hasPrefix(
        folder.file("landscape.yaml") + ": 'inner_learning_rate: 0.05'") == true)
    #expect(
      refusal { try run(objectives: [.firstOrder]).run(in: folder, isContinued: true) }?.hasPrefix(
        folder.file("landscape.yaml") + ": 'objectives: ") == true)
    // A key that the file lacks is one of a later version; one that it has must agree.
    let other = try OutputFolder.create(at: scratch.file("other"))
    _ = try run().run(in: other, origin: [("a", "b")])
    #expect(
      refusal { try run().run(in: other, origin: [("a", "c")], isContinued: true) }?.hasPrefix(
        other.file("landscape.yaml") + ": 'a: b'") == true)
    let empty = try OutputFolder.create(at: scratch.file("empty"))
    #expect(refusal { try run().run(in: empty, isContinued: true) }?.hasPrefix(empty.file("landscape.yaml")) == true)
  }

  @Test("with settings that cannot be met is refused") func badSettings() {
    for rate in [0, -1, Float.nan, .infinity] {
      let error = #expect(throws: InputError.self) { try run(learningRate: rate) }
      #expect(error?.place.setting == "inner_learning_rate")
    }
    let error = #expect(throws: InputError.self) { try run(validationBatches: 0) }
    #expect(error?.place.setting == "validation_batches")
    #expect(refusal { try run(objectives: []) } == "objectives")
  }

  @Test("is named by the SHA-256 of FIPS 180-4's examples' kind") func digests() {
    func digest(_ text: String) -> String { SHA256.hexadecimal(of: text.utf8) }
    #expect(digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(
      digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")
        == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
    #expect(
      digest(String(repeating: "a", count: 1_000_000))
        == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }
}

@Suite("Gradient estimators") struct GradientEstimatorTests {
  @Test("are the closed forms, with and without momentum, and keep the shape of α", arguments: [false, true])
  func closedForms(withMomentum: Bool) throws {
    let problem = try quadratic(noise: 0.3)
    let (weights, momentum) = (problem.makeVector(), problem.makeVector())
    for index in 0..<5 {
      weights[index] = [0.3, -0.7, 1.1, 0.2, -0.4][index]
      momentum[index] = [0.05, 0.1, -0.2, 0.15, 0.02][index]
    }
    let velocity = withMomentum ? momentum : nil
    let step = WeightStep(learningRate: 0.1, weightDecay: 0.01)
    let (training, validation) = (problem.trainingBatch(epoch: 0, step: 0), problem.validationBatch(epoch: 0, step: 0))
    let flat = smallAlphas().flat.map(Double.init)
    let found = try GradientEstimator.allCases.map {
      try $0.estimate(
        problem: problem, weights: weights, velocity: velocity, alphas: smallAlphas(), training: training,
        validation: validation, step: step)
    }
    #expect(close(found[0].flat.map(Double.init), problem.firstOrderGradient(alphas: flat), .scaled(1e-6)))
    let second = problem.secondOrderGradient(
      weights: weights.values.map(Double.init), velocity: velocity?.values.map(Double.init), alphas: flat, step: step,
      training: training, validation: validation)
    #expect(close(found[1].flat.map(Double.init), second, .scaled(2e-5)))
    #expect(!close(second, problem.firstOrderGradient(alphas: flat), .scaled(1e-2)))
    let tensors = GradientEstimator.second.tensors(found[1])
    #expect(tensors.map(\.name) == ["second.normal", "second.reduce"])
    #expect(tensors.map(\.shape) == [[2, 2], [1, 2]])
    #expect(tensors[1].values == .float32(found[1].reduce.values))
  }

  @Test("a gradient that is not finite is an error") func divergence() throws {
    let problem = try quadratic()
    let weights = problem.makeVector()
    weights.fill(1e38)
    let batch = problem.trainingBatch(epoch: 0, step: 0)
    let error = #expect(throws: InputError.self) {
      try GradientEstimator.second.estimate(
        problem: problem, weights: weights, velocity: nil, alphas: smallAlphas(), training: batch,
        validation: problem.validationBatch(epoch: 0, step: 0), step: WeightStep(learningRate: 1e3))
    }
    #expect(error?.place.within("a.safetensors") == .file("a.safetensors", "second-order gradient"))
    #expect(error?.found == "values that are not finite")
  }

  @Test("costs what an update of DARTS costs") func cost() {
    #expect(GradientEstimator.first.steps == 1 && GradientEstimator.second.steps == 4)
    for (estimator, method) in [(GradientEstimator.first, SearchMethod.darts1), (.second, .darts2)] {
      let plan = SearchConfiguration(method: method, space: .s2, dataset: "d").updatePlan
      #expect(Double(estimator.steps) == plan.trainingSteps)
    }
  }

  @Test("a list is read in its order, one that cannot be meant is refused") func lists() throws {
    #expect(try GradientEstimator.parse(list: "second,first") == [.second, .first])
    for list in ["", "third", "first,", "first,first", "First", "first;second"] {
      let error = #expect(throws: InputError.self) { try GradientEstimator.parse(list: list) }
      #expect(error?.place.setting == "estimators")
    }
  }
}
