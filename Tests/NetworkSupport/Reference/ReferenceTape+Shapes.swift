extension ReferenceTape {
  /// Values of the input at given places.
  private func gathered(_ input: Tensor, _ shape: [Int], from places: [Int]) -> Tensor {
    let source = self[input]
    return record(shape, places.map { source[$0] }) { [unowned self] upstream in
      accumulate(input) { gradient in for (index, place) in places.enumerated() { gradient[place] += upstream[index] } }
    }
  }

  /// Places of a part of [N, C, H, W]: channels, and rows and columns from a first one on.
  private func places(_ shape: [Int], channels: [Int], from first: Int) -> [Int] {
    (0..<shape[0]).flatMap { image in
      channels.flatMap { channel in
        (first..<shape[2]).flatMap { row in
          (first..<shape[3]).map { ((image * shape[1] + channel) * shape[2] + row) * shape[3] + $0 }
        }
      }
    }
  }

  func channels(_ range: Range<Int>, of input: Tensor) -> Tensor {
    let shape = input.shape
    return gathered(
      input, [shape[0], range.count, shape[2], shape[3]], from: places(shape, channels: Array(range), from: 0))
  }

  /// Channel `c` of the result is `order[c]` of the input.
  func reordered(_ input: Tensor, channels order: [Int]) -> Tensor {
    gathered(input, input.shape, from: places(input.shape, channels: order, from: 0))
  }

  /// Without the first row and column.
  func cropped(_ input: Tensor) -> Tensor {
    let shape = input.shape
    return gathered(
      input, [shape[0], shape[1], shape[2] - 1, shape[3] - 1],
      from: places(shape, channels: Array(0..<shape[1]), from: 1))
  }

  /// Tensors one behind the other along the channels.
  func concatenated(_ parts: [Tensor]) -> Tensor {
    let shape = parts[0].shape
    let pixels = shape[2] * shape[3]
    let channels = parts.reduce(0) { $0 + $1.shape[1] }
    var origins: [(part: Int, place: Int)] = []
    for image in 0..<shape[0] {
      for (number, part) in parts.enumerated() {
        let size = part.shape[1] * pixels
        origins += (image * size..<(image + 1) * size).map { (number, $0) }
      }
    }
    let values = parts.map { self[$0] }
    return record([shape[0], channels, shape[2], shape[3]], origins.map { values[$0.part][$0.place] }) {
      [unowned self] upstream in
      for (number, part) in parts.enumerated() {
        accumulate(part) { gradient in
          for (index, origin) in origins.enumerated() where origin.part == number {
            gradient[origin.place] += upstream[index]
          }
        }
      }
    }
  }

  /// Values times constants.
  func scaled(_ input: Tensor, by factors: [Double]) -> Tensor {
    let source = self[input]
    return record(input.shape, source.indices.map { source[$0] * Scalar(factors[$0]) }) { [unowned self] upstream in
      accumulate(input) { gradient in
        for index in source.indices { gradient[index] += upstream[index] * Scalar(factors[index]) }
      }
    }
  }

  /// Σ weightᵢ · termᵢ, the weights entries of tensors, or 1 where there is none.
  func mixture(_ terms: [(values: Tensor, weight: (of: Tensor, at: Int)?)]) -> Tensor {
    let weights = terms.map { term in term.weight.map { self[$0.of][$0.at] } ?? Scalar(1) }
    let values = terms.map { self[$0.values] }
    let sums = values[0].indices.map { index in
      values.indices.reduce(Scalar.zero) { $0 + weights[$1] * values[$1][index] }
    }
    return record(terms[0].values.shape, sums) { [unowned self] upstream in
      for (number, term) in terms.enumerated() {
        accumulate(term.values) { gradient in
          for index in upstream.indices { gradient[index] += upstream[index] * weights[number] }
        }
        guard let weight = term.weight else { continue }
        accumulate(weight.of) { gradient in
          for index in upstream.indices { gradient[weight.at] += upstream[index] * values[number][index] }
        }
      }
    }
  }
}
