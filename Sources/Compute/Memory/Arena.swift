import Foundation

/// Zeroed memory handed out piece by piece and freed as a whole: what a plan allocates before its first step.
public final class Arena: @unchecked Sendable {
  private var regions: [(UnsafeMutableRawPointer, Int)] = []
  private var next: UnsafeMutableRawPointer?
  private var left = 0

  /// Bytes handed out, padding included.
  public private(set) var byteCount = 0

  /// A region at least this large is taken from the system at once; it asks for huge pages where there are any.
  private static let regionBytes = 64 << 20

  public init() {}

  deinit {
    for (pointer, bytes) in regions { munmap(pointer, bytes) }
  }

  /// Zeroed memory for `count` values, aligned to 64 bytes, alive as long as the arena.
  public func allocate<T: BitwiseCopyable>(_ type: T.Type, _ count: Int) -> UnsafeMutablePointer<T> {
    let bytes = max(64, (count * MemoryLayout<T>.stride + 63) / 64 * 64)
    if bytes > left {
      let size = max(Self.regionBytes, (bytes + (2 << 20) - 1) & ~((2 << 20) - 1))
      let mapped = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
      guard let mapped, mapped != MAP_FAILED else { preconditionFailure("no memory for \(size) bytes of activations") }
      #if os(Linux)
      // 14 is MADV_HUGEPAGE, a macro that does not reach Swift.
      madvise(mapped, size, 14)
      #endif
      regions.append((mapped, size))
      next = mapped
      left = size
    }
    guard let pointer = next else { preconditionFailure("an arena has a region after it took one") }
    next = pointer + bytes
    left -= bytes
    byteCount += bytes
    return pointer.bindMemory(to: T.self, capacity: count)
  }
}
