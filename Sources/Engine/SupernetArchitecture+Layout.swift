import Cells

extension SupernetArchitecture {
  var networkLayout: NetworkLayout {
    var channels = channels
    let cells = (0..<layers).map { index -> CellLayout in
      let reduction = isReduction(index)
      if reduction { channels *= 2 }
      let candidates = reduction ? operations.reduce : operations.normal
      return CellLayout(
        index: index, channels: channels, isReduction: reduction, isAfterReduction: index > 0 && isReduction(index - 1),
        candidates: candidates.enumerated().map { edge, operations in
          operations.enumerated().map {
            CellLayout.Candidate(operation: $1, name: "cells.\(index)._ops.\(edge)._ops.\($0)")
          }
        }, outputs: Array(CellTopology.inputCount..<CellTopology.stateCount), hasAffineNorms: false, normalisesPools: true,
        partialChannels: variant.partialChannels, dropsSkips: variant.skipDropout,
        mergesConvolutions: variant.mergedConvolutions)
    }
    return NetworkLayout(stem: .full(channels: 3 * self.channels), imageSize: imageSize, classes: classes, cells: cells)
  }
}
