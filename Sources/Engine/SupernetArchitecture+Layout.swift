import Cells

extension SupernetArchitecture {
  var networkLayout: any NetworkLayout {
    var channels = channels
    let cells = (0..<layers).map { index -> CellLayout in
      let kind = kind(ofCell: index)
      let cell = operations.kinds[kind]
      if cell.stride == 2 { channels *= 2 }
      return CellLayout(
        index: index, channels: channels, kind: cell, kindIndex: kind,
        isAfterReduction: index > 0 && isReduction(index - 1),
        candidates: operations.candidates[kind].enumerated().map { edge, operations in
          operations.enumerated().map {
            CellLayout.Candidate(operation: $1, name: "cells.\(index)._ops.\(edge)._ops.\($0)")
          }
        }, outputs: cell.outputs, hasAffineNorms: false, normalisesPools: true,
        partialChannels: variant.partialChannels, dropsSkips: variant.skipDropout,
        mergesConvolutions: variant.mergedConvolutions)
    }
    return CellChainLayout(stem: .full(channels: 3 * self.channels), imageSize: imageSize, classes: classes, cells: cells)
  }
}
