import CKernels

/// The stem at full resolution: 3×3 convolution from 3 to 3C channels and a batch norm with scale and shift (DARTS,
/// appendix A.1).
final class StemPlan: NetworkStem {
  private let convolution: PatchConvolutionUnit
  private let output: Activation
  private let gradient: Activation
  private let state: PlanState

  init(channels: Int, side: Int, in lowering: Lowering) {
    state = lowering.state
    convolution = PatchConvolutionUnit(
      weightName: "stem.0.weight", normName: "stem.1", channels: channels, side: side, stride: 1, in: lowering)
    output = lowering.activation(convolution.output.shape)
    gradient = lowering.activation(convolution.output.shape)
  }

  var outputs: (Activation, Activation) { (output, output) }
  var gradients: (Activation, Activation) { (gradient, gradient) }
  let isShared = true

  func appendForward(to phases: inout [Phase]) {
    let first = Phase()
    phases.append(first)
    convolution.appendForward(to: first)
    let phase = Phase()
    phases.append(phase)
    convolution.norm.appendNormalisation(of: convolution.output, into: output, to: phase)
  }

  func appendBackward(to phases: inout [Phase], markWeightsOnly: (Phase) -> Void) {
    convolution.norm.appendReduction(of: gradient, values: convolution.output, to: phases[phases.count - 1])
    let phase = Phase()
    phases.append(phase)
    markWeightsOnly(phase)
    convolution.appendBackward(to: phase, gradient: gradient)
  }
}
