/// Which statistics normalise activations where a validation loss is evaluated. Inner steps train with batch statistics
/// whatever the mode.
public enum BatchNormMode: String, CaseIterable, Sendable {
  /// The validation batch's own: what a search descends.
  case batch
  /// The checkpoint's running statistics, moved by inner steps as training moves them: what `eval()` of a PyTorch network
  /// gives. They belong to the α that the network was trained with and grow stale as α moves.
  case running
  /// Means over training batches, estimated anew at each α with the weights of the point.
  case recalibrated
}
