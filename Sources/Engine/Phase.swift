import CKernels
import Compute

/// One stage of a plan between two barriers: work on every image, then a serial finish from sums over the batch.
///
/// The batch is cut into chunks that depend on its size alone. Each chunk adds its own sums and weight gradients, which
/// are then added in the order of the chunks: no bit depends on the number of threads.
final class Phase {
  typealias Body = (_ image: Int, _ chunk: ChunkContext) -> Void
  typealias Finish = (_ sums: Doubles, _ images: Int) -> Void

  private(set) var sumCount = 0
  private(set) var gradientCount = 0
  /// (offset in the weight gradient, offset in a chunk's partial gradient, count).
  private(set) var gradientRanges: [(parameter: Int, partial: Int, count: Int)] = []
  private(set) var bodies: [Body] = []
  private(set) var finishes: [Finish] = []

  /// Of one image. `weightFlops` are spent only where weight gradients are wanted.
  private(set) var cost = PlanCost()
  private(set) var weightFlops = 0

  func spend(flops: Int = 0, weightFlops: Int = 0, floats: Int = 0) {
    cost.flops += flops
    cost.bytes += floats * MemoryLayout<Float>.stride
    self.weightFlops += weightFlops
  }

  func reserveSums(_ count: Int) -> Int {
    defer { sumCount += count }
    return sumCount
  }

  /// Reserves a partial gradient for `count` weights from `parameter` on; returns where it begins in a chunk's partials.
  func reserveGradient(parameter: Int, count: Int) -> Int {
    let padded = Lanes.padded(count)
    gradientRanges.append((parameter, gradientCount, padded))
    defer { gradientCount += padded }
    return gradientCount
  }

  func onImage(_ body: @escaping Body) { bodies.append(body) }
  func onFinish(_ finish: @escaping Finish) { finishes.append(finish) }
}

/// Where a chunk of the batch puts its sums and partial gradients.
struct ChunkContext {
  let sums: Doubles
  /// Nil when weight gradients are not wanted.
  let gradients: Floats?
  let scratch: WorkerScratch
}

/// Runs phases on a thread pool.
final class PhaseRunner {
  static let maximumChunks = 16

  private let pool: ThreadPool
  private let kernels: KernelSet
  private let scratch: [WorkerScratch]
  private let sums: Doubles
  private let sumCapacity: Int
  private let partials: Floats
  private let partialCapacity: Int

  init(phases: [Phase], pool: ThreadPool, kernels: KernelSet, scratch: [WorkerScratch], arena: Arena) {
    self.pool = pool
    self.kernels = kernels
    self.scratch = scratch
    sumCapacity = (phases.map(\.sumCount).max() ?? 0) + Lanes.count
    partialCapacity = (phases.map(\.gradientCount).max() ?? 0) + Lanes.count
    sums = arena.allocate(Double.self, max(Self.maximumChunks, pool.threadCount) * sumCapacity)
    partials = arena.allocate(Float.self, Self.maximumChunks * partialCapacity)
  }

  func run(_ phase: Phase, images: Int, weightGradient: Floats?) {
    let chunks = min(images, Self.maximumChunks)
    let wantsGradients = weightGradient != nil && phase.gradientCount > 0
    pool.run(chunks) { chunk, worker in
      let context = ChunkContext(
        sums: sums + chunk * sumCapacity, gradients: weightGradient == nil ? nil : partials + chunk * partialCapacity,
        scratch: scratch[worker])
      context.sums.update(repeating: 0, count: phase.sumCount)
      if wantsGradients { context.gradients?.update(repeating: 0, count: phase.gradientCount) }
      for image in chunk * images / chunks..<(chunk + 1) * images / chunks {
        for body in phase.bodies { body(image, context) }
      }
    }
    for chunk in 1..<max(chunks, 1) {
      let part = sums + chunk * sumCapacity
      for index in 0..<phase.sumCount { sums[index] += part[index] }
    }
    for finish in phase.finishes { finish(sums, images) }
    if let weightGradient, wantsGradients { addPartials(of: phase, chunks: chunks, into: weightGradient) }
  }

  /// Images that go through a network together where none waits for the rest of the batch: enough to read the weights for
  /// more than one, few enough to stay in a core's caches.
  static let independentImages = 6

  /// Runs phases in which nothing depends on sums over the batch: a few images at a time go through all of them.
  func runIndependently(_ phases: [Phase], images: Int) {
    for phase in phases {
      for finish in phase.finishes { finish(sums, images) }
    }
    let size = Self.independentImages
    pool.run((images + size - 1) / size) { group, worker in
      let context = ChunkContext(sums: sums + worker * sumCapacity, gradients: nil, scratch: scratch[worker])
      for phase in phases {
        // Kernels add to sums that nothing reads.
        context.sums.update(repeating: 0, count: phase.sumCount)
        for image in group * size..<min(images, (group + 1) * size) {
          for body in phase.bodies { body(image, context) }
        }
      }
    }
  }

  private func addPartials(of phase: Phase, chunks: Int, into gradient: Floats) {
    pool.run(phase.gradientRanges.count) { index, _ in
      let range = phase.gradientRanges[index]
      kernels.table.pointee.sum_partials(
        gradient + range.parameter, partials + range.partial, Int64(partialCapacity), Int32(chunks), Int64(range.count))
    }
  }
}
