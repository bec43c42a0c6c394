import CKernels

/// The auxiliary head of a derived network, on the output of one cell while it trains: ReLU – 5×5 average pool – 1×1 to 128
/// – 2×2 to 768 – classifier (the DARTS family's networks; Szegedy et al., CVPR 2015, §5).
final class AuxiliaryPlan {
  static let poolSize = 5

  let head: HeadPlan
  private let nodes: [Activation]
  private let gradients: [Activation]
  private let pooled: [Activation]
  private let pooledGradients: [Activation]
  private let middle: PointwiseUnit
  private let middleGradient: Activation
  private let last: DenseConvolutionUnit
  /// Relu of the last convolution's normalised output, and its gradient.
  private let features: Activation
  private let featureGradient: Activation
  private let window: ck_taps
  private let state: PlanState

  init(
    _ layout: CellChainLayout.Auxiliary, nodes: [Activation], gradients: [Activation], classes: Int, in lowering: Lowering
  ) {
    self.nodes = nodes
    self.gradients = gradients
    state = lowering.state
    let shape = nodes[0].shape
    let side = (shape.height - Self.poolSize) / layout.stride + 1
    window = ck_taps(
      kernel: Int32(Self.poolSize), stride: Int32(layout.stride), pad: 0, height: Int32(shape.height),
      width: Int32(shape.width), outWidth: Int32(side))
    let pooledShape = PlaneShape(channels: shape.channels, height: side, width: side)
    pooled = nodes.map { _ in lowering.activation(pooledShape, isNarrow: false) }
    pooledGradients = nodes.map { _ in lowering.activation(pooledShape, isNarrow: false) }
    // The ReLU that the unit begins with does nothing to means of relu'd values.
    middle = PointwiseUnit(
      weightName: "auxiliary_head.features.2.weight", normName: "auxiliary_head.features.3", sources: pooled,
      outputChannels: CellChainLayout.Auxiliary.middleChannels, isAffine: true, in: lowering)
    middleGradient = lowering.activation(middle.output.shape)
    last = DenseConvolutionUnit(
      weightName: "auxiliary_head.features.5.weight",
      normName: layout.normalisesLast ? "auxiliary_head.features.6" : nil, input: middle.output, inputNorm: middle.norm,
      outputChannels: CellChainLayout.Auxiliary.lastChannels, kernel: 2, stride: 1, pad: 0, in: lowering)
    features = lowering.activation(last.output.shape)
    featureGradient = lowering.activation(last.output.shape)
    head = HeadPlan(
      name: "auxiliary_head.classifier", nodes: [features], gradients: [featureGradient], classes: classes,
      in: lowering)
  }

  func prepareBackward() -> [() -> Void] {
    [{ [self] in middle.prepareBackward() }, { [self] in last.prepareBackward() }]
  }

  func appendForward(to phases: inout [Phase]) {
    var phase = Phase()
    phases.append(phase)
    phase.onImage { [self] image, _ in
      for (node, target) in zip(nodes, pooled) {
        for block in 0..<node.shape.blocks {
          state.kernels.pointee.relu_average(
            target.block(block, image: image), node.block(block, image: image), node.memoryLanes(block), window,
            Int32(target.shape.height))
        }
      }
    }
    middle.appendForward(to: phase)
    phase = Phase()
    phases.append(phase)
    last.appendForward(to: phase)
    phase = Phase()
    phases.append(phase)
    phase.onImage { [self] image, _ in
      let shape = features.shape
      for block in 0..<shape.blocks {
        state.kernels.pointee.relu_pad(
          features.block(block, image: image), last.output.block(block, image: image),
          ck_map(of: last.norm, block: block),
          ck_plane(of: shape, pad: 0, memoryLanes: last.output.memoryLanes(block)))
      }
    }
    head.appendForward(to: phase)
  }

  /// Appends its phases; in the last of them, left open, the gradients of the nodes are written or added to.
  func appendBackward(to phases: inout [Phase], overwrite: Bool) {
    var phase = Phase()
    phases.append(phase)
    head.appendBackward(to: phase)
    phase.onImage { [self] image, _ in
      state.kernels.pointee.mask_flat(
        featureGradient.image(image), Int32(ck_lanes), featureGradient.image(image), features.image(image),
        Int32(featureGradient.shape.blocks * featureGradient.shape.pixels), 0)
    }
    last.norm?.appendReduction(of: featureGradient, values: last.output, to: phase)
    phase = Phase()
    phases.append(phase)
    phase.onImage { [self] image, _ in
      middleGradient.clear(image: image)
    }
    last.appendBackward(to: phase, gradient: featureGradient, target: middleGradient)
    middle.norm.appendReduction(of: middleGradient, values: middle.output, to: phase)
    phase = Phase()
    phases.append(phase)
    let partial = middle.reserveGradient(in: phase)
    phase.onImage { [self] image, context in
      middle.backward(
        image: image, gradient: middleGradient, values: middle.output, targets: pooledGradients, overwrite: true,
        partial: partial, context: context)
      for index in nodes.indices {
        let (node, target, pooled) = (nodes[index], gradients[index], pooledGradients[index])
        if overwrite { target.clear(image: image) }
        for block in 0..<node.shape.blocks {
          state.kernels.pointee.relu_average_backward(
            target.block(block, image: image), target.memoryLanes(block), pooled.block(block, image: image),
            node.block(block, image: image), window, Int32(pooled.shape.height))
        }
      }
    }
  }
}
