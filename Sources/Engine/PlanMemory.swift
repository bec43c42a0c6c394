import CKernels
import Compute

/// Memory of a plan for a batch, and what scratch its workers are to have.
final class PlanMemory {
  /// What there was before anything was laid out.
  let availableBytes: Int
  let arena: Arena
  let batch: Int
  private(set) var scratch = ScratchRequirements()

  private let narrowsBlocks: Bool

  /// - Parameter narrowsBlocks: whether a last block of few channels takes less memory, which partial channels cannot read.
  init(batch: Int, narrowsBlocks: Bool) {
    self.batch = batch
    availableBytes = AvailableMemory.bytes()
    arena = Arena(limit: availableBytes)
    self.narrowsBlocks = narrowsBlocks
  }

  /// - Parameter isNarrow: false where every block is to have 16 channels a pixel.
  func activation(_ shape: PlaneShape, isNarrow: Bool = true) -> Activation {
    Activation(
      shape: shape, lastLanes: narrowsBlocks && isNarrow ? Activation.narrowLanes(of: shape) : Lanes.count, batch: batch,
      arena: arena)
  }

  func need(_ update: (inout ScratchRequirements) -> Void) { update(&scratch) }
}

/// Scratch memory that each worker must have.
struct ScratchRequirements {
  /// Border of padded planes.
  var pad = 1
  /// Shapes of padded input planes and of padded gradient planes.
  var inputPlanes: Set<PlaneShape> = []
  var gradientPlanes: Set<PlaneShape> = []
  /// Most lanes of an activation in a cell.
  var lanes = Lanes.count
  /// Floats of one tile and of one unpadded image slice.
  var tile = 0
  var slice = 0
  /// Blocks that a kernel is told to fetch ahead.
  var ahead = 0
}

/// One worker's scratch: zero-bordered planes of each shape, two tiles, four image slices.
final class WorkerScratch {
  /// Terms of a node sum at most: five edges of eight operations.
  static let maximumTerms = 64
  private var input: [PlaneShape: Floats] = [:]
  private var gradient: [PlaneShape: Floats] = [:]
  let tileA: Floats
  let tileB: Floats
  /// Gradient of a relu'd state, and the summed gradients of its two pools.
  let slices: [Floats]
  /// Room for the pointers of a sum's terms.
  let terms: UnsafeMutablePointer<UnsafePointer<Float>?>
  let coefficients: Floats
  /// Room for the pointers of blocks to fetch ahead.
  let ahead: UnsafeMutablePointer<UnsafePointer<Float>?>

  init(_ needs: ScratchRequirements, arena: Arena) {
    for shape in needs.inputPlanes.sorted(by: { ($0.height, $0.channels) < ($1.height, $1.channels) }) {
      input[shape] = arena.allocate(Float.self, Self.paddedFloats(shape, needs.pad))
    }
    for shape in needs.gradientPlanes.sorted(by: { ($0.height, $0.channels) < ($1.height, $1.channels) }) {
      gradient[shape] = arena.allocate(Float.self, Self.paddedFloats(shape, needs.pad))
    }
    tileA = arena.allocate(Float.self, needs.tile)
    tileB = arena.allocate(Float.self, needs.tile)
    terms = arena.allocate(UnsafePointer<Float>?.self, Self.maximumTerms)
    ahead = arena.allocate(UnsafePointer<Float>?.self, needs.ahead)
    coefficients = arena.allocate(Float.self, Self.maximumTerms * needs.lanes)
    slices = (0..<3).map { _ in arena.allocate(Float.self, needs.slice) }
  }

  func inputPlanes(_ shape: PlaneShape) -> Floats {
    guard let planes = input[shape] else { preconditionFailure("no input planes of \(shape)") }
    return planes
  }

  func gradientPlanes(_ shape: PlaneShape) -> Floats {
    guard let planes = gradient[shape] else { preconditionFailure("no gradient planes of \(shape)") }
    return planes
  }

  private static func paddedFloats(_ shape: PlaneShape, _ pad: Int) -> Int {
    shape.blocks * (shape.height + 2 * pad) * (shape.width + 2 * pad) * Lanes.count
  }
}
