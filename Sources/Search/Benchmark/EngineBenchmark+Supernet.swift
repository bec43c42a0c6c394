import Cells
import Compute
import Datasets
import Engine
import Problems

extension EngineBenchmark {
  private static let candidates = 4
  private static let innerSteps = 10

  private static func dropping(_ rate: Double, _ batch: ImageBatch) -> ImageBatch {
    var batch = batch
    batch.dropPath = rate
    return batch
  }

  /// A supernet on images of standard normal noise.
  ///
  /// - Parameters:
  ///   - groups: on which the candidates of an update are evaluated side by side, as in a search (`GroupPlan`).
  ///   - dropPath: probability with which images drop edges where the variant has paths; Hessian products never drop any.
  public convenience init(
    space: SearchSpace, channels: Int, layers: Int, batch count: Int, threads: Int, groups: Int = 1,
    variant: SupernetVariant = SupernetVariant(), dropPath: Double = 0, engine: EngineKind = .cpu, kernels: KernelSet
  ) throws {
    let images = try ImageDataset.noise(count: count, side: variant.scale.publishedImageSize)
    let loader = try BatchLoader(dataset: images, seed: 0, batchSize: count)
    func makeProblem(threads: Int) throws -> SupernetProblem {
      try SupernetProblem(
        space: space, channels: channels, layers: layers, loader: loader, seed: 0, threads: threads,
        variant: variant, engine: engine, kernels: kernels)
    }
    let problem = try makeProblem(threads: threads)
    let plan = GroupPlan.choose(requested: groups, cores: threads, pieces: Self.candidates)
    let crew =
      plan.groups > 1
      ? CandidateCrew(
        of: problem, groups: try (0..<plan.groups).map { _ in try makeProblem(threads: plan.threads) }) : nil
    let alphas = problem.initialAlphas
    let weights = problem.makeInitialWeights()
    let velocity = problem.makeVector()
    let gradient = problem.makeVector()
    let batch = try Self.dropping(dropPath, loader.wholeTraining)
    let step = WeightStep()
    let first = FirstOrderGradient(problem: problem)
    let second = SecondOrderGradient(problem: problem)
    let product = problem.makeVector()
    let alphaDirection = alphas.flat.map { _ in 1.0 }
    let mgs = ZARTSMGS(
      problem: problem, settings: .init(innerSteps: Self.innerSteps, candidates: Self.candidates))

    let forward = problem.model.forwardCost
    let weightPass = problem.model.gradientCost(wantsWeights: true)
    let alphaPass = problem.model.gradientCost(wantsWeights: false)
    let steps = Self.candidates * Self.innerSteps
    func workload(_ perImage: PlanCost, _ run: @escaping () throws -> Void) -> Workload {
      Workload(cost: perImage.times(count), run: run)
    }
    self.init(
      workloads: [
        .trainStep: workload(weightPass) {
          _ = problem.takeWeightStep(
            step, weights: weights, velocity: velocity, gradient: gradient, alphas: alphas, batch: batch, statistics: nil)
        },
        .forward: workload(forward) { _ = problem.evaluate(weights: weights, alphas: alphas, batch: batch) },
        .alphaFirst: workload(alphaPass) {
          _ = first.estimate(weights: weights, alphas: alphas, validation: batch)
        },
        .alphaSecond: workload(weightPass.times(2) + alphaPass.times(2)) {
          _ = second.estimate(
            weights: weights, velocity: nil, alphas: alphas, training: batch, validation: batch, step: step)
        },
        .zartsUpdate: workload(weightPass.times(steps) + forward.times(Self.candidates) + alphaPass) {
          var moved = alphas
          var place = ArchitectureStep<SupernetProblem>(
            weights: weights, velocity: velocity, weightStep: step,
            trainingBatches: Array(repeating: batch, count: Self.innerSteps), validationBatch: batch, sigma: 0.025)
          place.crew = crew
          _ = try mgs.update(&moved, at: place)
        },
        // Twice a gradient: of every value its derivative too.
        .hessianAlphas: workload(alphaPass.times(2)) {
          _ = try problem.model.hessianProduct(
            weights: weights, alphas: alphas, direction: alphaDirection, batch: batch)
        },
        .hessianWeights: workload(Self.weightProductCost(forward: forward, gradient: weightPass)) {
          _ = try problem.model.weightHessianProduct(
            weights: weights, alphas: alphas, direction: weights, batch: batch, product: product)
        },
      ], instructionSet: problem.model.instructionSet)
  }
}

extension ImageDataset {
  /// Images of standard normal noise, the same to train on and to validate on.
  static func noise(count: Int, side: Int) throws -> ImageDataset {
    var stream = RandomStream(seed: 0, purpose: .test)
    let split = ImageDataset.Split(
      pixels: .floats(stream.normals(count * 3 * side * side).map(Float.init)), labels: (0..<count).map { Int32($0 % 10) })
    return try ImageDataset(
      name: "noise", classes: 10, side: side, training: split, validation: split, normalisation: .identity)
  }
}
