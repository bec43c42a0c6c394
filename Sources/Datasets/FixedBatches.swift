/// Batches in a fixed order, each rendered when it is read and kept by nobody: a split of CIFAR-10 as floats takes 300 MB.
public struct FixedBatches: RandomAccessCollection, Sendable {
  public let startIndex = 0
  public let endIndex: Int
  private let render: @Sendable (Int) -> ImageBatch

  /// - Parameter render: the batch of an index in 0..<count, the same at every call.
  init(count: Int, render: @escaping @Sendable (Int) -> ImageBatch) {
    endIndex = count
    self.render = render
  }

  public subscript(index: Int) -> ImageBatch {
    precondition(indices.contains(index), "batch \(index) of \(count)")
    return render(index)
  }
}
