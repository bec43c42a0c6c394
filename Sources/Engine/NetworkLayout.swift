/// What a network computes, before it has tensors: what a plan lowers, of a supernet or of a derived network.
protocol NetworkLayout {
  /// Height and width of the images.
  var imageSize: Int { get }
  var classes: Int { get }
  /// Operations of one cell of each kind, over all its edges.
  var mixingCounts: [Int] { get }
  /// Numbers of paths run from 0 to this.
  var pathCount: Int { get }
  /// Border of padded planes.
  var padding: Int { get }
  /// Whether a last block of few channels takes less memory.
  var narrowsBlocks: Bool { get }
  /// In words, for messages.
  var text: String { get }

  /// The tensors that it has, in the order that initial weights rest on.
  var tensors: NetworkTensors { get }

  /// Reserves activations, places all tensors, in an order that the storage of vectors rests on, and lays out the phases.
  func lower(in lowering: Lowering) -> LoweredNetwork
  /// Appends the operations for derivatives along a direction; returns the tensors that the classifier reads the means of.
  func lower(to tape: TangentTape) -> [TangentTensor]
}

/// A network as a list of phases.
struct LoweredNetwork {
  let forward: [Phase]
  let backward: [Phase]
  /// Phases of the backward pass that only gradients of weights need.
  let weightsOnly: Set<ObjectIdentifier>
  /// What brings weights into the order that the backward pass reads them in.
  let prepare: [() -> Void]
  let merged: [MergedConvolution]
  let head: HeadPlan
  var auxiliary: AuxiliaryPlan?
  /// The forward pass of the auxiliary head.
  var auxiliaryForward: [Phase] = []
}
