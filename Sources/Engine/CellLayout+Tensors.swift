import Cells
import Compute

extension CellLayout {
  /// Channels that operations see.
  var partChannels: Int { channels / partialChannels }

  /// Declares the tensors of the cell, whose farther and nearer input have so many channels.
  func declare(in tensors: inout NetworkTensors, inputs: (farther: Int, nearer: Int)) {
    declareProjection(0, inputs.farther, isReduction: isAfterReduction, in: &tensors)
    declareProjection(1, inputs.nearer, isReduction: false, in: &tensors)
    declareEdges(in: &tensors)
  }

  /// Declares the tensors of the edges alone, without those of auxiliary skip connections.
  func declareEdges(in tensors: inout NetworkTensors) {
    if isGrouped { declareGroupedConvolutions(in: &tensors) }
    declarePools(in: &tensors)
    for (edge, topologyEdge) in topology.edges.enumerated() {
      let stride = stride(from: topologyEdge.source)
      let merged = isGrouped ? [] : mergedCandidates(of: edge)
      for (k, candidate) in candidates[edge].enumerated() where !candidate.isAuxiliary {
        if merged.contains(k) {
          guard k == merged.first else { continue }
          declareMerged(candidate.name, merged.map { candidates[edge][$0].operation }, in: &tensors)
        } else {
          declare(candidate, stride: stride, in: &tensors)
        }
      }
    }
  }

  /// Declares the tensors of auxiliary skip connections: after all others of the network, which then start from the same values
  /// as without them.
  func declareAuxiliarySkips(in tensors: inout NetworkTensors) {
    for (edge, candidates) in zip(topology.edges, candidates) {
      for candidate in candidates where candidate.isAuxiliary {
        declare(candidate, stride: stride(from: edge.source), in: &tensors)
      }
    }
  }

  private func declareProjection(_ input: Int, _ inputs: Int, isReduction: Bool, in tensors: inout NetworkTensors) {
    let name = "cells.\(index).preprocess\(input)"
    guard !isReduction else {
      return tensors.addFactorisedReduction(name, outputs: channels, inputs: inputs, isAffine: hasAffineNorms)
    }
    tensors.add("\(name).op.1.weight", [channels, inputs, 1, 1])
    tensors.addNorm(["\(name).op.2"], channels: channels, isAffine: hasAffineNorms)
  }

  private func declare(_ candidate: Candidate, stride: Int, in tensors: inout NetworkTensors) {
    let (name, channels) = (candidate.name, partChannels)
    switch candidate.operation.form {
    case .zero, .noise, .pool: break
    case .identity:
      guard stride == 2 else { return }
      tensors.addFactorisedReduction(name, outputs: channels, inputs: channels, isAffine: hasAffineNorms)
    case .dense(let kernel):
      tensors.add("\(name).op.1.weight", [channels, channels, kernel, kernel])
      tensors.addNorm(["\(name).op.2"], channels: channels, isAffine: hasAffineNorms)
    case .depthwise(let kernel, _, let times):
      guard !isGrouped else { return }
      for time in 0..<min(times, 2) {
        let first = 1 + 4 * time
        declareConvolution("\(name).op", first, kernel: kernel, in: &tensors)
        tensors.addNorm(["\(name).op.\(first + 2)"], channels: channels, isAffine: hasAffineNorms)
      }
    }
  }

  /// Depthwise and pointwise weights; `first` is the depthwise ones' place in the public module.
  private func declareConvolution(_ name: String, _ first: Int, kernel: Int, in tensors: inout NetworkTensors) {
    tensors.add("\(name).\(first).weight", [partChannels, 1, kernel, kernel], groups: partChannels)
    tensors.add("\(name).\(first + 1).weight", [partChannels, partChannels, 1, 1])
  }

  /// The shared kernel of merged convolutions, which the public code draws from N(0, 2 / taps).
  private func declareMerged(_ name: String, _ operations: [CellOperation], in tensors: inout NetworkTensors) {
    let side = MergedKernel(operations.compactMap { $0.depthwise.map { ($0.kernel, $0.dilation) } }).side
    tensors.add(
      "\(name).depth_weight1", [partChannels, 1, side, side],
      start: .normal(deviation: (2 / Double(side * side)).squareRoot()), groups: partChannels)
    tensors.add("\(name).point_conv1.weight", [partChannels, partChannels, 1, 1])
    tensors.addNorm(["\(name).bn1"], channels: partChannels, isAffine: false)
  }

  /// Edges that leave one state have the same pools of it, so they share batch norms too: each has the names of all of them.
  private func declarePools(in tensors: inout NetworkTensors) {
    guard normalisesPools else { return }
    for source in 0..<topology.stateCount {
      for pool in [CellOperation.Pool.maximum, .average] {
        let names = poolNormNames(pool, of: source)
        if !names.isEmpty { tensors.addNorm(names, channels: partChannels, isAffine: false) }
      }
    }
  }

  /// Public names of the batch norm after a pool of a state; none where no edge has the pool.
  func poolNormNames(_ pool: CellOperation.Pool, of source: Int) -> [String] {
    topology.edges.indices.filter { topology.edges[$0].source == source }.flatMap { edge in
      candidates[edge].filter { $0.operation.form == .pool(pool) }.map { "\($0.name).1" }
    }
  }
}

/// Cells whose operations see few channels. Convolutions of edges that leave one state come in groups there and before all
/// else: the order in which the first engine reserved them, which seeds of published runs rest on.
extension CellLayout {
  /// Edges of a group.
  var groupSize: Int { min(topology.nodeCount, Lanes.count / partChannels) }

  /// Whether convolutions come in groups.
  var isGrouped: Bool { partialChannels > 1 && groupSize > 1 }

  private func declareGroupedConvolutions(in tensors: inout NetworkTensors) {
    for source in 0..<topology.stateCount - 1 {
      let leaving = topology.edges(leaving: source)
      for start in Swift.stride(from: 0, to: leaving.count, by: groupSize) {
        let edges = leaving[start..<min(start + groupSize, leaving.count)]
        for operation in CellOperation.allCases {
          guard let (kernel, _, times) = operation.depthwise else { continue }
          let names = edges.compactMap { edge in candidates[edge].first { $0.operation == operation }?.name }
          for time in 0..<min(times, 2) {
            let first = 1 + 4 * time
            for name in names { declareConvolution("\(name).op", first, kernel: kernel, in: &tensors) }
            for name in names {
              tensors.addNorm(["\(name).op.\(first + 2)"], channels: partChannels, isAffine: false)
            }
          }
        }
      }
    }
  }
}
