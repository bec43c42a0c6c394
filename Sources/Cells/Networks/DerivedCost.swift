/// Size of a derived network, as papers report it.
public struct DerivedCost: Equatable, Sendable {
  /// Weights without the auxiliary head: convolutions, scale and shift of batch norms, the classifier with its bias.
  public private(set) var parameters = 0
  /// Weights of the auxiliary head; 0 without one.
  public private(set) var auxiliaryParameters = 0
  /// Multiply-adds of convolutions and classifier on one image, without the auxiliary head, which only training has.
  public private(set) var multiplyAdds = 0
  /// What the tool ptflops calls multiply-adds: those, two for each value that a batch norm with scale and shift reads, one
  /// for each that a ReLU writes, one for each that a pool reads (the global one too), one for each bias of the classifier
  /// (ptflops/pytorch_ops.py, lines 30–92, of its commit d612c75). The tables of P-DARTS and PC-DARTS have these.
  public private(set) var ptflopsMultiplyAdds = 0

  /// A batch norm with scale and shift, of features with so many pixels a side.
  mutating func norm(_ channels: Int, side: Int) {
    parameters += 2 * channels
    ptflopsMultiplyAdds += 2 * channels * side * side
  }

  mutating func rectifier(_ channels: Int, side: Int) { ptflopsMultiplyAdds += channels * side * side }

  /// - Parameter side: of what the pool reads.
  mutating func pool(_ channels: Int, side: Int) { ptflopsMultiplyAdds += channels * side * side }

  /// A convolution without bias, `inputs` being those that reach one output channel, and the norm behind it.
  ///
  /// - Parameter side: of what it writes.
  mutating func convolution(_ inputs: Int, _ outputs: Int, kernel: Int = 1, side: Int, hasNorm: Bool = true) {
    let weights = inputs * outputs * kernel * kernel
    parameters += weights
    multiplyAdds += weights * side * side
    ptflopsMultiplyAdds += weights * side * side
    if hasNorm { norm(outputs, side: side) }
  }

  mutating func classifier(_ inputs: Int, _ classes: Int, countsBias: Bool = false) {
    parameters += (inputs + 1) * classes
    multiplyAdds += (inputs + (countsBias ? 1 : 0)) * classes
    ptflopsMultiplyAdds += (inputs + 1) * classes
  }

  /// - Parameter side: of what the operation writes; half of what it reads where it is strided.
  mutating func operation(_ operation: CellOperation, _ channels: Int, side: Int, isStrided: Bool) {
    let source = isStrided ? 2 * side : side
    switch operation.form {
    case .zero, .noise: break
    case .pool: pool(channels, side: source)
    // Two convolutions of half the outputs cost what one of all does.
    case .identity:
      guard isStrided else { break }
      rectifier(channels, side: source)
      convolution(channels, channels, side: side)
    case .dense(let kernel):
      rectifier(channels, side: source)
      convolution(channels, channels, kernel: kernel, side: side)
    case .depthwise(let kernel, _, let times):
      for index in 0..<times {
        rectifier(channels, side: index == 0 ? source : side)
        convolution(1, channels, kernel: kernel, side: side, hasNorm: false)
        convolution(channels, channels, side: side)
      }
    }
  }

  mutating func auxiliaryHead(_ channels: Int, classes: Int, normalisesLast: Bool) {
    var head = DerivedCost()
    head.convolution(channels, 128, side: 1)
    head.convolution(128, 768, kernel: 2, side: 1, hasNorm: normalisesLast)
    head.classifier(768, classes)
    auxiliaryParameters = head.parameters
  }
}
