import Cells

extension CellChainLayout {
  func lower(to tape: TangentTape) -> [TangentTensor] {
    var inputs: ([TangentTensor], [TangentTensor])
    switch stem {
    case .full(let channels):
      let stem = tape.stem(channels: channels, side: imageSize)
      inputs = ([stem], [stem])
    case .strided(let channels):
      let (farther, nearer) = tape.stridedStem(channels: channels, side: imageSize)
      inputs = ([farther], [nearer])
    }
    // An auxiliary head has no part in the loss.
    for cell in cells {
      let lowering = TangentCell(cell, inputs: inputs, pad: padding, tape: tape)
      inputs = (inputs.1, lowering.outputs)
    }
    return inputs.1
  }
}

/// The operations of one cell of a chain.
private struct TangentCell {
  private(set) var outputs: [TangentTensor] = []
  private let cell: CellLayout
  private let pad: Int
  private let tape: TangentTape
  /// Where the mixing weights of an edge begin.
  private let offsets: [Int]

  init(_ cell: CellLayout, inputs: ([TangentTensor], [TangentTensor]), pad: Int, tape: TangentTape) {
    self.cell = cell
    self.pad = pad
    self.tape = tape
    offsets = cell.mixingOffsets
    let name = "cells.\(cell.index)"
    var states = tape.normalise(
      [
        cell.isAfterReduction
          ? (
            tape.make(
              TangentConvolution.factorised(
                inputs.0, name: "\(name).preprocess0", outputChannels: cell.channels, tape: tape)),
            "\(name).preprocess0.bn"
          )
          : (
            tape.make(
              TangentConvolution.projection(
                inputs.0, name: "\(name).preprocess0.op.1.weight", outputChannels: cell.channels, tape: tape)),
            "\(name).preprocess0.op.2"
          ),
        (
          tape.make(
            TangentConvolution.projection(
              inputs.1, name: "\(name).preprocess1.op.1.weight", outputChannels: cell.channels, tape: tape)),
          "\(name).preprocess1.op.2"
        ),
      ], isAffine: cell.hasAffineNorms)
    let topology = cell.topology
    // What each node adds up, and what bypasses the operations into it.
    var terms = [[TangentMixture.Term]](repeating: [], count: topology.nodeCount)
    var bypasses = terms
    for state in 0..<topology.inputCount + topology.nodeCount - 1 {
      if state >= topology.inputCount { states.append(node(state - topology.inputCount, terms, bypasses, states)) }
      lower(edgesFrom: state, states[state], into: &terms, &bypasses)
    }
    states.append(node(topology.nodeCount - 1, terms, bypasses, states))
    outputs = cell.outputs.map { states[$0] }
  }

  private func node(
    _ node: Int, _ terms: [[TangentMixture.Term]], _ bypasses: [[TangentMixture.Term]], _ states: [TangentTensor]
  ) -> TangentTensor {
    let (channels, ways) = (cell.channels, cell.partialChannels)
    let input = states[0].shape
    let whole = cell.isReduction ? input.halved() : input
    func mixture(_ terms: [TangentMixture.Term], channels: Int) -> TangentTensor {
      tape.make(
        TangentMixture(
          terms, kind: cell.kindIndex, shape: PlaneShape(channels: channels, height: whole.height, width: whole.width),
          tape: tape))
    }
    guard ways > 1 else { return mixture(terms[node], channels: channels) }
    let part = channels / ways
    let parts = [mixture(terms[node], channels: part), mixture(bypasses[node], channels: channels - part)]
    // Channel g·C/K + i of what the public code concatenates goes to i·K + g.
    return tape.make(
      TangentChannels(
        parts,
        origins: (0..<channels).map { channel in
          let before = channel % ways * part + channel / ways
          return before < part ? (0, before) : (1, before - part)
        }, tape: tape))
  }

