import Cells

extension StageNetworkLayout: TangentLayout {
  func lower(to tape: TangentTape) -> [TangentTensor] {
    var output = tape.stem(channels: channels, side: imageSize)
    for (index, stage) in stages.enumerated() {
      if index > 0 { output = block((stage.first?.index ?? 1) - 1, output, tape: tape) }
      for layout in stage { output = cell(layout, output, tape: tape) }
    }
    // A norm works in place, and others may still read its input.
    let copy = tape.make(TangentMixture([.init(tensor: output, mixingIndex: nil)], kind: 0, shape: output.shape, tape: tape))
    tape.normalise([copy])
    let last = tape.make(TangentScale(copy, name: "lastact.0", tape: tape))
    return [tape.make(TangentReLU(last, tape: tape))]
  }

  private func block(_ index: Int, _ input: TangentTensor, tape: TangentTape) -> TangentTensor {
    let channels = 2 * input.shape.channels
    func convolution(_ name: String, _ input: TangentTensor, stride: Int) -> TangentTensor {
      let tensor = tape.make(
        TangentConvolution.dense(
          input, name: "cells.\(index).\(name).op.1.weight", kernel: 3, stride: stride, outputChannels: channels,
          tape: tape))
      tape.normalise([tensor])
      return tape.make(TangentScale(tensor, name: "cells.\(index).\(name).op.2", tape: tape))
    }
    let first = convolution("conv_a", input, stride: 2)
    let second = convolution("conv_b", first, stride: 1)
    let shortcut = tape.make(
      TangentConvolution.meanProjection(
        input, name: "cells.\(index).downsample.1.weight", outputChannels: channels, tape: tape))
    return tape.make(
      TangentMixture(
        [.init(tensor: shortcut, mixingIndex: nil), .init(tensor: second, mixingIndex: nil)], kind: 0,
        shape: second.shape, tape: tape))
  }

  private func cell(_ cell: CellLayout, _ input: TangentTensor, tape: TangentTape) -> TangentTensor {
    var states = [input]
    let topology = cell.topology
    var terms = [[TangentMixture.Term]](repeating: [], count: topology.nodeCount)
    let offsets = cell.mixingOffsets
    for source in 0..<topology.nodeCount {
      var normalised: [TangentTensor] = []
      for (index, edge) in topology.edges.enumerated() where edge.source == source {
        for (k, candidate) in cell.candidates[index].enumerated() {
          func add(_ tensor: TangentTensor) {
            terms[edge.node].append(.init(tensor: tensor, mixingIndex: offsets[index] + k))
          }
          switch candidate.operation.form {
          case .zero: break
          case .identity: add(states[source])
          case .pool(let kind):
            add(tape.make(TangentPool(states[source], isMaximum: kind == .maximum, stride: 1, tape: tape)))
          case .dense(let kernel):
            let tensor = tape.make(
              TangentConvolution.dense(
                states[source], name: "\(candidate.name).op.1.weight", kernel: kernel,
                outputChannels: states[source].shape.channels, tape: tape))
            normalised.append(tensor)
            add(tensor)
          case .depthwise, .noise: preconditionFailure("no such operation in a cell of a stage")
          }
        }
      }
      tape.normalise(normalised)
      states.append(
        tape.make(TangentMixture(terms[source], kind: cell.kindIndex, shape: input.shape, tape: tape)))
    }
    return states[topology.nodeCount]
  }
}
