import Cells
import Compute
import Datasets
import Engine
import Formats
import Problems
import TestSupport
import Testing

@Suite("A derived network as a problem of its weights") struct DerivedProblemTests {
  private static let line =
    "Genotype(normal=[('sep_conv_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 0), ('dil_conv_3x3', 1), "
    + "('sep_conv_3x3', 1), ('skip_connect', 2), ('avg_pool_3x3', 0), ('skip_connect', 1)], normal_concat=range(2, 6), "
    + "reduce=[('max_pool_3x3', 0), ('skip_connect', 1), ('sep_conv_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0), "
    + "('skip_connect', 2), ('dil_conv_3x3', 3), ('max_pool_3x3', 1)], reduce_concat=range(2, 6))"

  /// Random pixels of seven classes.
  private func dataset(side: Int = 8, hasTest: Bool = true, hasValidation: Bool = false) throws -> ImageDataset {
    func split(_ count: Int, _ seed: UInt64) -> ImageDataset.Split {
      var stream = RandomStream(seed: seed, purpose: .test)
      let labels = (0..<count).map { _ in Int32(stream.integer(below: 7)) }
      return .init(
        pixels: .bytes((0..<count * 3 * side * side).map { _ in UInt8(stream.integer(below: 256)) }), labels: labels)
    }
    return try ImageDataset(
      name: "noise", classes: 7, side: side, training: split(13, 1), validation: hasValidation ? split(5, 2) : nil,
      test: hasTest ? split(6, 3) : nil, normalisation: .cifar10, augmentation: .darts)
  }

  private func problem(
    _ dataset: ImageDataset, holdsOut: Bool = false, hasHead: Bool = false, threads: Int = 2,
    _ regularisation: DerivedModel.Regularisation? = nil
  ) throws -> DerivedProblem {
    try DerivedProblem(
      architecture: DerivedArchitecture(
        genotype: Genotype(parsing: Self.line), channels: 4, layers: 3, classes: 7, imageSize: dataset.side,
        hasAuxiliaryHead: hasHead),
      loader: RetrainingLoader(dataset: dataset, seed: 5, batchSize: 4, holdsOut: holdsOut), seed: 5, threads: threads,
      regularisation: regularisation)
  }

  private func bits(_ vector: ParameterVector) -> [UInt32] { vector.values.map(\.bitPattern) }

  @Test("has an α of no values, which mixes nothing and is written as nothing") func alphas() throws {
    let alphas = try problem(dataset()).initialAlphas
    #expect(alphas.count == 0 && alphas.flat.isEmpty && alphas.ranges.isEmpty && alphas.tensors.isEmpty)
    #expect(alphas.norm == 0 && alphas.zeros == alphas && alphas.moved(by: []) == alphas && !alphas.hasEdgeColumn)
    var moved = alphas
    moved.flat = []
    #expect(moved == .none)
    let empty = TensorFile(path: "memory", metadata: [:], tensors: [])
    #expect(try ArchitectureParameters(from: empty, like: alphas) == alphas)
    let stranger = TensorFile(
      path: "memory", metadata: [:],
      tensors: [NamedTensor(name: "alphas_normal", shape: [1, 1], values: .float32([0]))])
    #expect(refusal { try ArchitectureParameters(from: stranger, like: alphas) }?.hasPrefix("memory") == true)
  }

