import Compute
import Foundation

/// Global average pool of the last nodes, linear classifier, softmax cross-entropy, with the derivative along the direction.
final class TangentHead {
  private(set) var loss = 0.0
  private(set) var lossTangent = 0.0
  private let nodes: [TangentTensor]
  private let classes: Int
  private let weights: Doubles
  private let biases: Doubles
  /// Means of the nodes' channels, [image][node, channel], and their derivatives.
  private let features: Doubles
  private let featureTangents: Doubles
  /// ∂L/∂logit and its derivative, [image][class].
  private let gradients: Doubles
  private let gradientTangents: Doubles
  private let losses: Doubles
  private let lossTangents: Doubles
  private let tape: TangentTape

  init(_ nodes: [TangentTensor], classes: Int, tape: TangentTape) {
    self.nodes = nodes
    self.classes = classes
    self.tape = tape
    let count = nodes.count * nodes[0].shape.channels
    func room(_ count: Int) -> Doubles { tape.arena.allocate(Double.self, count) }
    (weights, biases) = (room(classes * count), room(classes))
    (features, featureTangents) = (room(tape.batch * count), room(tape.batch * count))
    (gradients, gradientTangents) = (room(tape.batch * classes), room(tape.batch * classes))
    (losses, lossTangents) = (room(tape.batch), room(tape.batch))
  }

  private var shape: PlaneShape { nodes[0].shape }
  private var featureCount: Int { nodes.count * shape.channels }
  private func place(_ channel: Int) -> Int { channel / Lanes.count * shape.floatsPerBlock + channel % Lanes.count }

  func load(_ named: [String: [Float]]) {
    guard let weights = named["classifier.weight"], let biases = named["classifier.bias"] else {
      preconditionFailure("no weights of the classifier")
    }
    for (index, value) in weights.enumerated() { self.weights[index] = Double(value) }
    for (index, value) in biases.enumerated() { self.biases[index] = Double(value) }
  }

  /// Loss, and the gradients of the nodes' means; images of the run together.
  func appendForward() {
    tape.open.onImage { [self] image, _ in
      for (index, node) in nodes.enumerated() {
        for channel in 0..<shape.channels {
          let at = image * featureCount + index * shape.channels + channel
          features[at] = mean(node.values.image(image) + place(channel))
          featureTangents[at] = node.tangents.map { mean($0.image(image) + place(channel)) } ?? 0
        }
      }
      classify(image)
    }
    tape.open.onFinish { [self] _, images in
      loss = (0..<images).reduce(0.0) { $0 + losses[$1] } / Double(images)
      lossTangent = (0..<images).reduce(0.0) { $0 + lossTangents[$1] } / Double(images)
    }
  }

  private func mean(_ lane: Floats) -> Double {
    var sum = 0.0
    for pixel in 0..<shape.pixels { sum += Double(lane[pixel * Lanes.count]) }
    return sum / Double(shape.pixels)
  }

  private func classify(_ image: Int) {
    let (feature, moving) = (features + image * featureCount, featureTangents + image * featureCount)
    let (row, tangents) = (gradients + image * classes, gradientTangents + image * classes)
    for label in 0..<classes {
      (row[label], tangents[label]) = (biases[label], 0)
      for index in 0..<featureCount {
        row[label] += weights[label * featureCount + index] * feature[index]
        tangents[label] += weights[label * featureCount + index] * moving[index]
      }
    }
    let (label, count) = (Int(tape.run.labels[image]), Double(tape.run.labels.count))
    let largest = (0..<classes).reduce(-Double.infinity) { max($0, row[$1]) }
    let total = (0..<classes).reduce(0.0) { $0 + exp(row[$1] - largest) }
    losses[image] = largest + log(total) - row[label]
    for index in 0..<classes { row[index] = exp(row[index] - largest) / total }
    let mean = (0..<classes).reduce(0.0) { $0 + row[$1] * tangents[$1] }
    lossTangents[image] = mean - tangents[label]
    for index in 0..<classes {
      tangents[index] = row[index] * (tangents[index] - mean) / count
      row[index] = (row[index] - (index == label ? 1 : 0)) / count
    }
  }

  /// The gradients of the nodes, which nothing has reached before.
  func appendBackward() {
    let targets = nodes.map { tape.gradients(of: $0) }
    tape.open.onImage { [self] image, _ in
      for (index, target) in targets.enumerated() {
        guard let target else { continue }
        for channel in 0..<shape.channels {
          let column = index * shape.channels + channel
          fill(target.values.image(image) + place(channel), gradients + image * classes, column)
          fill(target.tangents.image(image) + place(channel), gradientTangents + image * classes, column)
        }
      }
    }
  }

  private func fill(_ lane: Floats, _ gradient: Doubles, _ column: Int) {
    var sum = 0.0
    for label in 0..<classes { sum += gradient[label] * weights[label * featureCount + column] }
    let value = Float(sum / Double(shape.pixels))
    for pixel in 0..<shape.pixels { lane[pixel * Lanes.count] += value }
  }
}
