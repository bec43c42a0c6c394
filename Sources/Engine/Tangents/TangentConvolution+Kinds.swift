extension TangentConvolution {
  /// Taps of a dense k×k with as much padding as keeps the extent, row-major.
  static func square(_ kernel: Int) -> [Tap] {
    let reach = kernel / 2
    return (-reach...reach).flatMap { row in (-reach...reach).map { Tap(row: row, column: $0) } }
  }

  /// ReLU – 1×1 convolution.
  static func projection(_ inputs: [TangentTensor], name: String, outputChannels: Int, tape: TangentTape)
    -> TangentConvolution
  {
    TangentConvolution(
      inputs, taps: square(1), stride: 1, rectifies: true, outputChannels: outputChannels,
      weights: [Weight(name: name, outputs: 0..<outputChannels, firstTap: 0)], tape: tape)
  }

  /// ReLU, two 1×1 convolutions of stride 2 on grids one pixel apart.
  static func factorised(_ inputs: [TangentTensor], name: String, outputChannels: Int, tape: TangentTape)
    -> TangentConvolution
  {
    let half = outputChannels / 2
    return TangentConvolution(
      inputs, taps: [Tap(row: 0, column: 0), Tap(row: 1, column: 1)], stride: 2, rectifies: true,
      outputChannels: outputChannels,
      weights: [
        Weight(name: "\(name).conv_1.weight", outputs: 0..<half, firstTap: 0),
        Weight(name: "\(name).conv_2.weight", outputs: half..<outputChannels, firstTap: 1),
      ], tape: tape)
  }

  /// A dense k×k convolution, after a ReLU or not.
  static func dense(
    _ input: TangentTensor, name: String, kernel: Int, stride: Int = 1, outputChannels: Int, rectifies: Bool = true,
    tape: TangentTape
  ) -> TangentConvolution {
    TangentConvolution(
      [input], taps: square(kernel), stride: stride, rectifies: rectifies, outputChannels: outputChannels,
      weights: [Weight(name: name, outputs: 0..<outputChannels, firstTap: 0, tapCount: kernel * kernel)], tape: tape)
  }

  /// 2×2 means of stride 2, then a 1×1 convolution, without ReLU.
  static func meanProjection(_ input: TangentTensor, name: String, outputChannels: Int, tape: TangentTape)
    -> TangentConvolution
  {
    TangentConvolution(
      [input], taps: (0...1).flatMap { row in (0...1).map { Tap(row: row, column: $0) } }, stride: 2, rectifies: false,
      outputChannels: outputChannels,
      weights: [Weight(name: name, outputs: 0..<outputChannels, firstTap: 0, factor: 0.25, isRepeated: true)], tape: tape)
  }
}
