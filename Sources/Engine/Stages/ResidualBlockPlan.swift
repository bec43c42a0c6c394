import CKernels

/// The block between two stages: two convolutions of 3×3, each after ReLU and before batch norm, the first of stride 2 to
/// twice the channels, added to the 2×2 means of the input through a 1×1 convolution (Dong and Yang, NAS-Bench-201, §2.1).
final class ResidualBlockPlan: StagePart {
  let output: Activation
  let outputGradient: Activation
  private let first: DenseConvolutionUnit
  private let second: DenseConvolutionUnit
  private let shortcut: MeanProjectionUnit
  private let middleGradient: Activation
  private let inputGradient: Activation
  private let sum: NodeSum

  /// - Parameter index: of the block among the network's cells.
  init(index: Int, input: Activation, gradient: Activation, in lowering: Lowering) {
    let channels = 2 * input.shape.channels
    inputGradient = gradient
    func convolution(_ name: String, _ input: Activation, _ norm: BatchNorm?, stride: Int) -> DenseConvolutionUnit {
      DenseConvolutionUnit(
        weightName: "cells.\(index).\(name).op.1.weight", normName: "cells.\(index).\(name).op.2", input: input,
        inputNorm: norm, outputChannels: channels, kernel: 3, stride: stride, pad: 1, in: lowering)
    }
    first = convolution("conv_a", input, nil, stride: 2)
    second = convolution("conv_b", first.output, first.norm, stride: 1)
    shortcut = MeanProjectionUnit(
      weightName: "cells.\(index).downsample.1.weight", input: input, outputChannels: channels, in: lowering)
    middleGradient = lowering.activation(first.output.shape)
    output = lowering.activation(first.output.shape)
    outputGradient = lowering.activation(first.output.shape)
    lowering.need { [shape = first.output.shape] in $0.lanes = max($0.lanes, shape.lanes) }
    sum = NodeSum(
      output: output, gradient: outputGradient,
      terms: [
        MixedEdge.Term(values: shortcut.output, norm: nil, mixingIndex: nil, path: nil),
        MixedEdge.Term(values: second.output, norm: second.norm, mixingIndex: nil, path: nil),
      ], kind: 0, in: lowering)
  }

  func prepareBackward() -> [() -> Void] {
    [
      { [self] in first.prepareBackward() }, { [self] in second.prepareBackward() },
      { [self] in shortcut.prepareBackward() },
    ]
  }

  func appendForward(to phases: inout [Phase]) {
    first.appendForward(to: phases[phases.count - 1])
    shortcut.appendForward(to: phases[phases.count - 1])
    let middle = Phase()
    phases.append(middle)
    second.appendForward(to: middle)
    middle.onFinish { [sum] _, _ in sum.updateCoefficients() }
    let phase = Phase()
    phases.append(phase)
    phase.spend(floats: 3 * output.floatsPerImage)
    phase.onImage { [sum] image, context in sum.forward(image: image, scratch: context.scratch) }
  }

  func appendBackward(to phases: inout [Phase], weightsOnly: ((Phase) -> Void)?) {
    var phase = phases[phases.count - 1]
    let offset = phase.reserveSums(sum.sumCount)
    phase.spend(floats: 2 * output.floatsPerImage)
    phase.onImage { [sum] image, context in
      sum.reduce(image: image, sums: context.sums + offset, scratch: context.scratch)
    }
    phase.onFinish { [sum] sums, images in sum.finishBackward(sums: sums + offset, images: images) }

    phase = Phase()
    phases.append(phase)
    phase.onImage { [middleGradient] image, _ in middleGradient.clear(image: image) }
    second.appendBackward(to: phase, gradient: outputGradient, target: middleGradient)
    first.norm?.appendReduction(of: middleGradient, values: first.output, to: phase)

    phase = Phase()
    phases.append(phase)
    weightsOnly?(phase)
    phase.onImage { [inputGradient] image, _ in inputGradient.clear(image: image) }
    shortcut.appendBackward(to: phase, gradient: outputGradient, target: inputGradient)
    first.appendBackward(to: phase, gradient: middleGradient, target: inputGradient)
  }
}
