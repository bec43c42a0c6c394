extension BatchNormMode {
  /// Means over training batches, estimated anew at each α with the weights of the point.
  public static let recalibrated = BatchNormMode(name: "recalibrated", batches: 8) { bench, _ in
    // From zero, so that the first batch's statistics are taken over without rounding.
    bench.scratch.fill(0)
    for index in 0..<bench.batches { bench.move(index, 1 / Float(index + 1)) }
    return bench.scratch
  }

  /// The same over so many training batches.
  public static func recalibrated(batches: Int) -> BatchNormMode { recalibrated.over(batches: batches) }
}
