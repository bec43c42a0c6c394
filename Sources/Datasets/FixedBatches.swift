/// Batches in a fixed order, each rendered when it is read and kept by nobody: a split of CIFAR-10 as floats takes 300 MB.
public struct FixedBatches: Sendable {
  public let count: Int
  private let render: @Sendable (Int) throws -> ImageBatch

  /// - Parameter render: the batch of an index in 0..<count, the same at every call.
  init(count: Int, render: @escaping @Sendable (Int) throws -> ImageBatch) {
    self.count = count
    self.render = render
  }

  public var isEmpty: Bool { count == 0 }
  public var indices: Range<Int> { 0..<count }

  /// - Throws: `InputError` for an image file that is gone or damaged.
  public subscript(index: Int) -> ImageBatch {
    get throws {
      precondition(indices.contains(index), "batch \(index) of \(count)")
      return try render(index)
    }
  }

  /// Every batch at once.
  ///
  /// - Throws: `InputError` for an image file that is gone or damaged.
  public var all: [ImageBatch] {
    get throws { try indices.map(render) }
  }
}
