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
    return StageNetworkLayout(
      channels: channels, imageSize: imageSize, classes: classes, stages: stages, cellsPerStage: layers / stages
    ) { index, channels in
      CellLayout(
        index: index, channels: channels, kind: kind, kindIndex: 0, isAfterReduction: false,
        candidates: zip(kind.topology.edges, operations.candidates[0]).map { edge, operations in
          operations.enumerated().map {
            CellLayout.Candidate(
              operation: $1, name: "cells.\(index).edges.\(edge.target)<-\(edge.source).\($0)")
          }
        }, outputs: kind.outputs, hasAffineNorms: false, normalisesPools: false)
    }
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
          operations.enumerated().map {
            CellLayout.Candidate(operation: $1, name: "cells.\(index)._ops.\(edge)._ops.\($0)")
          }
        }, outputs: cell.outputs, hasAffineNorms: false, normalisesPools: true,
        partialChannels: variant.partialChannels, dropsSkips: variant.skipDropout,
        mergesConvolutions: variant.mergedConvolutions)
    }
    let width = 3 * self.channels
    return CellChainLayout(
      stem: variant.scale == .cifar ? .full(channels: width) : .strided(channels: width), imageSize: imageSize,
      classes: classes, cells: cells)
  }
}
