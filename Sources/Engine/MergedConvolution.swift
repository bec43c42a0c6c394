import Cells
import Compute

/// The convolutions among the candidates of an edge as one, ReLU – depthwise – 1×1 – batch norm, with the depthwise kernel
/// Σ_i p_i · mask_i ⊙ W: W is shared, mask_i the taps of candidate i, p_i its mixing weight (Wang et al., MergeNAS, IJCAI
/// 2020).
///
/// Batch norm takes the kernel's scale away: p decides about its shape, and the node adds the result with the weight 1.
final class MergedConvolution {
  let unit: ConvolutionUnit
  private let kernel: MergedKernel
  /// Where each candidate's mixing weight is, and its gradient of the last run.
  private let mixingIndices: [Int]
  private var mixingGradients: [Double]
  private let kind: Int
  private let blocks: Int
  /// Offset of W, [block][side²][16].
  private let shared: Int
  /// The kernel of the current run, and its gradient: [block][computed taps][16].
  private let merged: Floats
  private let mergedGradient: Floats
  private let state: PlanState

  /// - Parameters:
  ///   - name: prefix of its tensors.
  ///   - candidates: the operations, with the places of their mixing weights.
  init(
    name: String, candidates: [(operation: CellOperation, mixingIndex: Int)], kind: Int, stride: Int,
    input: PlaneShape, in lowering: Lowering
  ) {
    let kernel = MergedKernel(candidates.compactMap { $0.operation.depthwise.map { ($0.kernel, $0.dilation) } })
    precondition(kernel.taps.count == candidates.count, "only convolutions merge")
    self.kernel = kernel
    self.kind = kind
    state = lowering.state
    mixingIndices = candidates.map(\.mixingIndex)
    mixingGradients = candidates.map { _ in 0 }
    blocks = input.blocks
    shared = lowering.parameters.depthwise("\(name).depth_weight1", channels: input.channels, kernel: kernel.side)
    merged = lowering.allocate(Float.self, input.lanes * kernel.computedCount)
    mergedGradient = lowering.allocate(Float.self, input.lanes * kernel.computedCount)
    unit = ConvolutionUnit(
      merged: merged, of: kernel, gradientAt: shared, name: name, stride: stride, input: input, in: lowering)
  }

  /// Σ_i p_i · mask_i, of each tap of W.
  private var strengths: [Float] {
    var result = [Float](repeating: 0, count: kernel.computed.count)
    for (taps, index) in zip(kernel.taps, mixingIndices) {
      let weight = state.mixing(kind, index)
      for tap in taps { result[tap] += weight }
    }
    return result
  }

  /// Makes the kernel of a run from the current weights and mixing weights.
  func prepareForward() {
    let strengths = strengths
    forEachTap { tap, at, offset in
      for lane in 0..<Lanes.count { merged[at + lane] = strengths[tap] * state.weights[offset + lane] }
    }
  }

  /// From the gradient of the kernel, which stands where that of W goes, to that of W and of the mixing weights.
  func finishBackward(_ gradient: Floats) {
    mergedGradient.update(from: gradient + shared, count: blocks * kernel.computedCount * Lanes.count)
    (gradient + shared).update(repeating: 0, count: blocks * kernel.computed.count * Lanes.count)
    let strengths = strengths
    var products = [Double](repeating: 0, count: strengths.count)
    forEachTap { tap, at, offset in
      for lane in 0..<Lanes.count {
        products[tap] += Double(mergedGradient[at + lane]) * Double(state.weights[offset + lane])
        gradient[offset + lane] = strengths[tap] * mergedGradient[at + lane]
      }
    }
    for (index, taps) in kernel.taps.enumerated() { mixingGradients[index] = taps.reduce(0) { $0 + products[$1] } }
  }

  /// Adds those of the mixing weights, which cells share, to the run's.
  func addMixingGradients() {
    for (index, gradient) in zip(mixingIndices, mixingGradients) { state.addGradient(kind, index, gradient) }
  }

  /// Every tap that is computed, of every block: its place in the merged kernel, and its offset among the weights.
  private func forEachTap(_ body: (_ tap: Int, _ merged: Int, _ offset: Int) -> Void) {
    for block in 0..<blocks {
      for (tap, computed) in kernel.computed.enumerated() {
        guard let computed else { continue }
        body(
          tap, (block * kernel.computedCount + computed) * Lanes.count,
          shared + (block * kernel.computed.count + tap) * Lanes.count)
      }
    }
  }
}
