import Cells
import Compute
import Datasets
import Engine
import Problems

extension EngineBenchmark {
  /// A derived network as `zarts retrain` trains it, with its auxiliary head, a tenth of the paths dropped, on images of
  /// standard normal noise.
  public convenience init(
    derived architecture: DerivedArchitecture, batch count: Int, threads: Int, engine: EngineKind = .cpu,
    kernels: KernelSet
  ) throws {
    let side = architecture.imageSize
    let batch = try BatchLoader(dataset: ImageDataset.noise(count: count, side: side), seed: 0, batchSize: count)
      .wholeTraining
    let model = try DerivedModel(
      architecture: architecture, batch: count, threads: threads, on: engine, kernels: kernels)
    let weights = model.makeInitialWeights(seed: 0)
    let (velocity, gradient) = (model.makeVector(), model.makeVector())
    let statistics = model.makeInitialStatistics()
    let regularisation = DerivedModel.Regularisation(dropPath: 0.1, auxiliaryWeight: 0.4)
    var stream = RandomStream(seed: 0, purpose: .dropPath)
    let keep = (0..<model.pathCount * count).map { _ in stream.uniform() >= regularisation.dropPath }
    let step = WeightStep()
    self.init(
      workloads: [
        .trainStep: Workload(cost: model.gradientCost(wantsWeights: true).times(count)) {
          _ = model.gradient(
            weights: weights, batch: batch, regularisation: regularisation, keep: keep, weightGradient: gradient,
            statistics: statistics)
          step.move(
            weights, velocity: velocity, gradient: gradient,
            scale: WeightStep.clipScale(norm: gradient.norm, largest: Double(step.gradientClip)))
        },
        .forward: Workload(cost: model.forwardCost.times(count)) {
          _ = model.evaluate(weights: weights, statistics: statistics, batch: batch)
        },
        .hessianWeights: Workload(
          cost: Self.weightProductCost(forward: model.forwardCost, gradient: model.gradientCost(wantsWeights: true))
            .times(count)
        ) {
          _ = try model.weightHessianProduct(weights: weights, direction: weights, batch: batch, product: gradient)
        },
      ], instructionSet: model.instructionSet)
  }
}
