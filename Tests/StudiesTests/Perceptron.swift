import Cells
import ClosedFormSupport
import Compute
import Formats
import Foundation
import Problems

/// A perceptron of one layer of tanh with softmax and cross-entropy on random examples, in plain loops of double precision,
/// whose products with ∇²_ω L are exact (Pearlmutter 1994). α is there and has no part in it. A vector has seven idle values
/// behind the 313 of ω.
final class Perceptron: BilevelProblem {
  struct Batch {
    var inputs: [[Double]]
    var labels: [Int]
  }

  static let (inputs, hidden, classes) = (16, 14, 5)
  static let shapes = [
    ("hidden.weight", [hidden, inputs]), ("hidden.bias", [hidden]), ("output.weight", [classes, hidden]),
    ("output.bias", [classes]),
  ]
  static let count = shapes.reduce(0) { $0 + $1.1.reduce(1, *) }
  private static let idle = 7
  private let kernels = Kernels.sets[0]

  let initialAlphas = smallAlphas()
  let stepsPerEpoch = 1
  let validationSplitCount = 0

  func makeVector() -> ParameterVector { ParameterVector(count: Self.count + Self.idle, kernels: kernels) }
  func makeInitialStatistics() -> ParameterVector { ParameterVector(count: 0, kernels: kernels) }
  func makeInitialWeights() -> ParameterVector {
    var stream = RandomStream(seed: 21, purpose: .weights)
    let weights = makeVector()
    for index in 0..<Self.count { weights[index] = Float(0.4 * stream.normal()) }
    return weights
  }

  /// Batches of sizes that differ.
  func splitCount(_ split: DataSplit) -> Int { split == .training ? 3 : 0 }
  func splitBatch(_ split: DataSplit, _ index: Int) throws -> Batch {
    var stream = RandomStream(seed: 22, purpose: .test, step: index)
    let size = 8 + 2 * index
    return Batch(
      inputs: (0..<size).map { _ in stream.normals(Self.inputs) },
      labels: (0..<size).map { _ in stream.integer(below: Self.classes) })
  }
  func trainingBatch(epoch: Int, step: Int) throws -> Batch { try splitBatch(.training, 0) }
  func validationBatch(epoch: Int, step: Int) throws -> Batch { try splitBatch(.training, 0) }
  func validationSplitBatch(_ index: Int) throws -> Batch { try splitBatch(.training, index) }

  /// ω, or a direction, as matrices and biases.
  private struct Layers {
    var hidden: [[Double]]
    var hiddenBias: [Double]
    var output: [[Double]]
    var outputBias: [Double]

    init(_ values: [Double]) {
      var rest = values[...]
      func take(_ count: Int) -> [Double] {
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
      }
      hidden = (0..<Perceptron.hidden).map { _ in take(Perceptron.inputs) }
      hiddenBias = take(Perceptron.hidden)
      output = (0..<Perceptron.classes).map { _ in take(Perceptron.hidden) }
      outputBias = take(Perceptron.classes)
    }

    var values: [Double] { hidden.flatMap(\.self) + hiddenBias + output.flatMap(\.self) + outputBias }
  }

