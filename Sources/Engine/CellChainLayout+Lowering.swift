import CKernels
import Cells

extension CellChainLayout {
  func lower(in lowering: Lowering) -> LoweredNetwork {
    let stem: any NetworkStem =
      switch self.stem {
      case .full(let channels): StemPlan(channels: channels, side: imageSize, in: lowering)
      case .strided(let channels): StridedStemPlan(channels: channels, side: imageSize, in: lowering)
      }
    // outputs[i] and outputs[i + 1] are the inputs of cell i.
    var outputs: [[Activation]] = [[stem.outputs.0], [stem.outputs.1]]
    var outputGradients: [[Activation]] = [[stem.gradients.0], [stem.gradients.1]]
    var cells: [CellPlan] = []
    for (index, layout) in self.cells.enumerated() {
      let cell = CellPlan(
        layout, inputs: (outputs[index], outputs[index + 1]), in: lowering)
      cells.append(cell)
      outputs.append(cell.outputs)
      outputGradients.append(cell.outputGradients)
    }
    let auxiliary = self.auxiliary.map { auxiliary in
      AuxiliaryPlan(
        auxiliary, nodes: outputs[auxiliary.cell + 2], gradients: outputGradients[auxiliary.cell + 2],
        classes: classes, in: lowering)
    }
    let last = cells.count + 1
    let head = HeadPlan(
      name: "classifier", nodes: outputs[last], gradients: outputGradients[last], classes: classes, in: lowering)

    var forward: [Phase] = []
    stem.appendForward(to: &forward)
    for (index, cell) in cells.enumerated() {
      cell.appendForward(to: &forward, next: index + 1 < cells.count ? cells[index + 1] : nil)
    }
    head.appendForward(to: forward[forward.count - 1])
    var auxiliaryForward: [Phase] = []
    auxiliary?.appendForward(to: &auxiliaryForward)

    var backward: [Phase] = []
    var weightsOnly: Set<ObjectIdentifier> = []
    // Which outputs have a gradient already: what reaches one first overwrites what an earlier run left there.
    var reached: Set<Int> = [last]
    backward.append(Phase())
    head.appendBackward(to: backward[0])
    if let auxiliary, let cell = self.auxiliary?.cell {
      auxiliary.appendBackward(to: &backward, overwrite: reached.insert(cell + 2).inserted)
    }
    var next: (cell: CellPlan, farther: InputGradient)?
    for index in cells.indices.reversed() {
      let inputs = [index, index + 1].map { output in
        // The stem's output may be both inputs of the first cell.
        let slot = output == 0 && stem.isShared ? 1 : output
        return InputGradient(targets: outputGradients[output], overwrite: reached.insert(slot).inserted)
      }
      cells[index].appendBackward(to: &backward, inputs: inputs, next: next) { phase in
        if index == 0 { weightsOnly.insert(ObjectIdentifier(phase)) }
      }
      next = (cells[index], inputs[0])
    }
    stem.appendBackward(to: &backward) { weightsOnly.insert(ObjectIdentifier($0)) }

    return LoweredNetwork(
      forward: forward, backward: backward, weightsOnly: weightsOnly,
      prepare: cells.flatMap { $0.prepareBackward() } + stem.prepareBackward() + (auxiliary?.prepareBackward() ?? []),
      merged: cells.flatMap { $0.edges.compactMap(\.merged) }, head: head, auxiliary: auxiliary,
      auxiliaryForward: auxiliaryForward)
  }
}
