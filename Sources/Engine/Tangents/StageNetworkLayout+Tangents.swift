import Cells

extension StageNetworkLayout {
  func lower(to tape: TangentTape) -> [TangentTensor] {
    var output = tape.stem(channels: channels, side: imageSize)
    for (index, stage) in stages.enumerated() {
      if index > 0 { output = block((stage.first?.index ?? 1) - 1, output, tape: tape) }
      for layout in stage { output = cell(layout, output, tape: tape) }
    }
    // A norm works in place, and others may still read its input.
    let copy = tape.make(TangentMixture([.init(tensor: output, mixingIndex: nil)], kind: 0, shape: output.shape, tape: tape))
    let last = tape.normalise([(copy, "lastact.0")], isAffine: true)[0]
    return [tape.make(TangentReLU(last, tape: tape))]
  }

  private func block(_ index: Int, _ input: TangentTensor, tape: TangentTape) -> TangentTensor {
    let channels = 2 * input.shape.channels
    func convolution(_ name: String, _ input: TangentTensor, stride: Int) -> TangentTensor {
      tape.convolution(
        input, name: "cells.\(index).\(name).op.1.weight", norm: "cells.\(index).\(name).op.2", stride: stride,
        channels: channels)
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
      // What the edges that leave the state add to nodes, in order.
      var leaving: [(tensor: TangentTensor, norm: String?)] = []
      var places: [(node: Int, mixingIndex: Int)] = []
      for (index, edge) in topology.edges.enumerated() where edge.source == source {
        for (k, candidate) in cell.candidates[index].enumerated() {
          func add(_ tensor: TangentTensor, norm: String? = nil) {
            leaving.append((tensor, norm))
            places.append((edge.node, offsets[index] + k))
          }
          switch candidate.operation.form {
          case .zero: break
          case .identity: add(states[source])
          case .pool(let kind):
            add(tape.make(TangentPool(states[source], isMaximum: kind == .maximum, stride: 1, tape: tape)))
          case .dense(let kernel):
            add(
              tape.make(
                TangentConvolution.dense(
                  states[source], name: "\(candidate.name).op.1.weight", kernel: kernel,
                  outputChannels: states[source].shape.channels, tape: tape)), norm: "\(candidate.name).op.2")
          case .depthwise, .noise: preconditionFailure("no such operation in a cell of a stage")
          }
        }
      }
      for (place, tensor) in zip(places, tape.normalise(leaving, isAffine: cell.hasAffineNorms)) {
        terms[place.node].append(.init(tensor: tensor, mixingIndex: place.mixingIndex))
      }
      states.append(
        tape.make(TangentMixture(terms[source], kind: cell.kindIndex, shape: input.shape, tape: tape)))
    }
    return states[topology.nodeCount]
  }
}
