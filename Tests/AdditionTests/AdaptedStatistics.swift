import Landscape

extension BatchNormMode {
  /// The checkpoint's running statistics, moved half of the way towards those of each training batch with the weights of the
  /// point: between stale and estimated anew. A mode that the package does not have: all that it takes to add one is this
  /// file, and in the package a line in `BatchNormMode.declared`.
  static let adapted = BatchNormMode(name: "adapted", batches: 3, needsStatistics: true) { bench, _ in
    guard let checkpoint = bench.checkpoint else { return nil }
    bench.scratch.copy(from: checkpoint)
    for index in 0..<bench.batches { bench.move(index, 0.5) }
    return bench.scratch
  }
}
