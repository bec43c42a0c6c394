import Cells
import Compute
import Datasets
import Formats

/// The network that a genotype is retrained as, in double precision and plain loops, with batch statistics and without auxiliary
/// head: what second derivatives of the engine's are held against. It knows public names and shapes only.
public struct ReferenceDerived: Sendable {
  let architecture: DerivedArchitecture
  let weights: [String: (shape: [Int], values: [Double])]

  /// - Parameter weights: ω under its public names; an auxiliary head's are not read.
  public init(_ architecture: DerivedArchitecture, weights: [NamedTensor]) {
    self.architecture = architecture
    self.weights = Dictionary(uniqueKeysWithValues: weights.map { ($0.name, ($0.shape, $0.values.doubles)) })
  }

  private init(_ architecture: DerivedArchitecture, _ weights: [String: (shape: [Int], values: [Double])]) {
    (self.architecture, self.weights) = (architecture, weights)
  }

  /// The network with ω + step · v.
  public func moved(by step: Double, along direction: [String: [Double]]) -> ReferenceDerived {
    ReferenceDerived(
      architecture,
      Dictionary(
        uniqueKeysWithValues: weights.map { name, tensor in
          (name, (tensor.shape, zip(tensor.values, direction[name] ?? []).map { $0 + step * $1 }))
        }))
  }

  /// Mean cross-entropy and ∂L/∂ω.
  public func run(batch: ImageBatch) -> (loss: Double, gradient: [String: [Double]]) {
    let pass = ReferenceDerivedPass<Double>(architecture, weights.mapValues { ($0.shape, $0.values) }, batch)
    return (pass.tape[pass.loss][0], pass.parameters.mapValues { pass.tape.gradient($0) })
  }

  /// ∇²_ω L · v.
  public func weightHessianProduct(direction: [String: [Double]], batch: ImageBatch) -> [String: [Double]] {
    let moving = Dictionary(
      uniqueKeysWithValues: weights.map { name, tensor in
        (name, (tensor.shape, zip(tensor.values, direction[name] ?? []).map { Dual($0, derivative: $1) }))
      })
    let pass = ReferenceDerivedPass<Dual>(architecture, moving, batch)
    return pass.parameters.mapValues { pass.tape.gradient($0).map(\.derivative) }
  }
}

/// One forward and backward pass.
private struct ReferenceDerivedPass<Scalar: ReferenceScalar> {
  typealias Tensor = ReferenceTape<Scalar>.Tensor

  let tape = ReferenceTape<Scalar>()
  let parameters: [String: Tensor]
  private(set) var loss: Tensor
  private let architecture: DerivedArchitecture
  private let batch: ImageBatch

  init(_ architecture: DerivedArchitecture, _ weights: [String: (shape: [Int], values: [Scalar])], _ batch: ImageBatch) {
    self.architecture = architecture
    self.batch = batch
    parameters = weights.mapValues { [tape] in tape.tensor($0.shape, $0.values) }
    loss = tape.tensor([1], [.zero])
    let features =
      switch architecture.genotype.macroArchitecture {
      case .reductions: chain()
      case .residualStages(let count): stages(count)
      }
    let logits = tape.linear(
      tape.globalAverage(features), parameter("classifier.weight"), parameter("classifier.bias"))
    loss = tape.crossEntropy(logits, labels: batch.labels)
    tape.differentiate(loss)
  }

  private func parameter(_ name: String) -> Tensor {
    guard let tensor = parameters[name] else { preconditionFailure("no parameter \(name)") }
    return tensor
  }

  /// Batch norm with γ and β.
  private func norm(_ name: String, _ input: Tensor) -> Tensor {
    tape.batchNorm(input, affine: (parameter("\(name).weight"), parameter("\(name).bias"))).values
  }

  private func images() -> Tensor {
    tape.tensor([batch.count, 3, batch.height, batch.width], batch.images.map { Scalar(Double($0)) })
  }

  private func convolved(_ input: Tensor, _ name: String, norm: String, stride: Int = 1) -> Tensor {
    self.norm(norm, tape.convolution(input, parameter(name), stride: stride, padding: 1))
  }

  private func chain() -> Tensor {
    var inputs: (Tensor, Tensor)
    switch architecture.scale {
    case .cifar:
      let stem = convolved(images(), "stem.0.weight", norm: "stem.1")
      inputs = (stem, stem)
    case .imagenet:
      let first = convolved(images(), "stem0.0.weight", norm: "stem0.1", stride: 2)
      let second = convolved(tape.relu(first), "stem0.3.weight", norm: "stem0.4", stride: 2)
      inputs = (second, convolved(tape.relu(second), "stem1.1.weight", norm: "stem1.2", stride: 2))
    }
    for index in 0..<architecture.layers {
      let isAfterReduction = index == 0 ? architecture.scale == .imagenet : architecture.isReduction(index - 1)
      inputs = (inputs.1, cell(index, inputs, isAfterReduction: isAfterReduction))
    }
    return inputs.1
  }

