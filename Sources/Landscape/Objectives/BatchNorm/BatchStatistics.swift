extension BatchNormMode {
  /// The validation batch's own: what a search descends.
  public static let batch = BatchNormMode(name: "batch") { _, _ in nil }
}
