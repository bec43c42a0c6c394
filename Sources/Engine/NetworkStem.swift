/// What makes the two inputs of the first cell from images.
protocol NetworkStem {
  /// The farther and the nearer input.
  var outputs: (Activation, Activation) { get }
  var gradients: (Activation, Activation) { get }
  /// Whether both are one tensor.
  var isShared: Bool { get }

  /// The last phase is left open with the outputs made.
  func appendForward(to phases: inout [Phase])
  /// From the open phase, in which the gradients are completed. Every phase it adds is marked: weights alone need them.
  func appendBackward(to phases: inout [Phase], markWeightsOnly: (Phase) -> Void)
  /// Weights in the order that the backward pass reads them.
  func prepareBackward() -> [() -> Void]
}

extension NetworkStem {
  func prepareBackward() -> [() -> Void] { [] }
}
