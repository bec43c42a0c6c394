import CKernels
import Compute

/// Where a network is lowered for derivatives along a direction: phases of the forward pass as they are appended, and the
/// operations whose backward passes follow in reverse order.
final class TangentTape {
  let arena: Arena
  let batch: Int
  let kernels: KernelSet
  /// Whether the direction lies in ω; else in the mixing weights.
  let movesWeights: Bool
  private(set) var forward = [Phase()]
  private(set) var backward: [Phase] = []
  private(set) var scratch = ScratchRequirements()
  let run = TangentRun()

  private var operations: [any TangentOperation] = []
  /// Gradients that no operation needs any more, by the floats of an image.
  private var free: [Int: [TangentGradients]] = [:]

  init(batch: Int, pad: Int, movesWeights: Bool, kernels: KernelSet, arena: Arena) {
    self.batch = batch
    self.movesWeights = movesWeights
    self.kernels = kernels
    self.arena = arena
    scratch.pad = pad
  }

  /// The phase that takes what comes next.
  var open: Phase { backward.last ?? forward[forward.count - 1] }

  /// What comes next waits for the whole batch.
  func barrier() {
    if backward.isEmpty { forward.append(Phase()) } else { backward.append(Phase()) }
  }

  /// Floats of gradients that phases add up: of kernels that move with α, or the derivatives of those of ω.
  private(set) var kernelGradientCount = 0

  func reserveKernelGradient(_ floats: Int) -> Int {
    defer { kernelGradientCount += floats }
    return kernelGradientCount
  }

  func need(_ update: (inout ScratchRequirements) -> Void) { update(&scratch) }

  /// - Parameter moves: whether the direction moves it.
  func tensor(_ shape: PlaneShape, moves: Bool) -> TangentTensor {
    TangentTensor(values: activation(shape), tangents: moves ? activation(shape) : nil)
  }

  private func activation(_ shape: PlaneShape) -> Activation {
    Activation(shape: shape, lastLanes: Lanes.count, batch: batch, arena: arena)
  }

  /// Appends an operation's forward pass and keeps it for the way back.
  func append(_ operation: any TangentOperation) {
    operation.appendForward(to: self)
    operations.append(operation)
  }

  /// The gradients of a tensor, cleared where nothing has added to them; nil where nothing moves it.
  func gradients(of tensor: TangentTensor) -> TangentGradients? {
    guard tensor.tangents != nil else { return nil }
    if let gradients = tensor.gradients { return gradients }
    let gradients =
      free[tensor.values.floatsPerImage]?.popLast()
      ?? TangentGradients(values: activation(tensor.shape), tangents: activation(tensor.shape))
    let (values, tangents) = (
      // Blocks of another extent may have had the same number of floats.
      Activation(viewing: gradients.values, as: tensor.shape), Activation(viewing: gradients.tangents, as: tensor.shape)
    )
    tensor.gradients = TangentGradients(values: values, tangents: tangents)
    open.onImage { image, _ in
      values.clear(image: image)
      tangents.clear(image: image)
    }
    return tensor.gradients
  }

  /// Lays out the backward pass.
  func appendBackward(from head: TangentHead) {
    backward.append(Phase())
    head.appendBackward()
    for operation in operations.reversed() {
      operation.appendBackward(to: self)
      // Of a tensor's makers the first one is met last.
      guard let made = operation.makes, let gradients = made.gradients else { continue }
      free[made.values.floatsPerImage, default: []].append(gradients)
      made.gradients = nil
    }
  }

  /// Lets go of all that knows the tape.
  func dismantle() {
    operations = []
    (forward, backward) = ([], [])
  }

  /// Brings the weights of a run to where the operations read them.
  func load(_ weights: TangentWeights) {
    for operation in operations { operation.load(weights, kernels: kernels) }
  }

  /// Coefficients that follow from the mixing weights of a run.
  func prepare() { for operation in operations { operation.prepare() } }

  /// What operations know after a backward pass.
  ///
  /// - Parameter kernelGradient: sums of the gradients that phases reserved.
  func finish(_ kernelGradient: Floats?) { for operation in operations { operation.finish(kernelGradient) } }
}

/// One function of a network with its derivative along a direction, forwards and backwards.
protocol TangentOperation: AnyObject {
  /// The tensor that the operation makes, whose gradients are free after its backward pass; nil where it changes one in place.
  var makes: TangentTensor? { get }
  func appendForward(to tape: TangentTape)
  /// Adds to the gradients of what it read, from those of what it made.
  func appendBackward(to tape: TangentTape)
  /// Takes its weights, by their public names.
  func load(_ weights: TangentWeights, kernels: KernelSet)
  func prepare()
  /// - Parameter kernelGradient: sums of the gradients that phases reserved.
  func finish(_ kernelGradient: Floats?)
}

extension TangentOperation {
  func load(_ weights: TangentWeights, kernels: KernelSet) {}
  func prepare() {}
  func finish(_ kernelGradient: Floats?) {}
}

/// ω of a run under its public names, row-major, and its derivative along a direction that lies in ω.
struct TangentWeights {
  let values: [String: [Float]]
  /// Nil where the direction lies in the mixing weights.
  var tangents: [String: [Float]]?

  func values(_ name: String) -> [Float] {
    guard let values = values[name] else { preconditionFailure("no weights \(name)") }
    return values
  }

  func tangents(_ name: String) -> [Float]? {
    guard let tangents else { return nil }
    guard let values = tangents[name] else { preconditionFailure("no direction of \(name)") }
    return values
  }
}

/// What changes from run to run.
final class TangentRun {
  /// Mixing weights of each kind of cell and, where they move, their derivatives along the direction.
  var mixing: [[Float]] = []
  var mixingTangents: [[Float]] = []
  /// ∂L/∂(mixing weights) and its derivative.
  var gradient: [[Double]] = []
  var gradientTangents: [[Double]] = []
  /// Where the direction lies in ω: the derivative of ∂L/∂ω, under public names, row-major. What no loss depends on is left out.
  var weightGradientTangents: [String: [Float]] = [:]
  /// NCHW.
  var images: [Float] = []
  var labels: [Int32] = []
  var noiseKey: UInt64 = 0
  var skipDropout = 0.0
}

extension Activation {
  /// The memory of another activation with as many floats an image.
  init(viewing other: Activation, as shape: PlaneShape) {
    precondition(other.floatsPerImage == shape.floatsPerImage, "a view has the size of what it views")
    self.init(shape: shape, wholeBlocksAt: other.base)
  }
}
