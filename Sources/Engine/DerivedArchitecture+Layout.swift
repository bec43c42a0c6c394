import Cells

extension DerivedArchitecture {
  /// Operations a path; those that drop-path may take away are numbered through the network, cell by cell.
  var networkLayout: any NetworkLayout {
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
