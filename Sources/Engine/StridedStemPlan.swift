import CKernels

/// The stem for large images: three 3×3 convolutions of stride 2, the first to C/2 channels, the others to C (DARTS, ICLR
/// 2019, §A.2: the resolution falls from 224 to 28 before the first cell).
final class StridedStemPlan: NetworkStem {
  private let image: PatchConvolutionUnit
  private let second: DenseConvolutionUnit
  private let third: DenseConvolutionUnit
  private let normalised: [Activation]
  private let outputGradients: [Activation]
  private let imageGradient: Activation

  /// - Parameter side: height and width of the images, a multiple of 8.
  init(channels: Int, side: Int, in lowering: Lowering) {
    image = PatchConvolutionUnit(
      weightName: "stem0.0.weight", normName: "stem0.1", channels: channels / 2, side: side, stride: 2, in: lowering)
    second = DenseConvolutionUnit(
      weightName: "stem0.3.weight", normName: "stem0.4", input: image.output, inputNorm: image.norm,
      outputChannels: channels, kernel: 3, stride: 2, pad: 1, in: lowering)
    let first = lowering.activation(second.output.shape)
    third = DenseConvolutionUnit(
      weightName: "stem1.1.weight", normName: "stem1.2", input: first, inputNorm: nil, outputChannels: channels, kernel: 3,
      stride: 2, pad: 1, in: lowering)
    normalised = [first, lowering.activation(third.output.shape)]
    outputGradients = normalised.map { lowering.activation($0.shape) }
    imageGradient = lowering.activation(image.output.shape)
  }

  var outputs: (Activation, Activation) { (normalised[0], normalised[1]) }
  var gradients: (Activation, Activation) { (outputGradients[0], outputGradients[1]) }
  let isShared = false

  func prepareBackward() -> [() -> Void] { [second, third].map { unit in { unit.prepareBackward() } } }

  func appendForward(to phases: inout [Phase]) {
    var phase = Phase()
    image.appendForward(to: phase)
    phases.append(phase)
    phase = Phase()
    second.appendForward(to: phase)
    phases.append(phase)
    for (unit, output) in zip([second, third], normalised) {
      phase = Phase()
      phases.append(phase)
      unit.norm?.appendNormalisation(of: unit.output, into: output, to: phase)
      if unit === second { third.appendForward(to: phase) }
    }
  }

  func appendBackward(to phases: inout [Phase], markWeightsOnly: (Phase) -> Void) {
    func next() -> Phase {
      let phase = Phase()
      markWeightsOnly(phase)
      phases.append(phase)
      return phase
    }
    third.norm?.appendReduction(of: outputGradients[1], values: third.output, to: phases[phases.count - 1])
    var phase = next()
    third.appendBackward(to: phase, gradient: outputGradients[1], target: outputGradients[0])
    second.norm?.appendReduction(of: outputGradients[0], values: second.output, to: phase)
    phase = next()
    let imageGradient = imageGradient
    phase.onImage { image, _ in
      imageGradient.clear(image: image)
    }
    second.appendBackward(to: phase, gradient: outputGradients[0], target: imageGradient)
    image.norm.appendReduction(of: imageGradient, values: image.output, to: phase)
    image.appendBackward(to: next(), gradient: imageGradient)
  }
}
