import CKernels
import Compute

/// The 3×3 pools of one state at one stride, in a supernet each with batch norm: computed once for all edges that leave the
/// state.
final class PoolUnit {
  /// What one of the two pools is for its state.
  enum Use: Equatable {
    case none
    case plain
    /// Normalised; with the public names of the batch norm.
    case normalised([String])
  }

  let input: PlaneShape
  let stride: Int
  let maximum: (values: Activation, norm: BatchNorm?)?
  let average: (values: Activation, norm: BatchNorm?)?
  private let arg: UnsafeMutablePointer<UInt8>?
  private let state: PlanState

  init(input: PlaneShape, stride: Int, maximum: Use, average: Use, in lowering: Lowering) {
    self.input = input
    self.stride = stride
    state = lowering.state
    let shape = stride == 1 ? input : input.halved()
    func pool(_ use: Use) -> (values: Activation, norm: BatchNorm?)? {
      switch use {
      case .none: nil
      case .plain: (lowering.activation(shape), nil)
      case .normalised(let names):
        (lowering.activation(shape), BatchNorm(sharedBy: names, shape: shape, in: lowering))
      }
    }
    self.maximum = pool(maximum)
    self.average = pool(average)
    arg = maximum == .none ? nil : lowering.allocate(UInt8.self, lowering.batch * shape.floatsPerImage)
    lowering.need { $0.slice = max($0.slice, input.floatsPerImage) }
  }

  private var shape: PlaneShape { stride == 1 ? input : input.halved() }

  /// Floats of one image that pooling writes, the packed arg-max among them.
  var outputFloats: Int {
    (maximum.map { $0.values.floatsPerImage + shape.floatsPerImage / 4 } ?? 0) + (average?.values.floatsPerImage ?? 0)
  }

  /// Adds Σ and Σ² of the maximum, then of the average, to sums[0..<4·lanes].
  func forward(image: Int, from source: Activation, sums: Doubles) {
    let shape = shape
    for block in 0..<shape.blocks {
      let (lanes, own) = (shape.lanes, sums + block * Lanes.count)
      state.kernels.pointee.pool_forward(
        source.block(block, image: image), maximum?.values.block(block, image: image),
        arg.map { $0 + image * shape.floatsPerImage + block * shape.floatsPerBlock },
        average?.values.block(block, image: image), pool(memoryLanes: source.memoryLanes(block)),
        ck_pool_sums(
          maximum: own, maximumSquares: own + lanes, average: own + 2 * lanes, averageSquares: own + 3 * lanes))
    }
  }

  /// Adds to `target` what flows back from the gradients of the pooled values (either may be null).
  func backward(image: Int, maximumGradient: Floats?, averageGradient: Floats?, into target: Activation) {
    let shape = shape
    for block in 0..<shape.blocks {
      let at = block * shape.floatsPerBlock
      state.kernels.pointee.pool_backward(
        target.block(block, image: image), maximumGradient.map { $0 + at },
        arg.map { $0 + image * shape.floatsPerImage + at }, averageGradient.map { $0 + at },
        pool(memoryLanes: target.memoryLanes(block)))
    }
  }

  private func pool(memoryLanes: Int32) -> ck_pool {
    ck_pool(height: Int32(input.height), width: Int32(input.width), stride: Int32(stride), memoryLanes: memoryLanes)
  }
}
