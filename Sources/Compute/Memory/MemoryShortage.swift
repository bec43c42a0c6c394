import Foundation

/// More memory than there is would be needed.
public struct MemoryShortage: Error, Equatable, Sendable, CustomStringConvertible {
  /// What needs it.
  public let item: String
  public let neededBytes: Int
  public let availableBytes: Int
  /// What would take less.
  public let advice: String?

  public init(_ item: String, neededBytes: Int, availableBytes: Int, advice: String? = nil) {
    self.item = item
    self.neededBytes = neededBytes
    self.availableBytes = availableBytes
    self.advice = advice
  }

  public var description: String {
    "\(item): needs \(Self.gigabytes(neededBytes)) of memory, has \(Self.gigabytes(availableBytes))"
      + (advice.map { "; \($0) would take less" } ?? "")
  }

  /// - Throws: itself where more is needed than there is.
  public static func check(
    _ item: @autoclosure () -> String, neededBytes: Int, availableBytes: Int = AvailableMemory.bytes(), advice: String? = nil
  ) throws {
    guard neededBytes > availableBytes else { return }
    throw MemoryShortage(item(), neededBytes: neededBytes, availableBytes: availableBytes, advice: advice)
  }

  /// Ends the process with the sentence and status 1: for code that cannot throw where the system refuses memory.
  package func end() -> Never {
    StandardStream.error.write("Error: \(self)\n")
    exit(1)
  }

  static func end(_ item: String, neededBytes: Int) -> Never {
    MemoryShortage(item, neededBytes: neededBytes, availableBytes: AvailableMemory.bytes()).end()
  }

  private static func gigabytes(_ bytes: Int) -> String {
    if bytes == .max { return "more than \(Int.max >> 30) GB" }
    return String(
      format: bytes < 10_000_000 ? "%.3f GB" : bytes < 1_000_000_000 ? "%.2f GB" : "%.1f GB", Double(bytes) / 1e9)
  }
}
