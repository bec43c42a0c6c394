import Formats

/// How long a direction in ω is made, relative to ω (Li et al., *Visualizing the Loss Landscape of Neural Nets*, NeurIPS 2018, §4).
/// The values of ω are cut into blocks, and each block of the direction gets the norm of that block of ω; where ω is zero in a block,
/// so is the direction.
public enum WeightNormalisation: String, CaseIterable, Sendable {
  /// A block is what makes one output of a layer: a filter of a convolution, a row of a classifier. A tensor of one dimension (a
  /// bias, a scale or shift of batch norm) is one block as a whole.
  case filter
  /// A block is one tensor.
  case layer
  /// One block: all of ω that is not ignored.
  case model
  /// The direction keeps its length.
  case own = "none"
}

/// Parameters along which a direction in ω does not move.
public enum IgnoredWeights: String, CaseIterable, Sendable {
  /// None: all of ω moves.
  case none
  /// Tensors of one dimension: biases, and scales and shifts of batch norm.
  case biasbn

  func ignores(_ shape: [Int]) -> Bool { self == .biasbn && shape.count <= 1 }
}

/// Where the tensors of ω stand in the order of `BilevelProblem.export`.
struct WeightLayout {
  struct Tensor {
    let name: String
    let shape: [Int]
    let range: Range<Int>
  }

  /// Values that are scaled together.
  struct Block {
    let ranges: [Range<Int>]
    /// For messages.
    let name: String

    var count: Int { ranges.reduce(0) { $0 + $1.count } }
  }

  let tensors: [Tensor]

  init(_ named: [NamedTensor]) {
    var start = 0
    tensors = named.map { tensor in
      defer { start += tensor.values.count }
      return Tensor(name: tensor.name, shape: tensor.shape, range: start..<start + tensor.values.count)
    }
  }

  var count: Int { tensors.last?.range.upperBound ?? 0 }

  /// Blocks of what is not ignored, in order; empty ones are left out.
  func blocks(_ normalisation: WeightNormalisation, ignoring ignored: IgnoredWeights) -> [Block] {
    let kept = tensors.filter { !ignored.ignores($0.shape) && !$0.range.isEmpty }
    return switch normalisation {
    case .filter: kept.flatMap(filters)
    case .layer: kept.map { Block(ranges: [$0.range], name: $0.name) }
    case .model, .own: kept.isEmpty ? [] : [Block(ranges: kept.map(\.range), name: "ω")]
    }
  }

  /// Row-major tensors hold an output's values together.
  private func filters(of tensor: Tensor) -> [Block] {
    guard tensor.shape.count > 1, let outputs = tensor.shape.first, outputs > 0 else {
      return [Block(ranges: [tensor.range], name: tensor.name)]
    }
    let size = tensor.range.count / outputs
    return (0..<outputs).map { output in
      let start = tensor.range.lowerBound + output * size
      return Block(ranges: [start..<start + size], name: "filter \(output) of \(tensor.name)")
    }
  }

  /// Tensors of a vector as one list of doubles, in the order of the layout.
  static func flat(_ named: [NamedTensor]) throws -> [Double] {
    var result: [Double] = []
    result.reserveCapacity(named.reduce(0) { $0 + $1.values.count })
    for tensor in named {
      switch tensor.values {
      case .float32(let values): for value in values { result.append(Double(value)) }
      case .float64(let values): result += values
      case .int64, .uint8:
        throw InputError("not of real numbers", at: .words(tensor.name), found: "integers", wanted: "float32 or float64")
      }
    }
    return result
  }

  /// The tensors of such a list, float32.
  func tensors(of values: [Double]) -> [NamedTensor] {
    tensors.map { NamedTensor(name: $0.name, shape: $0.shape, values: .float32(values[$0.range].map { Float($0) })) }
  }
}
