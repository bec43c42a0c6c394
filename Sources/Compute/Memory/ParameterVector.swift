import Foundation

/// A flat vector of float32 parameters: network weights ω, their gradient or their momentum.
///
/// Rooms above `Engine` treat it as an element of a vector space; only the problem that made it knows which entry is
/// which tensor. Reductions add fixed blocks in a fixed order, so their bits never depend on the number of threads.
public final class ParameterVector: @unchecked Sendable {
  /// Number of stored values, padding lanes included.
  public let count: Int
  /// What computes its algebra.
  public let kernels: KernelSet
  package let storage: UnsafeMutablePointer<Float>

  /// A vector of `count` zeros, aligned for the widest registers.
  ///
  /// - Parameter kernels: the set that the program has chosen; it computes whatever is written to this vector.
  public init(count: Int, kernels: KernelSet) {
    precondition(count >= 0, "a vector has no negative count")
    self.count = count
    self.kernels = kernels
    let needed = Int.saturatingProduct(count, MemoryLayout<Float>.stride)
    let bytes = needed > Int.max - 64 ? needed : max(64, (needed + 63) / 64 * 64)
    var memory: UnsafeMutableRawPointer?
    guard posix_memalign(&memory, 64, bytes) == 0, let raw = memory else {
      MemoryShortage.end("a vector of \(count) weights", neededBytes: bytes)
    }
    storage = raw.initializeMemory(as: Float.self, repeating: 0, count: bytes / MemoryLayout<Float>.stride)
  }

  deinit { free(storage) }

  public subscript(index: Int) -> Float {
    get {
      precondition(index >= 0 && index < count, "index out of range")
      return storage[index]
    }
    set {
      precondition(index >= 0 && index < count, "index out of range")
      storage[index] = newValue
    }
  }

  /// The values as an array, in storage order.
  public var values: [Float] { Array(UnsafeBufferPointer(start: storage, count: count)) }
}
