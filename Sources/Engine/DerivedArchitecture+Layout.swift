import Cells

extension DerivedArchitecture {
  /// Operations a path; those that drop-path may take away are numbered through the network, cell by cell.
  var networkLayout: NetworkLayout {
    var channels = channels
    var paths = 0
    let cells = (0..<layers).map { index -> CellLayout in
      let reduction = isReduction(index)
      if reduction { channels *= 2 }
      let edges = reduction ? genotype.reduce : genotype.normal
      var candidates = [[CellLayout.Candidate]](repeating: [], count: CellTopology.edges.count)
      for (k, edge) in edges.enumerated() {
        // An identity is never dropped (the public networks' convention).
        let isIdentity = edge.operation == .skipConnect && !(reduction && edge.source < CellTopology.inputCount)
        candidates[CellTopology.edgesInto(node: k / Genotype.edgesPerNode).lowerBound + edge.source].append(
          CellLayout.Candidate(
            operation: edge.operation, name: "cells.\(index)._ops.\(k)", path: isIdentity ? nil : paths + k))
      }
      paths += edges.count
      return CellLayout(
        index: index, channels: channels, isReduction: reduction,
        isAfterReduction: index == 0 ? scale == .imagenet : isReduction(index - 1), candidates: candidates,
        outputs: reduction ? genotype.reduceConcat : genotype.normalConcat, hasAffineNorms: true, normalisesPools: false)
    }
    return NetworkLayout(
      stem: scale == .cifar ? .full(channels: 3 * self.channels) : .strided(channels: self.channels),
      imageSize: imageSize, classes: classes, cells: cells,
      auxiliary: hasAuxiliaryHead
        ? .init(cell: 2 * layers / 3, stride: scale == .cifar ? 3 : 2, normalisesLast: scale == .cifar) : nil,
      pathCount: paths)
  }
}
