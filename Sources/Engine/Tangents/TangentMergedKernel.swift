import Compute

/// The depthwise kernel Σ_i p_i · mask_i ⊙ W of merged convolutions (`MergedConvolution`), its derivative along a direction
/// of α, and what flows back to the mixing weights p.
final class TangentMergedKernel {
  /// [block][computed taps][16]: of the current run.
  let values: Floats
  let tangents: Floats
  let flipped: Floats
  let flippedTangents: Floats
  let kernel: MergedKernel
  /// Of the 1×1 convolution behind it, whose gradient nothing reads.
  var pointwiseCount = 0
  var computedCount: Int { kernel.computedCount }

  /// W, in the order of `values`.
  private let shared: Floats
  private let kind: Int
  /// Where each candidate's mixing weight is.
  private let mixingIndices: [Int]
  private let channels: Int
  private let blocks: Int
  private let gradientOffset: Int
  private let tape: TangentTape

  init(
    _ kernel: MergedKernel, kind: Int, mixingIndices: [Int], channels: Int, tape: TangentTape
  ) {
    self.kernel = kernel
    self.kind = kind
    self.mixingIndices = mixingIndices
    self.channels = channels
    self.tape = tape
    blocks = (channels + 15) / Lanes.count
    let count = blocks * kernel.computedCount * Lanes.count
    values = tape.arena.allocate(Float.self, count)
    tangents = tape.arena.allocate(Float.self, count)
    flipped = tape.arena.allocate(Float.self, count)
    flippedTangents = tape.arena.allocate(Float.self, count)
    shared = tape.arena.allocate(Float.self, count)
    // The kernel's, its derivative's, and the 1×1 convolution's.
    gradientOffset = tape.reserveKernelGradient(2 * count + blocks * blocks * 256)
  }

  private var count: Int { blocks * computedCount * Lanes.count }
  /// Taps that are reversed together for the backward pass.
  private var tapsPerPart: Int { kernel.side == 9 ? 25 : computedCount }

  func load(_ weights: [Float]) {
    shared.update(repeating: 0, count: count)
    let taps = kernel.computed.count
    for channel in 0..<channels {
      for (tap, computed) in kernel.computed.enumerated() {
        guard let computed else { continue }
        shared[(channel / Lanes.count * computedCount + computed) * Lanes.count + channel % Lanes.count] =
          weights[channel * taps + tap]
      }
    }
  }

  func prepare() {
    fill(values, flipped, tape.run.mixing[kind])
    fill(tangents, flippedTangents, tape.run.mixingTangents[kind])
  }

  private func fill(_ target: Floats, _ flipped: Floats, _ mixing: [Float]) {
    var strengths = [Float](repeating: 0, count: computedCount)
    for (taps, index) in zip(kernel.taps, mixingIndices) {
      for case let computed? in taps.map({ kernel.computed[$0] }) { strengths[computed] += mixing[index] }
    }
    for block in 0..<blocks {
      for tap in 0..<computedCount {
        let at = (block * computedCount + tap) * Lanes.count
        for lane in 0..<Lanes.count { target[at + lane] = strengths[tap] * shared[at + lane] }
      }
    }
    tape.kernels.table.pointee.flip(flipped, target, Int32(count / Lanes.count / tapsPerPart), Int32(tapsPerPart))
  }

  /// Where a chunk of a phase adds the gradients of the kernel and of its derivative.
  func reserve(in phase: Phase) -> (values: Int, tangents: Int, pointwise: Int) {
    (
      phase.reserveGradient(parameter: gradientOffset, count: count),
      phase.reserveGradient(parameter: gradientOffset + count, count: count),
      phase.reserveGradient(parameter: gradientOffset + 2 * count, count: pointwiseCount)
    )
  }

  func finish(_ gradient: Floats?) {
    guard let gradient = gradient.map({ $0 + gradientOffset }) else { return }
    let products = products(gradient)
    let derivatives = self.products(gradient + count)
    for (taps, index) in zip(kernel.taps, mixingIndices) {
      for case let computed? in taps.map({ kernel.computed[$0] }) {
        tape.run.gradient[kind][index] += products[computed]
        tape.run.gradientTangents[kind][index] += derivatives[computed]
      }
    }
  }

  /// ⟨gradient, W⟩ of each computed tap.
  private func products(_ gradient: Floats) -> [Double] {
    var result = [Double](repeating: 0, count: computedCount)
    for block in 0..<blocks {
      for tap in 0..<computedCount {
        let at = (block * computedCount + tap) * Lanes.count
        for lane in 0..<Lanes.count { result[tap] += Double(gradient[at + lane]) * Double(shared[at + lane]) }
      }
    }
    return result
  }
}