  private func cell(_ index: Int, _ inputs: (Tensor, Tensor), isAfterReduction: Bool) -> Tensor {
    let isReduction = architecture.isReduction(index)
    let (cell, name) = (architecture.genotype.cells[isReduction ? 1 : 0], "cells.\(index)")
    var states = [
      isAfterReduction ? factorised("\(name).preprocess0", inputs.0) : projected("\(name).preprocess0", inputs.0),
      projected("\(name).preprocess1", inputs.1),
    ]
    for node in 0..<4 {
      let terms = (2 * node..<2 * node + 2).map { k in
        let edge = cell.edges[k]
        return operation(
          edge.operation, "\(name)._ops.\(k)", states[edge.source], stride: isReduction && edge.source < 2 ? 2 : 1,
          stream: UInt32((index * 14 + cell.rows[k]) << 8))
      }
      states.append(tape.mixture(terms.map { ($0, nil) }))
    }
    return tape.concatenated(cell.concat.map { states[$0] })
  }

  private func projected(_ name: String, _ input: Tensor) -> Tensor {
    norm("\(name).op.2", tape.convolution(tape.relu(input), parameter("\(name).op.1.weight")))
  }

  private func factorised(_ name: String, _ input: Tensor) -> Tensor {
    let active = tape.relu(input)
    return norm(
      "\(name).bn",
      tape.concatenated([
        tape.convolution(active, parameter("\(name).conv_1.weight"), stride: 2),
        tape.convolution(tape.cropped(active), parameter("\(name).conv_2.weight"), stride: 2),
      ]))
  }

  private func zero(_ input: Tensor, stride: Int) -> Tensor {
    let values = tape.maximumPool(input, kernel: 1, stride: stride, padding: 0)
    return tape.scaled(values, by: [Double](repeating: 0, count: values.count))
  }

  private func operation(
    _ operation: CellOperation, _ name: String, _ input: Tensor, stride: Int, stream: UInt32
  ) -> Tensor {
    switch operation {
    case .none: return zero(input, stride: stride)
    case .skipConnect: return stride == 1 ? input : factorised(name, input)
    case .maxPool3x3: return tape.maximumPool(input, kernel: 3, stride: stride, padding: 1)
    case .averagePool3x3: return tape.averagePool(input, kernel: 3, stride: stride, padding: 1)
    case .noise:
      let shape = [input.shape[0], input.shape[1], input.shape[2] / stride, input.shape[3] / stride]
      guard let kernels = try? Kernels.select() else { preconditionFailure("no kernels") }
      let random = ReferenceRandom(key: batch.noiseKey, images: batch.count)
      return tape.tensor(
        shape,
        random.normals(channels: shape[1], pixels: shape[2] * shape[3], stream: stream, kernels: kernels).map(Scalar.init))
    default:
      guard case .depthwise(let kernel, let dilation, let times) = operation.form else {
        preconditionFailure("the reference does not know \(operation.rawValue)")
      }
      let first = separable(name, 1, input, kernel: kernel, dilation: dilation, stride: stride)
      return times == 1 ? first : separable(name, 5, first, kernel: kernel, dilation: dilation, stride: 1)
    }
  }

  private func separable(
    _ name: String, _ first: Int, _ input: Tensor, kernel: Int, dilation: Int, stride: Int
  ) -> Tensor {
    let values = tape.separable(
      input, depthwise: parameter("\(name).op.\(first).weight"), pointwise: parameter("\(name).op.\(first + 1).weight"),
      kernel: kernel, dilation: dilation, stride: stride)
    return norm("\(name).op.\(first + 2)", values)
  }

  /// NAS-Bench-201's network of one architecture (arXiv 2001.00326, §2.1).
  private func stages(_ count: Int) -> Tensor {
    let cells = architecture.layers / count
    var values = convolved(images(), "stem.0.weight", norm: "stem.1")
    for index in 0..<count * (cells + 1) - 1 {
      values = index % (cells + 1) == cells ? block("cells.\(index)", values) : stageCell("cells.\(index)", values)
    }
    return tape.relu(norm("lastact.0", values))
  }

  private func block(_ name: String, _ input: Tensor) -> Tensor {
    let first = convolved(tape.relu(input), "\(name).conv_a.op.1.weight", norm: "\(name).conv_a.op.2", stride: 2)
    let second = convolved(tape.relu(first), "\(name).conv_b.op.1.weight", norm: "\(name).conv_b.op.2")
    let means = tape.averagePool(input, kernel: 2, stride: 2, padding: 0)
    return tape.mixture([(tape.convolution(means, parameter("\(name).downsample.1.weight")), nil), (second, nil)])
  }

  private func stageCell(_ name: String, _ input: Tensor) -> Tensor {
    var states = [input]
    var edges = Array(architecture.genotype.cells[0].edges.enumerated())
    for target in 1...3 {
      let terms = edges.prefix(target).map { index, edge in stageOperation(edge, "\(name).layers.\(index)", states) }
      edges.removeFirst(target)
      states.append(tape.mixture(terms.map { ($0, nil) }))
    }
    return states[3]
  }

  private func stageOperation(_ edge: Genotype.Edge, _ name: String, _ states: [Tensor]) -> Tensor {
    let input = states[edge.source]
    switch edge.operation.form {
    case .zero: return zero(input, stride: 1)
    case .identity: return input
    case .pool: return tape.averagePool(input, kernel: 3, stride: 1, padding: 1)
    case .dense(let kernel):
      return norm(
        "\(name).op.2", tape.convolution(tape.relu(input), parameter("\(name).op.1.weight"), padding: kernel / 2))
    case .depthwise, .noise: preconditionFailure("no such operation in a cell of a stage")
    }
  }
}
