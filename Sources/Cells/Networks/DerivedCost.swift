/// Size of a derived network, as papers report it.
public struct DerivedCost: Equatable, Sendable {
  /// Weights without the auxiliary head: convolutions, scale and shift of batch norms, the classifier with its bias.
  public private(set) var parameters = 0
  /// Weights of the auxiliary head; 0 without one.
  public private(set) var auxiliaryParameters = 0
  /// Multiply-adds of convolutions and classifier on one image, without the auxiliary head, which only training has.
  public private(set) var multiplyAdds = 0

  fileprivate mutating func norm(_ channels: Int) { parameters += 2 * channels }

  /// A convolution without bias, `inputs` being those that reach one output channel, and the norm behind it.
  fileprivate mutating func convolution(_ inputs: Int, _ outputs: Int, kernel: Int = 1, side: Int, hasNorm: Bool = true) {
    parameters += inputs * outputs * kernel * kernel
    multiplyAdds += inputs * outputs * kernel * kernel * side * side
    if hasNorm { norm(outputs) }
  }

  fileprivate mutating func classifier(_ inputs: Int, _ classes: Int) {
    parameters += (inputs + 1) * classes
    multiplyAdds += inputs * classes
  }

  fileprivate mutating func operation(_ operation: CellOperation, _ channels: Int, side: Int, isStrided: Bool) {
    switch operation.form {
    case .zero, .pool, .noise: break
    // Two convolutions of half the outputs cost what one of all does.
    case .identity: if isStrided { convolution(channels, channels, side: side) }
    case .dense(let kernel): convolution(channels, channels, kernel: kernel, side: side)
    case .depthwise(let kernel, _, let times):
      for _ in 0..<times {
        convolution(1, channels, kernel: kernel, side: side, hasNorm: false)
        convolution(channels, channels, side: side)
      }
    }
  }

  fileprivate mutating func auxiliaryHead(_ channels: Int, classes: Int, normalisesLast: Bool) {
    var head = DerivedCost()
    head.convolution(channels, 128, side: 1)
    head.convolution(128, 768, kernel: 2, side: 1, hasNorm: normalisesLast)
    head.classifier(768, classes)
    auxiliaryParameters = head.parameters
  }
}

extension DerivedArchitecture {
  /// Counted from the architecture alone: nothing is laid out for it.
  public var cost: DerivedCost {
    var cost = DerivedCost()
    var (older, newer): (State, State)
    switch scale {
    case .cifar:
      cost.convolution(3, 3 * channels, kernel: 3, side: imageSize)
      older = State(channels: 3 * channels, side: imageSize)
      newer = older
    case .imagenet:
      cost.convolution(3, channels / 2, kernel: 3, side: imageSize / 2)
      cost.convolution(channels / 2, channels, kernel: 3, side: imageSize / 4)
      cost.convolution(channels, channels, kernel: 3, side: imageSize / 8)
      older = State(channels: channels, side: imageSize / 4)
      newer = State(channels: channels, side: imageSize / 8)
    }
    var channels = channels
    for index in 0..<layers {
      let isReduction = isReduction(index)
      if isReduction { channels *= 2 }
      // Both inputs are brought to the newer one's resolution, by a factorised reduction where they differ.
      cost.convolution(older.channels, channels, side: newer.side)
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
    cost.classifier(newer.channels, classes)
    return cost
  }

  private struct State {
    var channels: Int
    var side: Int
  }
}