  /// The mean loss, its gradient and the derivative of that along a direction, all by ω's 313 values.
  func derivatives(
    _ weights: [Double], along direction: [Double], _ batch: Batch
  ) -> (loss: Double, correct: Int, gradient: [Double], product: [Double]) {
    let (w, v) = (Layers(weights), Layers(direction))
    let nothing = [Double](repeating: 0, count: Self.count)
    var (gradient, product) = (Layers(nothing), Layers(nothing))
    var (loss, correct) = (0.0, 0)
    for (x, label) in zip(batch.inputs, batch.labels) {
      let h = (0..<Self.hidden).map { tanh(dot(w.hidden[$0], x) + w.hiddenBias[$0]) }
      let slope = h.map { 1 - $0 * $0 }
      let rh = (0..<Self.hidden).map { slope[$0] * (dot(v.hidden[$0], x) + v.hiddenBias[$0]) }
      let z = (0..<Self.classes).map { dot(w.output[$0], h) + w.outputBias[$0] }
      let rz = (0..<Self.classes).map { dot(v.output[$0], h) + dot(w.output[$0], rh) + v.outputBias[$0] }
      let most = z.max() ?? 0
      let total = z.reduce(0) { $0 + exp($1 - most) }
      let p = z.map { exp($0 - most) / total }
      loss -= z[label] - most - log(total)
      correct += z.firstIndex(of: most) == label ? 1 : 0
      var dz = p
      dz[label] -= 1
      let mean = dot(p, rz)
      let rdz = (0..<Self.classes).map { p[$0] * (rz[$0] - mean) }
      for k in 0..<Self.classes {
        gradient.outputBias[k] += dz[k]
        product.outputBias[k] += rdz[k]
        for j in 0..<Self.hidden {
          gradient.output[k][j] += dz[k] * h[j]
          product.output[k][j] += rdz[k] * h[j] + dz[k] * rh[j]
        }
      }
      for j in 0..<Self.hidden {
        let dh = (0..<Self.classes).reduce(0.0) { $0 + w.output[$1][j] * dz[$1] }
        let rdh = (0..<Self.classes).reduce(0.0) { $0 + v.output[$1][j] * dz[$1] + w.output[$1][j] * rdz[$1] }
        let (da, rda) = (dh * slope[j], rdh * slope[j] - 2 * dh * h[j] * rh[j])
        gradient.hiddenBias[j] += da
        product.hiddenBias[j] += rda
        for i in 0..<Self.inputs {
          gradient.hidden[j][i] += da * x[i]
          product.hidden[j][i] += rda * x[i]
        }
      }
    }
    let count = Double(batch.labels.count)
    return (loss / count, correct, gradient.values.map { $0 / count }, product.values.map { $0 / count })
  }

  private func dot(_ left: [Double], _ right: [Double]) -> Double { zip(left, right).reduce(0) { $0 + $1.0 * $1.1 } }

  func values(_ vector: ParameterVector) -> [Double] { vector.values.prefix(Self.count).map(Double.init) }

  func evaluate(weights: ParameterVector, alphas: ArchitectureParameters, batch: Batch) -> BatchLoss {
    let found = derivatives(values(weights), along: values(weights), batch)
    return BatchLoss(loss: found.loss, correct: found.correct, count: batch.labels.count)
  }

  func gradient(
    weights: ParameterVector, alphas: ArchitectureParameters, batch: Batch, weightGradient: ParameterVector?,
    wantsAlphaGradient: Bool, statistics: ParameterVector?
  ) -> BatchGradient {
    let found = derivatives(values(weights), along: values(weights), batch)
    if let weightGradient {
      for (index, value) in found.gradient.enumerated() { weightGradient[index] = Float(value) }
    }
    return BatchGradient(
      loss: BatchLoss(loss: found.loss, correct: found.correct, count: batch.labels.count),
      alphas: wantsAlphaGradient ? initialAlphas.zeros : nil)
  }

  func hessianProduct(
    weights: ParameterVector, alphas: ArchitectureParameters, direction: [Double], coordinates: HessianCoordinates,
    batch: Batch
  ) throws -> BatchHessianProduct {
    let nothing = direction.map { _ in 0.0 }
    let loss = evaluate(weights: weights, alphas: alphas, batch: batch)
    return BatchHessianProduct(loss: loss.loss, count: loss.count, gradient: nothing, product: nothing)
  }

  func weightHessianProduct(
    weights: ParameterVector, alphas: ArchitectureParameters, direction: ParameterVector, batch: Batch,
    product: ParameterVector
  ) throws -> BatchLoss {
    let found = derivatives(values(weights), along: values(direction), batch)
    for (index, value) in found.product.enumerated() { product[index] = Float(value) }
    return BatchLoss(loss: found.loss, correct: found.correct, count: batch.labels.count)
  }

  func export(_ vector: ParameterVector) -> [NamedTensor] {
    var rest = vector.values.prefix(Self.count)
    return Self.shapes.map { name, shape in
      let count = shape.reduce(1, *)
      defer { rest = rest.dropFirst(count) }
      return NamedTensor(name: name, shape: shape, values: .float32(Array(rest.prefix(count))))
    }
  }

  func exportStatistics(_ statistics: ParameterVector) -> [NamedTensor] { [] }

  func importVector(from file: TensorFile, prefix: String) throws -> ParameterVector {
    let vector = makeVector()
    let values = try Self.shapes.flatMap { try file.floats(prefix + $0.0, shape: $0.1) }
    for (index, value) in values.enumerated() { vector[index] = value }
    return vector
  }

  func importStatistics(from file: TensorFile) throws -> ParameterVector? { nil }
}
