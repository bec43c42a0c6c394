import CKernels

/// What changes from run to run of a plan: pointers to the current weights and what is asked for.
final class PlanState {
  let kernels: UnsafePointer<ck_kernels>
  var weights: UnsafePointer<Float>
  /// Where gradients of the weights go; nil where they are not wanted.
  var weightGradient: Floats?
  var statistics: Floats?
  /// Whether normalisation uses the running statistics instead of the batch's, and leaves them alone.
  var usesRunningStatistics = false
  /// Images of the current batch, NCHW.
  var images: UnsafePointer<Float>
  var noiseKey: UInt64 = 0
  var drops: PathDrops?
  /// Mixing weights of the two cell kinds, [edges · operations], and their gradients.
  var normalMixing: [Float] = []
  var reduceMixing: [Float] = []
  var normalGradient: [Double] = []
  var reduceGradient: [Double] = []

  init(kernels: UnsafePointer<ck_kernels>, placeholder: UnsafePointer<Float>) {
    self.kernels = kernels
    weights = placeholder
    images = placeholder
  }

  func mixing(_ reduction: Bool, _ index: Int) -> Float { reduction ? reduceMixing[index] : normalMixing[index] }

  func addGradient(_ reduction: Bool, _ index: Int, _ value: Double) {
    if reduction { reduceGradient[index] += value } else { normalGradient[index] += value }
  }

  /// What the output of a path of an image is multiplied by: 0 where it is dropped, 1 / (1 − p) where it is kept with p > 0.
  func keep(_ path: Int?, image: Int) -> Float {
    guard let path, let drops else { return 1 }
    return drops.isKept[path * drops.images + image] ? drops.scale : 0
  }

  func running(_ entry: StatisticsLayout.Entry) -> Floats? { statistics.map { $0 + entry.offset } }
}

/// Which paths of which images a training step drops (Larsson et al., FractalNet, ICLR 2017, §3: local drop-path).
struct PathDrops {
  let images: Int
  /// [paths, images].
  let isKept: [Bool]
  /// 1 / (1 − p).
  let scale: Float
}
