import CKernels
import Foundation

/// Global average pool of the last cell's nodes, linear classifier, softmax cross-entropy.
final class HeadPlan {
  let classes: Int
  /// [batch, classes] of the last run.
  let logits: Floats
  private let nodes: [Activation]
  private let gradients: [Activation]
  private let features: Floats
  private let featureGradients: Floats
  private let featureCount: Int
  private let weightOffset: Int
  private let biasOffset: Int
  private let state: PlanState

  init(nodes: [Activation], gradients: [Activation], classes: Int, memory: PlanMemory, state: PlanState) {
    self.nodes = nodes
    self.gradients = gradients
    self.classes = classes
    self.state = state
    let shape = nodes[0].shape
    featureCount = nodes.count * shape.lanes
    features = memory.arena.allocate(Float.self, memory.batch * featureCount)
    featureGradients = memory.arena.allocate(Float.self, memory.batch * featureCount)
    logits = memory.arena.allocate(Float.self, memory.batch * classes)
    let inputs = nodes.count * shape.channels
    weightOffset = memory.parameters.reserve(classes * featureCount)
    memory.parameters.name(
      "classifier.weight", shape: [classes, inputs], arrangement: .linear(channels: shape.channels), offset: weightOffset,
      fanIn: inputs)
    biasOffset = memory.parameters.vector("classifier.bias", count: classes, constant: nil, fanIn: inputs)
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
            to, node.image(image) + block * node.shape.floatsPerBlock, Int32(node.shape.pixels))
          to += 16
        }
      }
    }
  }

  /// Fills the gradients of the last cell's nodes in a new phase, which is left open.
  func appendBackward(to phases: inout [Phase]) {
    let phase = Phase()
    phases.append(phase)
    phase.spend(flops: flops, weightFlops: flops, floats: gradients.count * gradients[0].shape.floatsPerImage)
    phase.onImage { [self] image, _ in
      var from = featureGradients + image * featureCount
      for gradient in gradients {
        for block in 0..<gradient.shape.blocks {
          state.kernels.pointee.plane_fill(
            gradient.image(image) + block * gradient.shape.floatsPerBlock, from, Int32(gradient.shape.pixels))
          from += 16
        }
      }
    }
  }

  /// Logits, mean cross-entropy and the number of correct predictions (the first of equal logits counts).
  func loss(images: Int, labels: UnsafePointer<Int32>) -> (loss: Double, correct: Int) {
    var total = 0.0
    var correct = 0
    for image in 0..<images {
      let row = logits + image * classes
      let feature = features + image * featureCount
      for label in 0..<classes {
        let weights = state.weights + weightOffset + label * featureCount
        var sum = Double(state.weights[biasOffset + label])
        for index in 0..<featureCount { sum += Double(weights[index]) * Double(feature[index]) }
        row[label] = Float(sum)
      }
      var best = 0
      for label in 1..<max(classes, 1) where row[label] > row[best] { best = label }
      var normaliser = 0.0
      for label in 0..<classes { normaliser += exp(Double(row[label]) - Double(row[best])) }
      let label = Int(labels[image])
      total += Double(row[best]) + log(normaliser) - Double(row[label])
      if best == label { correct += 1 }
    }
    return (total / Double(images), correct)
  }

  /// ∂L/∂feature of every image and, where wanted, the classifier's gradient.
  func backward(images: Int, labels: UnsafePointer<Int32>, weightGradient: Floats?) {
    let pixels = Double(nodes[0].shape.pixels)
    var probabilities = [Double](repeating: 0, count: images * classes)
    for image in 0..<images {
      let row = logits + image * classes
      let largest = (0..<classes).map { Double(row[$0]) }.max() ?? 0
      var normaliser = 0.0
      for label in 0..<classes {
        probabilities[image * classes + label] = exp(Double(row[label]) - largest)
        normaliser += probabilities[image * classes + label]
      }
      for label in 0..<classes {
        let value = probabilities[image * classes + label] / normaliser - (label == Int(labels[image]) ? 1 : 0)
        probabilities[image * classes + label] = value / Double(images)
      }
      for index in 0..<featureCount {
        var sum = 0.0
        for label in 0..<classes {
          sum += probabilities[image * classes + label] * Double(state.weights[weightOffset + label * featureCount + index])
        }
        featureGradients[image * featureCount + index] = Float(sum / pixels)
      }
    }
    guard let weightGradient else { return }
    for label in 0..<classes {
      var bias = 0.0
      for image in 0..<images { bias += probabilities[image * classes + label] }
      weightGradient[biasOffset + label] = Float(bias)
      for index in 0..<featureCount {
        var sum = 0.0
        for image in 0..<images {
          sum += probabilities[image * classes + label] * Double(features[image * featureCount + index])
        }
        weightGradient[weightOffset + label * featureCount + index] = Float(sum)
      }
    }
  }
}
