import Cells

extension SupernetArchitecture {
  var networkLayout: any NetworkLayout {
    switch space.macroArchitecture {
    case .reductions: chainLayout
    case .residualStages(let count): stageLayout(stages: count)
    }
  }

  /// Tensors have the names of the public search network: `cells.0.edges.1<-0.3.op.1.weight` is of candidate 3 of the edge from
  /// state 0 to state 1 of the first cell.
  private func stageLayout(stages: Int) -> StageNetworkLayout {
    let kind = operations.kinds[0]
    var result = StageNetworkLayout(
      channels: channels, imageSize: imageSize, classes: classes, stages: stages, cellsPerStage: layers / stages
    ) { index, channels in
      CellLayout(
        index: index, channels: channels, kind: kind, kindIndex: 0, isAfterReduction: false,
        candidates: zip(kind.topology.edges.enumerated(), operations.candidates[0]).map { place, operations in
          let (number, edge) = place
          let name = "cells.\(index).edges.\(edge.target)<-\(edge.source)"
          return withAuxiliarySkip(
            operations.enumerated().map {
              CellLayout.Candidate(operation: $1, name: "\(name).\($0)", path: path(cell: index, edge: number))
            }, ofEdge: name)
        }, outputs: kind.outputs, hasAffineNorms: false, normalisesPools: false)
    }
    // The blocks between stages have numbers too, and paths that nothing is on.
    if variant.dropsPaths { result.pathCount = (layers + stages - 1) * mostEdges }
    return result
  }

  /// An edge of a cell is a path, all its operations together, where edges can be dropped.
  private func path(cell: Int, edge: Int) -> Int? { variant.dropsPaths ? cell * mostEdges + edge : nil }

  /// Of a cell of any kind.
  private var mostEdges: Int { operations.kinds.map(\.topology.edges.count).max() ?? 0 }

  /// An edge's candidates with its auxiliary skip connection behind them, where the variant has it, under its public name
  /// (Meituan-AutoML/DARTS-, src/search/model_search.py, lines 17–21). It goes the way of the edge where paths are dropped (line 83).
  private func withAuxiliarySkip(_ candidates: [CellLayout.Candidate], ofEdge name: String) -> [CellLayout.Candidate] {
    guard variant.auxiliarySkip else { return candidates }
    var auxiliary = CellLayout.Candidate(operation: .skipConnect, name: "\(name).auxiliary_op", path: candidates.first?.path)
    auxiliary.isAuxiliary = true
    return candidates + [auxiliary]
  }

  private var chainLayout: CellChainLayout {
    var channels = channels
    let cells = (0..<layers).map { index -> CellLayout in
      let kind = kind(ofCell: index)
      let cell = operations.kinds[kind]
      if cell.stride == 2 { channels *= 2 }
      return CellLayout(
        index: index, channels: channels, kind: cell, kindIndex: kind,
        isAfterReduction: index == 0 ? variant.scale == .imagenet : isReduction(index - 1),
        candidates: operations.candidates[kind].enumerated().map { edge, operations in
          let name = "cells.\(index)._ops.\(edge)"
          return withAuxiliarySkip(
            operations.enumerated().map {
              CellLayout.Candidate(operation: $1, name: "\(name)._ops.\($0)", path: path(cell: index, edge: edge))
            }, ofEdge: name)
        }, outputs: cell.outputs, hasAffineNorms: false, normalisesPools: true,
        partialChannels: variant.partialChannels, dropsSkips: variant.skipDropout,
        mergesConvolutions: variant.mergedConvolutions)
    }
    let width = 3 * self.channels
    return CellChainLayout(
      stem: variant.scale == .cifar ? .full(channels: width) : .strided(channels: width), imageSize: imageSize,
      classes: classes, cells: cells, pathCount: variant.dropsPaths ? layers * mostEdges : 0)
  }
}
