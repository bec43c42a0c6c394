import CKernels
import Compute
import Foundation

/// Global average pool of some tensors, linear classifier, softmax cross-entropy.
final class HeadPlan {
  let classes: Int
  /// [batch, classes] of the last run.
  let logits: Floats
  private let nodes: [Activation]
  private let gradients: [Activation]
  private let features: Floats
  private let featureGradients: Floats
  private let probabilities: Doubles
  private let losses: Doubles
  private let featureCount: Int
  private let weightOffset: Int
  private let biasOffset: Int
  private let state: PlanState

  /// - Parameter name: public prefix of the classifier's weight and bias.
  init(
    name: String, nodes: [Activation], gradients: [Activation], classes: Int, in lowering: Lowering
  ) {
    self.nodes = nodes
    self.gradients = gradients
    self.classes = classes
    state = lowering.state
    let shape = nodes[0].shape
    featureCount = nodes.count * shape.lanes
    features = lowering.allocate(Float.self, lowering.batch * featureCount)
    featureGradients = lowering.allocate(Float.self, lowering.batch * featureCount)
    logits = lowering.allocate(Float.self, lowering.batch * classes)
    probabilities = lowering.allocate(Double.self, lowering.batch * classes)
    losses = lowering.allocate(Double.self, lowering.batch)
    let inputs = nodes.count * shape.channels
    weightOffset = lowering.parameters.reserve(classes * featureCount)
    lowering.parameters.place(
      "\(name).weight", shape: [classes, inputs], .linear(channels: shape.channels), at: weightOffset)
    biasOffset = lowering.parameters.vector("\(name).bias", count: classes)
  }

  private var flops: Int { 2 * classes * nodes.count * nodes[0].shape.channels }

  /// Means of the nodes, in the open phase.
  func appendForward(to phase: Phase) {
    phase.spend(flops: flops)
    phase.onImage { [self] image, _ in
      var to = features + image * featureCount
      for node in nodes {
        for block in 0..<node.shape.blocks {
          state.kernels.pointee.plane_mean(
            to, node.block(block, image: image), node.memoryLanes(block), Int32(node.shape.pixels))
          to += 16
        }
      }
    }
  }

  /// Fills the gradients of the nodes in the open phase.
  func appendBackward(to phase: Phase) {
    phase.spend(flops: flops, weightFlops: flops, floats: gradients.count * gradients[0].floatsPerImage)
    phase.onImage { [self] image, _ in
      var from = featureGradients + image * featureCount
      for gradient in gradients {
        for block in 0..<gradient.shape.blocks {
          state.kernels.pointee.plane_fill(
            gradient.block(block, image: image), gradient.memoryLanes(block), from, Int32(gradient.shape.pixels))
          from += 16
        }
      }
    }
  }

  /// Logits, mean cross-entropy and the number of correct predictions (the first of equal logits counts).
  ///
  /// - Parameter smoothing: ε of label smoothing (Szegedy et al., CVPR 2016, §7): the target is 1 − ε on the label and ε
  ///   spread evenly over all classes.
  func loss(images: Int, labels: UnsafePointer<Int32>, smoothing: Double = 0, pool: ThreadPool) -> (
    loss: Double, correct: Int
  ) {
    pool.run(images) { image, _ in
      let row = logits + image * classes
      let feature = features + image * featureCount
      for label in 0..<classes {
        let weights = state.weights + weightOffset + label * featureCount
        var sum = Double(state.weights[biasOffset + label])
        for index in 0..<featureCount { sum += Double(weights[index]) * Double(feature[index]) }
        row[label] = Float(sum)
      }
      let best = largest(row)
      var normaliser = 0.0
      for label in 0..<classes { normaliser += exp(Double(row[label]) - Double(row[best])) }
      let logNormaliser = Double(row[best]) + log(normaliser)
      var loss = logNormaliser - Double(row[Int(labels[image])])
      if smoothing > 0 {
        var mean = 0.0
        for label in 0..<classes { mean += Double(row[label]) }
        loss = (1 - smoothing) * loss + smoothing * (logNormaliser - mean / Double(classes))
      }
      losses[image] = loss
    }
    var total = 0.0
    var correct = 0
    for image in 0..<images {
      total += losses[image]
      if largest(logits + image * classes) == Int(labels[image]) { correct += 1 }
    }
    return (total / Double(images), correct)
  }

  private func largest(_ row: Floats) -> Int {
    var best = 0
    for label in 1..<max(classes, 1) where row[label] > row[best] { best = label }
    return best
  }

  /// Gradients of `factor` times the loss: of every image's features and, where wanted, of the classifier.
  func backward(
    images: Int, labels: UnsafePointer<Int32>, factor: Double = 1, smoothing: Double = 0, weightGradient: Floats?,
    pool: ThreadPool
  ) {
    let pixels = Double(nodes[0].shape.pixels)
    pool.run(images) { image, _ in
      let row = logits + image * classes
      let probability = probabilities + image * classes
      let highest = Double(row[largest(row)])
      var normaliser = 0.0
      for label in 0..<classes {
        probability[label] = exp(Double(row[label]) - highest)
        normaliser += probability[label]
      }
      for label in 0..<classes {
        let target = (label == Int(labels[image]) ? 1 - smoothing : 0) + smoothing / Double(classes)
        probability[label] = factor * (probability[label] / normaliser - target) / Double(images)
      }
      withSums { sums in
        for label in 0..<classes {
          let weights = state.weights + weightOffset + label * featureCount
          for index in 0..<featureCount { sums[index] += probability[label] * Double(weights[index]) }
        }
        for index in 0..<featureCount { featureGradients[image * featureCount + index] = Float(sums[index] / pixels) }
      }
    }
    guard let weightGradient else { return }
    pool.run(classes) { label, _ in
      var bias = 0.0
      for image in 0..<images { bias += probabilities[image * classes + label] }
      weightGradient[biasOffset + label] = Float(bias)
      withSums { sums in
        for image in 0..<images {
          let feature = features + image * featureCount
          let probability = probabilities[image * classes + label]
          for index in 0..<featureCount { sums[index] += probability * Double(feature[index]) }
        }
        let target = weightGradient + weightOffset + label * featureCount
        for index in 0..<featureCount { target[index] = Float(sums[index]) }
      }
    }
  }

  /// Zeroed room for one sum a feature.
  private func withSums(_ body: (UnsafeMutableBufferPointer<Double>) -> Void) {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: featureCount) { sums in
      sums.initialize(repeating: 0)
      body(sums)
    }
  }
}
