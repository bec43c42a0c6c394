import Cells

extension DerivedArchitecture {
  var networkLayout: any NetworkLayout {
    switch genotype.macroArchitecture {
    case .reductions: chainLayout
    case .residualStages(let count): stageLayout(stages: count)
    }
  }

  /// Tensors have the names of the public networks: `cells.0.layers.4.op.1.weight` is of the fifth edge of the first cell.
  private func stageLayout(stages: Int) -> StageNetworkLayout {
    let cell = genotype.cells[0]
    return StageNetworkLayout(
      channels: channels, imageSize: imageSize, classes: classes, stages: stages, cellsPerStage: layers / stages
    ) { index, channels in
      CellLayout(
        index: index, channels: channels, kind: cell.kind, kindIndex: 0, isAfterReduction: false,
        candidates: cell.edges.enumerated().map {
          [CellLayout.Candidate(operation: $1.operation, name: "cells.\(index).layers.\($0)")]
        }, outputs: cell.concat, hasAffineNorms: true, normalisesPools: false)
    }
  }

  /// Operations a path; those that drop-path may take away are numbered through the network, cell by cell.
  private var chainLayout: CellChainLayout {
    var channels = channels
    var paths = 0
    let cells = (0..<layers).map { index -> CellLayout in
      let kind = isReduction(index) ? 1 : 0
      let cell = genotype.cells[kind]
      let (edges, topology) = (cell.edges, cell.kind.topology)
      if cell.kind.stride == 2 { channels *= 2 }
      var candidates = [[CellLayout.Candidate]](repeating: [], count: topology.edges.count)
      for (k, (edge, row)) in zip(edges, cell.rows).enumerated() {
        // An identity is never dropped (the public networks' convention).
        let isStrided = cell.kind.stride == 2 && edge.source < topology.inputCount
        let isIdentity = edge.operation.form == .identity && !isStrided
        candidates[row].append(
          CellLayout.Candidate(
            operation: edge.operation, name: "cells.\(index)._ops.\(k)", path: isIdentity ? nil : paths + k))
      }
      paths += edges.count
      return CellLayout(
        index: index, channels: channels, kind: cell.kind, kindIndex: kind,
        isAfterReduction: index == 0 ? scale == .imagenet : isReduction(index - 1), candidates: candidates,
        outputs: cell.concat, hasAffineNorms: true, normalisesPools: false)
    }
    return CellChainLayout(
      stem: scale == .cifar ? .full(channels: 3 * self.channels) : .strided(channels: self.channels),
      imageSize: imageSize, classes: classes, cells: cells,
      auxiliary: hasAuxiliaryHead
        ? .init(cell: 2 * layers / 3, stride: scale == .cifar ? 3 : 2, normalisesLast: scale == .cifar) : nil,
      pathCount: paths)
  }
}