  /// What edges from a state add to their nodes. Convolutions of the same depth wait for the batch together.
  private func lower(
    edgesFrom source: Int, _ state: TangentTensor, into terms: inout [[TangentMixture.Term]],
    _ bypasses: inout [[TangentMixture.Term]]
  ) {
    let (channels, ways) = (cell.channels, cell.partialChannels)
    let stride = cell.stride(from: source)
    let seen = ways > 1 ? tape.make(TangentChannels(0..<channels / ways, of: state, tape: tape)) : state
    var rest: TangentTensor?
    if ways > 1 {
      let others = tape.make(TangentChannels(channels / ways..<channels, of: state, tape: tape))
      rest = stride == 2 ? tape.make(TangentHalving(others, tape: tape)) : others
    }
    // What the edges that leave the state add to nodes, in order; of separable convolutions the first half, which goes on.
    var leaving: [(tensor: TangentTensor, norm: String?)] = []
    var places: [Place] = []
    for (index, edge) in cell.topology.edges.enumerated() where edge.source == source {
      if let rest { bypasses[edge.node].append(.init(tensor: rest, mixingIndex: cell.mixingCount + index)) }
      let merged = cell.mergedCandidates(of: index)
      if !merged.isEmpty {
        leaving.append(
          (merge(merged, of: index, seen, stride: stride), "\(cell.candidates[index][merged[0]].name).bn1"))
        places.append(Place(node: edge.node, mixingIndex: nil))
      }
      let stream = cell.stream(ofEdge: index)
      for (k, candidate) in cell.candidates[index].enumerated() where !merged.contains(k) {
        let place = offsets[index] + k
        func add(_ tensor: TangentTensor, norm: String? = nil, half: CellLayout.Candidate? = nil) {
          leaving.append((tensor, norm))
          places.append(Place(node: edge.node, mixingIndex: place, half: half))
        }
        switch candidate.operation.form {
        case .zero: break
        case .identity where stride == 1:
          add(cell.dropsValues(candidate) ? tape.make(TangentDropout(seen, stream: stream, tape: tape)) : seen)
        case .identity:
          add(
            tape.make(
              TangentConvolution.factorised(
                [seen], name: candidate.name, outputChannels: seen.shape.channels, tape: tape)),
            norm: "\(candidate.name).bn")
        case .noise:
          add(tape.make(TangentNoise(stride == 2 ? seen.shape.halved() : seen.shape, stream: stream, tape: tape)))
        case .pool(let kind):
          add(
            tape.make(TangentPool(seen, isMaximum: kind == .maximum, stride: stride, tape: tape)),
            norm: cell.normalisesPools ? "\(candidate.name).1" : nil)
        case .depthwise(let kernel, let dilation, let times):
          add(
            convolution(candidate, 1, seen, kernel: kernel, dilation: dilation, stride: stride),
            norm: "\(candidate.name).op.3", half: times == 1 ? nil : candidate)
        case .dense: preconditionFailure("no dense convolution in a cell of a chain")
        }
      }
    }
    let first = Array(zip(places, tape.normalise(leaving, isAffine: cell.hasAffineNorms)))
    for (place, tensor) in first where place.half == nil { terms[place.node].append(place.term(tensor)) }
    var seconds: [(place: Place, tensor: TangentTensor, norm: String?)] = []
    for (place, tensor) in first {
      guard let half = place.half, let shape = half.operation.depthwise else { continue }
      seconds.append(
        (
          place, convolution(half, 5, tensor, kernel: shape.kernel, dilation: shape.dilation, stride: 1),
          "\(half.name).op.7"
        ))
    }
    let normalised = tape.normalise(seconds.map { ($0.tensor, $0.norm) }, isAffine: cell.hasAffineNorms)
    for (second, tensor) in zip(seconds, normalised) { terms[second.place.node].append(second.place.term(tensor)) }
  }

  /// Where a tensor is added.
  private struct Place {
    let node: Int
    /// Nil where its weight is 1.
    let mixingIndex: Int?
    /// The separable convolution that it is the first half of.
    var half: CellLayout.Candidate?

    func term(_ tensor: TangentTensor) -> TangentMixture.Term { .init(tensor: tensor, mixingIndex: mixingIndex) }
  }

  /// - Parameter first: the place of the depthwise convolution in the public module.
  private func convolution(
    _ candidate: CellLayout.Candidate, _ first: Int, _ input: TangentTensor, kernel: Int, dilation: Int, stride: Int
  ) -> TangentTensor {
    tape.make(
      TangentSeparable(
        input, depthwiseName: "\(candidate.name).op.\(first).weight",
        pointwiseName: "\(candidate.name).op.\(first + 1).weight", kernel: kernel, dilation: dilation, stride: stride,
        pad: pad, tape: tape))
  }

  private func merge(_ candidates: [Int], of edge: Int, _ input: TangentTensor, stride: Int) -> TangentTensor {
    let own = cell.candidates[edge]
    let kernel = MergedKernel(candidates.compactMap { own[$0].operation.depthwise.map { ($0.kernel, $0.dilation) } })
    let name = own[candidates[0]].name
    return tape.make(
      TangentSeparable(
        input, depthwiseName: "\(name).depth_weight1", pointwiseName: "\(name).point_conv1.weight", kernel: kernel.side,
        dilation: 1, stride: stride,
        merging: TangentMergedKernel(
          kernel, kind: cell.kindIndex, mixingIndices: candidates.map { offsets[edge] + $0 },
          channels: input.shape.channels, tape: tape), pad: pad, tape: tape))
  }
}
