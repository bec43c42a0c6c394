import Cells

/// A network of stages: a stem, stages of cells of one resolution each, between two stages a residual block that halves it and
/// doubles the channels, then batch norm, ReLU, mean and classifier (Dong and Yang, NAS-Bench-201, ICLR 2020, §2.1).
struct StageNetworkLayout: NetworkLayout {
  /// Channels of the first stage.
  let channels: Int
  let imageSize: Int
  let classes: Int
  /// Of each stage, its cells; their numbers leave one out for the block after each stage.
  let stages: [[CellLayout]]

  var pathCount = 0
  var padding: Int { 1 }
  var narrowsBlocks: Bool { true }
  var text: String { "a network of \(stages.joined().count) cells in stages, \(channels) channels" }
  var mixingCounts: [Int] { [stages.joined().first?.mixingCount ?? 0] }

  /// - Parameter cell: makes the layout of a cell of the given number and channels.
  init(
    channels: Int, imageSize: Int, classes: Int, stages: Int, cellsPerStage: Int, cell: (Int, Int) -> CellLayout
  ) {
    self.channels = channels
    self.imageSize = imageSize
    self.classes = classes
    self.stages = (0..<stages).map { stage in
      (0..<cellsPerStage).map { cell(stage * (cellsPerStage + 1) + $0, channels << stage) }
    }
  }

  func lower(in lowering: Lowering) -> LoweredNetwork {
    let stem = StemPlan(channels: channels, side: imageSize, in: lowering)
    var parts: [any StagePart] = []
    var (output, gradient) = (stem.outputs.1, stem.gradients.1)
    func append(_ part: any StagePart) {
      parts.append(part)
      (output, gradient) = (part.output, part.outputGradient)
    }
    for (index, stage) in stages.enumerated() {
      if index > 0 {
        append(
          ResidualBlockPlan(
            index: blockIndex(before: stage), input: output, gradient: gradient, in: lowering))
      }
      for cell in stage {
        append(StageCellPlan(cell, input: output, gradient: gradient, in: lowering))
      }
    }
    let last = RectifiedNormPlan(name: "lastact.0", input: output, gradient: gradient, in: lowering)
    let head = HeadPlan(
      name: "classifier", nodes: [last.output], gradients: [last.outputGradient], classes: classes, in: lowering)

    var forward: [Phase] = []
    stem.appendForward(to: &forward)
    for part in parts { part.appendForward(to: &forward) }
    last.appendForward(to: &forward)
    head.appendForward(to: forward[forward.count - 1])

    var backward = [Phase()]
    var weightsOnly: Set<ObjectIdentifier> = []
    head.appendBackward(to: backward[0])
    last.appendBackward(to: &backward, weightsOnly: nil)
    for (index, part) in parts.enumerated().reversed() {
      part.appendBackward(to: &backward, weightsOnly: index == 0 ? { weightsOnly.insert(ObjectIdentifier($0)) } : nil)
    }
    stem.appendBackward(to: &backward) { weightsOnly.insert(ObjectIdentifier($0)) }
    return LoweredNetwork(
      forward: forward, backward: backward, weightsOnly: weightsOnly,
      prepare: parts.flatMap { $0.prepareBackward() } + stem.prepareBackward(), merged: [], head: head)
  }
}

/// A part of a network of stages: it reads one tensor and makes one.
protocol StagePart {
  var output: Activation { get }
  var outputGradient: Activation { get }

  /// The last phase is open and has made the input; it is left open with the output made.
  func appendForward(to phases: inout [Phase])
  /// The last phase is open and has completed the output's gradient; it is left open with the input's gradient complete.
  ///
  /// - Parameter weightsOnly: takes phases that only gradients of weights need; nil where other parts come before this one.
  func appendBackward(to phases: inout [Phase], weightsOnly: ((Phase) -> Void)?)
  /// Weights in the order that the backward pass reads them.
  func prepareBackward() -> [() -> Void]
}
