import Compute
import Foundation

/// Global average pool of the last nodes, linear classifier, softmax cross-entropy, with the derivative along the direction.
final class TangentHead {
  private(set) var loss = 0.0
  private(set) var lossTangent = 0.0
  /// Correct predictions; the first of equal logits counts.
  private(set) var correct = 0
  private let nodes: [TangentTensor]
  private let classes: Int
  private let weights: Doubles
  private let biases: Doubles
  /// Their derivatives, where the direction lies in ω.
  private let weightTangents: Doubles?
  private let biasTangents: Doubles?
  /// The derivatives of ∂L/∂weight and ∂L/∂bias, likewise.
  private let products: Doubles?
  private let biasProducts: Doubles?
  /// Means of the nodes' channels, [image][node, channel], and their derivatives.
  private let features: Doubles
  private let featureTangents: Doubles
  /// ∂L/∂logit and its derivative, [image][class].
  private let gradients: Doubles
  private let gradientTangents: Doubles
  private let losses: Doubles
  private let lossTangents: Doubles
  private let hits: UnsafeMutablePointer<Bool>
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
    hits = tape.arena.allocate(Bool.self, tape.batch)
    weightTangents = tape.movesWeights ? room(classes * count) : nil
    biasTangents = tape.movesWeights ? room(classes) : nil
    products = tape.movesWeights ? room(classes * count) : nil
    biasProducts = tape.movesWeights ? room(classes) : nil
  }

  private var shape: PlaneShape { nodes[0].shape }
  private var featureCount: Int { nodes.count * shape.channels }
  private func place(_ channel: Int) -> Int { channel / Lanes.count * shape.floatsPerBlock + channel % Lanes.count }

  func load(_ named: TangentWeights) {
    for (name, values, tangents) in [
      ("classifier.weight", weights, weightTangents), ("classifier.bias", biases, biasTangents),
    ] {
      for (index, value) in named.values(name).enumerated() { values[index] = Double(value) }
      guard let tangents, let direction = named.tangents(name) else { continue }
      for (index, value) in direction.enumerated() { tangents[index] = Double(value) }
    }
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
      correct = (0..<images).count { hits[$0] }
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
      (row[label], tangents[label]) = (biases[label], biasTangents?[label] ?? 0)
      for index in 0..<featureCount {
        row[label] += weights[label * featureCount + index] * feature[index]
        tangents[label] += weights[label * featureCount + index] * moving[index]
      }
      guard let weightTangents else { continue }
      for index in 0..<featureCount { tangents[label] += weightTangents[label * featureCount + index] * feature[index] }
    }
    let (label, count) = (Int(tape.run.labels[image]), Double(tape.run.labels.count))
    // Of single precision, as those that a run returns.
    let best = (1..<max(classes, 1)).reduce(0) { Float(row[$1]) > Float(row[$0]) ? $1 : $0 }
    hits[image] = best == label
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
          let (gradient, moving) = (gradients + image * classes, gradientTangents + image * classes)
          fill(target.values.image(image) + place(channel), sum(gradient, weights, column))
          let passed = sum(moving, weights, column)
          fill(
            target.tangents.image(image) + place(channel),
            weightTangents.map { passed + sum(gradient, $0, column) } ?? passed)
        }
      }
    }
  }

  /// Σ over the classes of a gradient times a column of weights.
  private func sum(_ gradient: Doubles, _ weights: Doubles, _ column: Int) -> Double {
    var sum = 0.0
    for label in 0..<classes { sum += gradient[label] * weights[label * featureCount + column] }
    return sum
  }

  /// The derivatives of ∂L/∂weight and ∂L/∂bias, after a backward pass along a direction of ω.
  func finish(images: Int, pool: ThreadPool) {
    guard let products, let biasProducts else { return }
    pool.run(classes) { label, _ in
      let row = products + label * featureCount
      row.update(repeating: 0, count: featureCount)
      biasProducts[label] = 0
      for image in 0..<images {
        let (gradient, moving) = (gradients[image * classes + label], gradientTangents[image * classes + label])
        let (feature, moved) = (features + image * featureCount, featureTangents + image * featureCount)
        for index in 0..<featureCount { row[index] += moving * feature[index] + gradient * moved[index] }
        biasProducts[label] += moving
      }
    }
    tape.run.weightGradientTangents["classifier.weight"] = (0..<classes * featureCount).map { Float(products[$0]) }
    tape.run.weightGradientTangents["classifier.bias"] = (0..<classes).map { Float(biasProducts[$0]) }
  }

  private func fill(_ lane: Floats, _ gradient: Double) {
    let value = Float(gradient / Double(shape.pixels))
    for pixel in 0..<shape.pixels { lane[pixel * Lanes.count] += value }
  }
}
