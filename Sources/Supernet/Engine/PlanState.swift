import CKernels

/// What changes from run to run of a plan: pointers to the current weights and what is asked for.
final class PlanState {
  let kernels: UnsafePointer<ck_kernels>
  var weights: UnsafePointer<Float>
  var statistics: Floats?
  /// Images of the current batch, NCHW.
  var images: UnsafePointer<Float>
  var noiseKey: UInt64 = 0
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

  func running(_ entry: StatisticsLayout.Entry) -> Floats? { statistics.map { $0 + entry.offset } }
}
