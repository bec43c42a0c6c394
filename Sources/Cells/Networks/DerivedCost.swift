/// Size of a derived network, as papers report it.
public struct DerivedCost: Equatable, Sendable {
  /// Weights without the auxiliary head: convolutions, scale and shift of batch norms, the classifier with its bias.
  public private(set) var parameters = 0
  /// Weights of the auxiliary head; 0 without one.
  public private(set) var auxiliaryParameters = 0
  /// Multiply-adds of convolutions and classifier on one image, without the auxiliary head, which only training has.
  public private(set) var multiplyAdds = 0

  mutating func norm(_ channels: Int) { parameters += 2 * channels }

  /// A convolution without bias, `inputs` being those that reach one output channel, and the norm behind it.
  mutating func convolution(_ inputs: Int, _ outputs: Int, kernel: Int = 1, side: Int, hasNorm: Bool = true) {
    parameters += inputs * outputs * kernel * kernel
    multiplyAdds += inputs * outputs * kernel * kernel * side * side
    if hasNorm { norm(outputs) }
  }

  mutating func classifier(_ inputs: Int, _ classes: Int, countsBias: Bool = false) {
    parameters += (inputs + 1) * classes
    multiplyAdds += (inputs + (countsBias ? 1 : 0)) * classes
  }

  mutating func operation(_ operation: CellOperation, _ channels: Int, side: Int, isStrided: Bool) {
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

  mutating func auxiliaryHead(_ channels: Int, classes: Int, normalisesLast: Bool) {
    var head = DerivedCost()
    head.convolution(channels, 128, side: 1)
    head.convolution(128, 768, kernel: 2, side: 1, hasNorm: normalisesLast)
    head.classifier(768, classes)
    auxiliaryParameters = head.parameters
  }
}
