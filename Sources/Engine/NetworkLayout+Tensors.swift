import Cells

extension CellChainLayout {
  /// Every tensor, in the order that initial weights rest on.
  var tensors: NetworkTensors {
    var tensors = NetworkTensors()
    // Channels of the two inputs of the next cell.
    var inputs = declareStem(in: &tensors)
    var outputs: [Int] = []
    for cell in cells {
      cell.declare(in: &tensors, inputs: inputs)
      outputs.append(cell.outputs.count * cell.channels)
      inputs = (inputs.nearer, outputs[outputs.count - 1])
    }
    if let auxiliary { declare(auxiliary, inputs: outputs[auxiliary.cell], in: &tensors) }
    tensors.addClassifier("classifier", classes: classes, inputs: inputs.nearer)
    for cell in cells { cell.declareAuxiliarySkips(in: &tensors) }
    return tensors
  }

  private func declareStem(in tensors: inout NetworkTensors) -> (farther: Int, nearer: Int) {
    func convolution(_ name: String, norm: String, _ outputs: Int, _ inputs: Int) {
      tensors.add("\(name).weight", [outputs, inputs, 3, 3])
      tensors.addNorm([norm], channels: outputs, isAffine: true)
    }
    switch stem {
    case .full(let channels):
      convolution("stem.0", norm: "stem.1", channels, 3)
      return (channels, channels)
    case .strided(let channels):
      convolution("stem0.0", norm: "stem0.1", channels / 2, 3)
      convolution("stem0.3", norm: "stem0.4", channels, channels / 2)
      convolution("stem1.1", norm: "stem1.2", channels, channels)
      return (channels, channels)
    }
  }

  private func declare(_ auxiliary: Auxiliary, inputs: Int, in tensors: inout NetworkTensors) {
    let name = "auxiliary_head"
    tensors.add("\(name).features.2.weight", [Auxiliary.middleChannels, inputs, 1, 1])
    tensors.addNorm(["\(name).features.3"], channels: Auxiliary.middleChannels, isAffine: true)
    tensors.add("\(name).features.5.weight", [Auxiliary.lastChannels, Auxiliary.middleChannels, 2, 2])
    if auxiliary.normalisesLast {
      tensors.addNorm(["\(name).features.6"], channels: Auxiliary.lastChannels, isAffine: true)
    }
    tensors.addClassifier("\(name).classifier", classes: classes, inputs: Auxiliary.lastChannels)
  }
}

extension StageNetworkLayout {
  /// Every tensor, in the order that initial weights rest on.
  var tensors: NetworkTensors {
    var tensors = NetworkTensors()
    tensors.add("stem.0.weight", [channels, 3, 3, 3])
    tensors.addNorm(["stem.1"], channels: channels, isAffine: true)
    var width = channels
    for (index, stage) in stages.enumerated() {
      if index > 0 {
        declareBlock(blockIndex(before: stage), inputs: width, in: &tensors)
        width *= 2
      }
      for cell in stage { cell.declareEdges(in: &tensors) }
    }
    tensors.addNorm(["lastact.0"], channels: width, isAffine: true)
    tensors.addClassifier("classifier", classes: classes, inputs: width)
    return tensors
  }

  /// Of the residual block before a stage, among the network's cells.
  func blockIndex(before stage: [CellLayout]) -> Int { (stage.first?.index ?? 1) - 1 }

  private func declareBlock(_ index: Int, inputs: Int, in tensors: inout NetworkTensors) {
    let name = "cells.\(index)"
    for (convolution, inputs, outputs) in [("conv_a", inputs, 2 * inputs), ("conv_b", 2 * inputs, 2 * inputs)] {
      tensors.add("\(name).\(convolution).op.1.weight", [outputs, inputs, 3, 3])
      tensors.addNorm(["\(name).\(convolution).op.2"], channels: outputs, isAffine: true)
    }
    tensors.add("\(name).downsample.1.weight", [2 * inputs, inputs, 1, 1])
  }
}
