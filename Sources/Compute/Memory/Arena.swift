import Foundation

/// Zeroed memory handed out piece by piece and freed as a whole: what a plan allocates before its first step.
public final class Arena: @unchecked Sendable {
  private var regions: [(UnsafeMutableRawPointer, Int)] = []
  private var next: UnsafeMutableRawPointer?
  private var left = 0

  /// Bytes handed out, padding included; the largest number there is where their count overflows.
  public private(set) var byteCount = 0
  /// Whether more was asked for than the limit allows or the system gives. From then on pieces share one region, and the
  /// arena is good for counting alone: nothing in it may be read or written.
  public private(set) var isShort = false
  private let limit: Int?

  /// A region at least this large is taken from the system at once; it asks for huge pages where there are any.
  private static let regionBytes = 64 << 20

  /// - Parameter limit: bytes at most; nil for an arena that ends the process where the system refuses memory.
  public init(limit: Int? = nil) { self.limit = limit }

  deinit {
    for (pointer, bytes) in regions { munmap(pointer, bytes) }
  }

  /// Zeroed memory for `count` values, aligned to 64 bytes, alive as long as the arena.
  public func allocate<T: BitwiseCopyable>(_ type: T.Type, _ count: Int) -> UnsafeMutablePointer<T> {
    let bytes = Self.paddedBytes(count, stride: MemoryLayout<T>.stride)
    let (total, overflow) = byteCount.addingReportingOverflow(bytes)
    byteCount = overflow ? .max : total
    if let limit, byteCount > limit { isShort = true }
    if !isShort, bytes > left { addRegion(atLeast: bytes) }
    if isShort { return sink().bindMemory(to: T.self, capacity: 1) }
    guard let pointer = next else { preconditionFailure("an arena has a region after it took one") }
    next = pointer + bytes
    left -= bytes
    return pointer.bindMemory(to: T.self, capacity: count)
  }

  private static func paddedBytes(_ count: Int, stride: Int) -> Int {
    let bytes = Int.saturatingProduct(count, stride)
    return bytes > Int.max - 64 ? .max : max(64, (bytes + 63) / 64 * 64)
  }

  private func addRegion(atLeast bytes: Int) {
    let (rounded, overflow) = bytes.addingReportingOverflow((2 << 20) - 1)
    let size = max(Self.regionBytes, rounded & ~((2 << 20) - 1))
    guard !overflow, let mapped = map(size) else {
      if limit == nil { MemoryShortage.end("working memory", neededBytes: bytes) }
      isShort = true
      return
    }
    next = mapped
    left = size
  }

  private func map(_ size: Int) -> UnsafeMutableRawPointer? {
    let mapped = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let mapped, mapped != MAP_FAILED else { return nil }
    #if os(Linux)
    // 14 is MADV_HUGEPAGE, a macro that does not reach Swift.
    madvise(mapped, size, 14)
    #endif
    regions.append((mapped, size))
    return mapped
  }

  /// An address for pieces that there is no room for.
  private func sink() -> UnsafeMutableRawPointer {
    if let first = regions.first?.0 { return first }
    guard let mapped = map(4096) else { MemoryShortage.end("working memory", neededBytes: byteCount) }
    return mapped
  }
}
