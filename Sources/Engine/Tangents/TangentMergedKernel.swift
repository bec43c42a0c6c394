import Compute

/// The depthwise kernel Σ_i p_i · mask_i ⊙ W of merged convolutions (`MergedConvolution`), its derivative along a direction
/// of α or of W, and what flows back to the mixing weights p or to W.
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

  /// W, in the order of `values`, and its derivative where the direction lies in ω.
  private let shared: Floats
  private let sharedTangents: Floats?
  private let kind: Int
  /// Where each candidate's mixing weight is.
  private let mixingIndices: [Int]
  private let channels: Int
  private let blocks: Int
  /// Where the direction lies in the mixing weights.
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
    sharedTangents = tape.movesWeights ? tape.arena.allocate(Float.self, count) : nil
    // The kernel's, its derivative's, and the 1×1 convolution's.
    gradientOffset = tape.movesWeights ? 0 : tape.reserveKernelGradient(2 * count + blocks * blocks * 256)
  }

  private var count: Int { blocks * computedCount * Lanes.count }
  /// Taps that are reversed together for the backward pass.
  private var tapsPerPart: Int { kernel.side == 9 ? 25 : computedCount }

  /// W, and its derivative where it has one.
  func load(_ weights: [Float], _ direction: [Float]?) {
    load(weights, into: shared)
    if let direction, let sharedTangents { load(direction, into: sharedTangents) }
  }

  private func load(_ weights: [Float], into shared: Floats) {
    shared.update(repeating: 0, count: count)
    forEachTap { value, place, _ in shared[place] = weights[value] }
  }

  /// Every value of W that some candidate has: its place in the public tensor and in `values`, and the computed tap.
  private func forEachTap(_ body: (_ value: Int, _ place: Int, _ tap: Int) -> Void) {
    let taps = kernel.computed.count
    for channel in 0..<channels {
      for (tap, computed) in kernel.computed.enumerated() {
        guard let computed else { continue }
        body(
          channel * taps + tap,
          (channel / Lanes.count * computedCount + computed) * Lanes.count + channel % Lanes.count, computed)
      }
    }
  }

  func prepare() {
    fill(values, flipped, tape.run.mixing[kind], shared)
    if let sharedTangents {
      fill(tangents, flippedTangents, tape.run.mixing[kind], sharedTangents)
    } else {
      fill(tangents, flippedTangents, tape.run.mixingTangents[kind], shared)
    }
  }

  /// Of each computed tap, the sum of the mixing weights of the candidates that have it.
  private func strengths(_ mixing: [Float]) -> [Float] {
    var strengths = [Float](repeating: 0, count: computedCount)
    for (taps, index) in zip(kernel.taps, mixingIndices) {
      for case let computed? in taps.map({ kernel.computed[$0] }) { strengths[computed] += mixing[index] }
    }
    return strengths
  }

  private func fill(_ target: Floats, _ flipped: Floats, _ mixing: [Float], _ shared: Floats) {
    let strengths = strengths(mixing)
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

  /// The derivative of ∂L/∂W, row-major, from that of the kernel's gradient; taps that no candidate has are zero.
  func sharedProduct(_ gradient: Floats) -> [Float] {
    let strengths = strengths(tape.run.mixing[kind])
    var result = [Float](repeating: 0, count: channels * kernel.computed.count)
    forEachTap { result[$0] = strengths[$2] * gradient[$1] }
    return result
  }

  /// Adds to the gradients of the mixing weights, where the direction lies in them.
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
