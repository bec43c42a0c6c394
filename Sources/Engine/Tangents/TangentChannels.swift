import Compute

/// Channels of tensors of one resolution in another order: the part that operations see, and the shuffle behind them
/// (Xu et al., PC-DARTS, ICLR 2020, §3.2).
final class TangentChannels: TangentOperation {
  let output: TangentTensor
  var makes: TangentTensor? { output }
  private let inputs: [TangentTensor]
  /// Of each channel of the output, the input and its channel.
  private let origins: [(input: Int, channel: Int)]

  init(_ inputs: [TangentTensor], origins: [(input: Int, channel: Int)], tape: TangentTape) {
    self.inputs = inputs
    self.origins = origins
    let shape = inputs[0].shape
    output = tape.tensor(
      PlaneShape(channels: origins.count, height: shape.height, width: shape.width),
      moves: inputs.contains { $0.tangents != nil })
  }

  convenience init(_ channels: Range<Int>, of input: TangentTensor, tape: TangentTape) {
    self.init([input], origins: channels.map { (0, $0) }, tape: tape)
  }

  private func place(_ channel: Int) -> Int { channel / Lanes.count * output.shape.floatsPerBlock + channel % Lanes.count }

  func appendForward(to tape: TangentTape) {
    tape.open.onImage { [self] image, _ in
      for (channel, origin) in origins.enumerated() {
        let input = inputs[origin.input]
        copy(input.values, origin.channel, to: output.values, channel, image: image)
        guard let to = output.tangents else { continue }
        if let from = input.tangents {
          copy(from, origin.channel, to: to, channel, image: image)
        } else {
          let lane = to.image(image) + place(channel)
          for pixel in 0..<output.shape.pixels { lane[pixel * Lanes.count] = 0 }
        }
      }
    }
  }

  private func copy(_ from: Activation, _ fromChannel: Int, to: Activation, _ toChannel: Int, image: Int) {
    let (source, target) = (from.image(image) + place(fromChannel), to.image(image) + place(toChannel))
    for pixel in 0..<output.shape.pixels { target[pixel * Lanes.count] = source[pixel * Lanes.count] }
  }

  func appendBackward(to tape: TangentTape) {
    guard let gradients = output.gradients else { return }
    let targets = inputs.map { tape.gradients(of: $0) }
    tape.open.onImage { [self] image, _ in
      for (channel, origin) in origins.enumerated() {
        guard let target = targets[origin.input] else { continue }
        for (from, to) in [(gradients.values, target.values), (gradients.tangents, target.tangents)] {
          let (source, sum) = (from.image(image) + place(channel), to.image(image) + place(origin.channel))
          for pixel in 0..<output.shape.pixels { sum[pixel * Lanes.count] += source[pixel * Lanes.count] }
        }
      }
    }
  }
}
