/// What a derived network costs.
extension DerivedArchitecture {
  /// Counted from the architecture alone: nothing is laid out for it.
  public var cost: DerivedCost {
    switch genotype.macroArchitecture {
    case .reductions: chainCost
    case .residualStages(let count): stageCost(stages: count)
    }
  }

  /// Of stages of cells with residual blocks between them. As the public counts have it, an edge that nothing reads counts, and
  /// so do biases among the multiply-adds of the classifier (Dong and Yang, NAS-Bench-201, ICLR 2020).
  private func stageCost(stages: Int) -> DerivedCost {
    var cost = DerivedCost()
    var state = State(channels: channels, side: imageSize)
    cost.convolution(3, state.channels, kernel: 3, side: state.side)
    for stage in 0..<stages {
      if stage > 0 {
        // The residual block: ReLU, convolution and norm twice, beside a mean pool and a convolution.
        cost.rectifier(state.channels, side: state.side)
        cost.pool(state.channels, side: state.side)
        state = State(channels: 2 * state.channels, side: state.side / 2)
        cost.convolution(state.channels / 2, state.channels, kernel: 3, side: state.side)
        cost.rectifier(state.channels, side: state.side)
        cost.convolution(state.channels, state.channels, kernel: 3, side: state.side)
        cost.convolution(state.channels / 2, state.channels, side: state.side, hasNorm: false)
      }
      for _ in 0..<layers / stages {
        for edge in genotype.cells[0].edges {
          cost.operation(edge.operation, state.channels, side: state.side, isStrided: false)
        }
      }
    }
    cost.norm(state.channels, side: state.side)
    cost.rectifier(state.channels, side: state.side)
    cost.pool(state.channels, side: state.side)
    cost.classifier(state.channels, classes, countsBias: true)
    return cost
  }

  private var chainCost: DerivedCost {
    var cost = DerivedCost()
    var (older, newer): (State, State)
    switch scale {
    case .cifar:
      cost.convolution(3, 3 * channels, kernel: 3, side: imageSize)
      older = State(channels: 3 * channels, side: imageSize)
      newer = older
    case .imagenet:
      cost.convolution(3, channels / 2, kernel: 3, side: imageSize / 2)
      cost.rectifier(channels / 2, side: imageSize / 2)
      cost.convolution(channels / 2, channels, kernel: 3, side: imageSize / 4)
      cost.rectifier(channels, side: imageSize / 4)
      cost.convolution(channels, channels, kernel: 3, side: imageSize / 8)
      older = State(channels: channels, side: imageSize / 4)
      newer = State(channels: channels, side: imageSize / 8)
    }
    var channels = channels
    for index in 0..<layers {
      let isReduction = isReduction(index)
      if isReduction { channels *= 2 }
      // Both inputs are brought to the newer one's resolution, by a factorised reduction where they differ.
      cost.rectifier(older.channels, side: older.side)
      cost.convolution(older.channels, channels, side: newer.side)
      cost.rectifier(newer.channels, side: newer.side)
      cost.convolution(newer.channels, channels, side: newer.side)
      let side = isReduction ? newer.side / 2 : newer.side
      let cell = genotype.cells[isReduction ? 1 : 0]
      for edge in cell.edges {
        cost.operation(
          edge.operation, channels, side: side,
          isStrided: cell.kind.stride == 2 && edge.source < cell.kind.topology.inputCount)
      }
      let concatenated = cell.concat.count
      (older, newer) = (newer, State(channels: concatenated * channels, side: side))
      if hasAuxiliaryHead, index == 2 * layers / 3 {
        cost.auxiliaryHead(newer.channels, classes: classes, normalisesLast: scale == .cifar)
      }
    }
    cost.pool(newer.channels, side: newer.side)
    cost.classifier(newer.channels, classes)
    return cost
  }

  private struct State {
    var channels: Int
    var side: Int
  }
}
