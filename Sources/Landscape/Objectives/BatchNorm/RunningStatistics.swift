extension BatchNormMode {
  /// The checkpoint's running statistics, moved by inner steps as training moves them: what `eval()` of a PyTorch network
  /// gives. They belong to the α that the network was trained with and grow stale as α moves.
  public static let running = BatchNormMode(
    name: "running", needsStatistics: true,
    starting: { bench in
      bench.checkpoint.map {
        bench.scratch.copy(from: $0)
        return bench.scratch
      }
    }, normaliser: { _, running in running })
}
