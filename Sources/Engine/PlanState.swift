import CKernels

/// What changes from run to run of a plan: pointers to the current weights and what is asked for.
final class PlanState {
  let kernels: UnsafePointer<ck_kernels>
  var weights: UnsafePointer<Float>
  /// Where gradients of the weights go; nil where they are not wanted.
  var weightGradient: Floats?
  var wantsMixingGradient = false
  var statistics: Floats?
  /// Whether normalisation uses the running statistics instead of the batch's, and leaves them alone.
  var usesRunningStatistics = false
  /// Whether convolutions sum up their outputs for the statistics of the batch.
  var wantsSums: Bool { !usesRunningStatistics }
  /// How far running statistics move towards the batch's.
  var statisticsMomentum = NetworkStatistics.standardMomentum
  /// Images of the current batch, NCHW.
  var images: UnsafePointer<Float>
  var noiseKey: UInt64 = 0
  var drops: PathDrops?
  /// Rate at which skip connections drop values of the current batch.
  var skipDropout = 0.0
  /// Mixing weights of each kind of cell, [edges · operations], and their gradients.
  var mixing: [[Float]] = []
  var mixingGradient: [[Double]] = []

  init(kernels: UnsafePointer<ck_kernels>, placeholder: UnsafePointer<Float>) {
    self.kernels = kernels
    weights = placeholder
    images = placeholder
  }

  /// Takes what a run normalises with and moves.
  func use(_ statistics: NetworkStatistics) {
    usesRunningStatistics = false
    switch statistics {
    case .ofBatch: self.statistics = nil
    case .moving(let vector, let momentum):
      self.statistics = vector.storage
      statisticsMomentum = momentum
    case .running(let vector):
      self.statistics = vector.storage
      usesRunningStatistics = true
    }
  }

  /// A mixing weight of a kind of cell; 1 where there is no index.
  func mixing(_ kind: Int, _ index: Int?) -> Float {
    guard let index else { return 1 }
    return mixing[kind][index]
  }

  func addGradient(_ kind: Int, _ index: Int, _ value: Double) { mixingGradient[kind][index] += value }

  /// What the output of a path of an image is multiplied by: 0 where it is dropped, 1 / (1 − p) where it is kept with p > 0.
  func keep(_ path: Int?, image: Int) -> Float {
    guard let path, let drops else { return 1 }
    return drops.isKept[path * drops.images + image] ? drops.scale : 0
  }

  /// What a path is multiplied by in images that keep it.
  func scale(_ path: Int?) -> Float { path == nil ? 1 : drops?.scale ?? 1 }

  /// target ← (accumulate ? target : 0) + weight · values ⊙ mask / (1 − rate), as nn.Dropout scales. The mask depends on the
  /// batch's key, the image, the stream and the place alone.
  func drop(_ values: Activation, weight: Float, image: Int, stream: UInt32, into target: Activation, accumulate: Bool) {
    let shape = target.shape
    for block in 0..<shape.blocks {
      kernels.pointee.dropout(
        target.block(block, image: image), values.block(block, image: image), target.memoryLanes(block),
        Int32(shape.pixels),
        ck_dropout(
          rate: skipDropout, weight: weight, key: noiseKey, image: image, stream: stream + UInt32(block)),
        accumulate ? 1 : 0)
    }
  }
}