  @Test("refuses to differentiate by α, by name") func noHessian() throws {
    let problem = try problem(dataset())
    let batch = try problem.trainingBatch(epoch: 0, step: 0)
    for coordinates in [HessianCoordinates.alphas, .mixing] {
      #expect(
        refusal {
          try problem.hessianProduct(
            weights: problem.makeInitialWeights(), alphas: .none, direction: [], coordinates: coordinates, batch: batch)
        } == "∇²_α L: a network of one architecture")
    }
    #expect(problem.mixingCount == 0)
  }

  /// Thirteen images in batches of four; six test images.
  @Test("splits are the loader's, whole and as they are, and L_val is what a retraining reports on")
  func splits() throws {
    let tested = try problem(dataset())
    #expect(DataSplit.allCases.map(tested.splitCount) == [4, 0, 2])
    #expect(tested.reportedSplit == .test && tested.validationSplitCount == 2 && tested.stepsPerEpoch == 4)
    for split in [DataSplit.training, .test] {
      let images = try (0..<tested.splitCount(split)).flatMap { try tested.splitBatch(split, $0).images }
      let whole = split == .training ? tested.loader.trainingSplit : tested.loader.testSplit
      #expect(try images == whole.all.flatMap(\.images))
    }
    #expect(try tested.validationBatch(epoch: 0, step: 3) == tested.loader.testSplit[1])
    #expect(try tested.validationSplitBatch(0) == tested.loader.testSplit[0])
    // Seven of thirteen images are held out, and the test split is there to be asked for.
    let held = try problem(dataset(), holdsOut: true)
    #expect(DataSplit.allCases.map(held.splitCount) == [2, 2, 2] && held.reportedSplit == .validation)
    #expect(try held.splitBatch(.validation, 1) == held.loader.testSplit[1])
    #expect(try held.splitBatch(.test, 0).images == tested.splitBatch(.test, 0).images)
    // A validation split of the dataset's own, which stands in for test images where there are none.
    let own = try problem(dataset(hasTest: false, hasValidation: true))
    #expect(DataSplit.allCases.map(own.splitCount) == [4, 2, 2])
    #expect(try own.splitBatch(.validation, 0).images == own.splitBatch(.test, 0).images)
    let none = try problem(dataset(hasTest: false))
    #expect(DataSplit.allCases.map(none.splitCount) == [4, 0, 0] && none.reportedSplit == .training)
    #expect(refusal { try none.validationBatch(epoch: 0, step: 0) } == "noise: training images alone")
  }

  @Test("L_train is the plain cross-entropy unless a regularisation is asked for, and Hessian products are always of that")
  func regularisation() throws {
    let data = try dataset(side: 32)
    let plain = try problem(data)
    let batch = try plain.trainingBatch(epoch: 0, step: 0)
    let gradient = plain.makeVector()
    let weights = plain.makeInitialWeights()
    let loss = plain.gradient(
      weights: weights, alphas: .none, batch: batch, weightGradient: gradient, wantsAlphaGradient: true, statistics: nil)
    #expect(
      loss.loss == plain.evaluate(weights: weights, alphas: .none, batch: batch)
        && loss.alphas == ArchitectureParameters.none)
    func take(_ problem: DerivedProblem, at weights: ParameterVector? = nil) -> [NamedTensor] {
      let gradient = problem.makeVector()
      _ = problem.gradient(
        weights: weights ?? problem.makeInitialWeights(), alphas: .none, batch: batch, weightGradient: gradient,
        wantsAlphaGradient: false, statistics: nil)
      return problem.export(gradient).filter { !$0.name.hasPrefix(DerivedEvidence.auxiliaryPrefix) }
    }
    // A head that counts 0 has no part in the gradient of the rest.
    let headed = try problem(data, hasHead: true, .init(auxiliaryWeight: 0))
    let same = try plain.importVector(
      from: TensorFile(path: "memory", metadata: [:], tensors: headed.export(headed.makeInitialWeights())), prefix: "")
    for (left, right) in zip(take(plain, at: same), take(headed)) {
      guard case .float32(let a) = left.values, case .float32(let b) = right.values else { throw TestFailure(left.name) }
      #expect(left.name == right.name && close(a.map(Double.init), b.map(Double.init), .scaled(1e-6)), "\(left.name)")
    }
    let terms: [DerivedModel.Regularisation] = [
      .init(auxiliaryWeight: 0.4), .init(auxiliaryWeight: 0, labelSmoothing: 0.1), .init(dropPath: 0.5, auxiliaryWeight: 0),
    ]
    for term in terms {
      let problem = try problem(data, hasHead: true, term)
      #expect(take(problem) != take(headed), "\(term)")
      #expect(take(problem) == take(problem), "a batch drops the same paths whenever it is met")
    }
  }

  /// From mean 0 and variance 1 a step of training goes a tenth of the way to the batch's, a momentum of 1 all of it.
  @Test("running statistics move to those of the batch, and a copy on other threads gives the same bits") func statistics()
    throws
  {
    let problem = try problem(dataset())
    let weights = problem.makeInitialWeights()
    let batch = try problem.trainingBatch(epoch: 1, step: 2)
    let (all, tenth) = (problem.makeInitialStatistics(), problem.makeInitialStatistics())
    problem.moveStatistics(all, momentum: 1, weights: weights, alphas: .none, batch: batch)
    _ = problem.gradient(
      weights: weights, alphas: .none, batch: batch, weightGradient: nil, wantsAlphaGradient: false, statistics: tenth)
    for (left, right) in zip(problem.exportStatistics(all), problem.exportStatistics(tenth)) {
      guard case .float32(let whole) = left.values, case .float32(let part) = right.values else {
        throw TestFailure(left.name)
      }
      let start: Float = left.name.hasSuffix("running_var") ? 1 : 0
      #expect(
        close(part.map { Double($0) }, whole.map { Double(start + 0.1 * ($0 - start)) }, .scaled(1e-5)), "\(left.name)")
    }
    #expect(
      problem.evaluate(weights: weights, alphas: .none, batch: batch, statistics: all)
        != problem.evaluate(weights: weights, alphas: .none, batch: batch, statistics: tenth))
    let copy = try problem.copy(threads: 3)
    #expect(copy.network.threadCount == 3 && copy.loader === problem.loader)
    #expect(bits(copy.makeInitialWeights()) == bits(weights))
    let (first, second) = (problem.makeVector(), copy.makeVector())
    for (problem, gradient) in [(problem, first), (copy, second)] {
      _ = problem.gradient(
        weights: weights, alphas: .none, batch: batch, weightGradient: gradient, wantsAlphaGradient: false, statistics: nil)
    }
    #expect(bits(first) == bits(second))
  }

  @Test("products with the Hessian of ω go with the length of the direction, and leave the weights as they are")
  func weightHessian() throws {
    let problem = try problem(dataset())
    let weights = problem.makeInitialWeights()
    let before = bits(weights)
    let batch = try problem.trainingBatch(epoch: 0, step: 0)
    let directions = [problem.makeVector(), problem.makeVector()]
    _ = problem.gradient(
      weights: weights, alphas: .none, batch: batch, weightGradient: directions[0], wantsAlphaGradient: false,
      statistics: nil)
    directions[1].add(directions[0], scaledBy: 2)
    let products = directions.map { _ in problem.makeVector() }
    for (direction, product) in zip(directions, products) {
      let loss = try problem.weightHessianProduct(
        weights: weights, alphas: .none, direction: direction, batch: batch, product: product)
      let plain = problem.evaluate(weights: weights, alphas: .none, batch: batch)
      #expect(abs(loss.loss - plain.loss) <= 1e-6 * plain.loss && loss.correct == plain.correct && loss.count == plain.count)
      #expect(product.norm.isFinite && product.norm > 0)
    }
    products[1].add(products[0], scaledBy: -2)
    #expect(products[1].norm <= 1e-3 * products[0].norm)
    #expect(bits(weights) == before)
  }
}
