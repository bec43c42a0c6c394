import CKernels
import Foundation

/// What this machine can do at most, measured: what the engine's speed is compared with.
public struct MachinePeak: Equatable, Sendable {
  /// Fused multiply-adds in registers on all threads at once, two operations each.
  public var flopsPerSecond: Double
  /// Bytes read and written by copies far larger than the caches, on all threads at once.
  public var bytesPerSecond: Double

  public init(flopsPerSecond: Double, bytesPerSecond: Double) {
    self.flopsPerSecond = flopsPerSecond
    self.bytesPerSecond = bytesPerSecond
  }

  /// The best of `repeats` measurements of each, taken in turn.
  public static func measure(threads: Int, repeats: Int, kernels: KernelSet) -> MachinePeak {
    let pool = ThreadPool(threadCount: threads, isBound: true)
    let threads = pool.threadCount
    let arena = Arena()
    let sinks = arena.allocate(Float.self, 16 * threads)
    // Far larger than the caches, and no more than a quarter of what the threads share.
    let copied = max(1 << 20, min(64 << 20, AvailableMemory.bytes() / 4 / (2 * threads)))
    let buffers = (0..<2 * threads).map { _ in arena.allocate(UInt8.self, copied) }
    for buffer in buffers { buffer.update(repeating: 1, count: copied) }
    let operations = arena.allocate(Double.self, threads)
    var best = MachinePeak(flopsPerSecond: 0, bytesPerSecond: 0)
    for _ in 0..<repeats {
      let arithmetic = seconds {
        pool.run(threads) { task, _ in
          operations[task] = kernels.table.pointee.peak_loop(20_000_000, sinks + 16 * task)
        }
      }
      let total = (0..<threads).reduce(0.0) { $0 + operations[$1] }
      best.flopsPerSecond = max(best.flopsPerSecond, total / arithmetic)
      let copy = seconds {
        pool.run(threads) { task, _ in _ = memcpy(buffers[2 * task], buffers[2 * task + 1], copied) }
      }
      best.bytesPerSecond = max(best.bytesPerSecond, Double(2 * copied * threads) / copy)
    }
    return best
  }

  private static func seconds(_ body: () -> Void) -> Double {
    let start = DispatchTime.now().uptimeNanoseconds
    body()
    return Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
  }
}
