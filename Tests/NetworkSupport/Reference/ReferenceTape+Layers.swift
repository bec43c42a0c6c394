extension ReferenceTape {
  func relu(_ input: Tensor) -> Tensor {
    let source = self[input]
    return record(input.shape, source.map { $0.value > 0 ? $0 : .zero }) { [unowned self] upstream in
      accumulate(input) { gradient in
        for index in source.indices where source[index].value > 0 { gradient[index] += upstream[index] }
      }
    }
  }

  /// Batch norm with the batch's own statistics or with given ones.
  ///
  /// - Parameters:
  ///   - running: means and variances of the channels; nil for the batch's.
  ///   - affine: scale and shift of the channels.
  /// - Returns: the values, and means and unbiased variances of the batch (PyTorch's running variance is unbiased).
  func batchNorm(
    _ input: Tensor, affine: (scale: Tensor, shift: Tensor)? = nil, running: (means: [Double], variances: [Double])? = nil
  ) -> (values: Tensor, means: [Double], variances: [Double]) {
    let (images, channels, pixels) = (input.shape[0], input.shape[1], input.shape[2] * input.shape[3])
    let source = self[input]
    let count = Scalar(Double(images * pixels))
    func channel(_ index: Int) -> Int { index / pixels % channels }
    func sums(_ term: (Int) -> Scalar) -> [Scalar] {
      var result = [Scalar](repeating: .zero, count: channels)
      for index in source.indices { result[channel(index)] += term(index) }
      return result
    }
    let batchMeans = sums { source[$0] }.map { $0 / count }
    let batchVariances = sums { index in
      let difference = source[index] - batchMeans[channel(index)]
      return difference * difference
    }.map { $0 / count }
    let means = running.map { $0.means.map(Scalar.init) } ?? batchMeans
    let variances = running.map { $0.variances.map(Scalar.init) } ?? batchVariances
    let rates = variances.map { Scalar(1) / ($0 + Scalar(1e-5)).squareRoot() }
    let normalised = source.indices.map { (source[$0] - means[channel($0)]) * rates[channel($0)] }
    let scales = affine.map { self[$0.scale] } ?? [Scalar](repeating: Scalar(1), count: channels)
    let shifts = affine.map { self[$0.shift] } ?? [Scalar](repeating: .zero, count: channels)
    let usesBatch = running == nil
    let values = normalised.indices.map { normalised[$0] * scales[channel($0)] + shifts[channel($0)] }
    let result = record(input.shape, values) { [unowned self] upstream in
      let sum = sums { upstream[$0] }
      let product = sums { upstream[$0] * normalised[$0] }
      accumulate(input) { gradient in
        for index in source.indices {
          let c = channel(index)
          let centred =
            usesBatch ? upstream[index] - sum[c] / count - normalised[index] * product[c] / count : upstream[index]
          gradient[index] += scales[c] * rates[c] * centred
        }
      }
      guard let affine else { return }
      accumulate(affine.scale) { gradient in for c in 0..<channels { gradient[c] += product[c] } }
      accumulate(affine.shift) { gradient in for c in 0..<channels { gradient[c] += sum[c] } }
    }
    let unbiased = Double(images * pixels) / Double(max(1, images * pixels - 1))
    return (result, batchMeans.map(\.value), batchVariances.map { $0.value * unbiased })
  }

  /// A value at each place of the output, from the places of the input in its window.
  private func pooled(
    _ input: Tensor, kernel: Int, stride: Int, padding: Int, _ parts: (_ window: [Int]) -> [(place: Int, factor: Double)]
  ) -> Tensor {
    let (height, width) = (input.shape[2], input.shape[3])
    let (rows, columns) = (
      (height + 2 * padding - kernel) / stride + 1, (width + 2 * padding - kernel) / stride + 1
    )
    let source = self[input]
    var chosen: [[(place: Int, factor: Double)]] = []
    for plane in 0..<input.shape[0] * input.shape[1] {
      for row in 0..<rows {
        for column in 0..<columns {
          var window: [Int] = []
          for y in max(0, row * stride - padding)..<min(height, row * stride - padding + kernel) {
            for x in max(0, column * stride - padding)..<min(width, column * stride - padding + kernel) {
              window.append((plane * height + y) * width + x)
            }
          }
          chosen.append(parts(window))
        }
      }
    }
    let values = chosen.map { $0.reduce(Scalar.zero) { $0 + source[$1.place] * Scalar($1.factor) } }
    return record([input.shape[0], input.shape[1], rows, columns], values) { [unowned self] upstream in
      accumulate(input) { gradient in
        for (index, parts) in chosen.enumerated() {
          for part in parts { gradient[part.place] += upstream[index] * Scalar(part.factor) }
        }
      }
    }
  }

  /// The largest value of each window, the first of equals, as PyTorch takes it.
  func maximumPool(_ input: Tensor, kernel: Int, stride: Int, padding: Int) -> Tensor {
    let source = self[input]
    return pooled(input, kernel: kernel, stride: stride, padding: padding) { window in
      var best = window[0]
      for place in window where source[place].value > source[best].value { best = place }
      return [(best, 1)]
    }
  }

  /// The mean of each window without what lies outside of the image.
  func averagePool(_ input: Tensor, kernel: Int, stride: Int, padding: Int) -> Tensor {
    pooled(input, kernel: kernel, stride: stride, padding: padding) { window in
      window.map { ($0, 1 / Double(window.count)) }
    }
  }

  /// Mean over the pixels, [N, C].
  func globalAverage(_ input: Tensor) -> Tensor {
    let pooled = averagePool(input, kernel: input.shape[2], stride: 1, padding: 0)
    return record([input.shape[0], input.shape[1]], self[pooled]) { [unowned self] upstream in
      accumulate(pooled) { gradient in for index in upstream.indices { gradient[index] += upstream[index] } }
    }
  }

  /// Mean cross-entropy of logits [N, classes], in nats.
  func crossEntropy(_ logits: Tensor, labels: [Int32], smoothing: Double = 0) -> Tensor {
    let (images, classes) = (logits.shape[0], logits.shape[1])
    let probabilities = self[softmax(logits, groups: (0..<images).map { Array($0 * classes..<($0 + 1) * classes) })]
    let count = Scalar(Double(images))
    func target(_ index: Int) -> Double {
      (Int(labels[index / classes]) == index % classes ? 1 - smoothing : 0) + smoothing / Double(classes)
    }
    let loss = probabilities.indices.reduce(Scalar.zero) { sum, index in
      let target = target(index)
      return target == 0 ? sum : sum - Scalar(target) * probabilities[index].logarithm() / count
    }
    return record([1], [loss]) { [unowned self] upstream in
      accumulate(logits) { gradient in
        for index in probabilities.indices {
          gradient[index] += upstream[0] * (probabilities[index] - Scalar(target(index))) / count
        }
      }
    }
  }

  /// Softmax within each group of places; places in no group are 0.
  func softmax(_ input: Tensor, groups: [[Int]]) -> Tensor {
    let source = self[input]
    var result = [Scalar](repeating: .zero, count: source.count)
    for group in groups {
      let largest = Scalar(group.map { source[$0].value }.max() ?? 0)
      let powers = group.map { (source[$0] - largest).exponential() }
      let total = powers.reduce(Scalar.zero, +)
      for (place, power) in zip(group, powers) { result[place] = power / total }
    }
    return record(input.shape, result) { [unowned self] upstream in
      accumulate(input) { gradient in
        for group in groups {
          let mean = group.reduce(Scalar.zero) { $0 + upstream[$1] * result[$1] }
          for place in group { gradient[place] += result[place] * (upstream[place] - mean) }
        }
      }
    }
  }
}
