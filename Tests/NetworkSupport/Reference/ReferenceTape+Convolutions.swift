extension ReferenceTape {
  /// A convolution without bias, as PyTorch's `conv2d`: images [N, C, H, W], weights [O, C / groups, k, k].
  func convolution(
    _ input: Tensor, _ weights: Tensor, stride: Int = 1, padding: Int = 0, dilation: Int = 1, groups: Int = 1
  ) -> Tensor {
    let (images, height, width) = (input.shape[0], input.shape[2], input.shape[3])
    let (outputs, perGroup, kernel) = (weights.shape[0], weights.shape[1], weights.shape[2])
    let reach = dilation * (kernel - 1) + 1
    let (rows, columns) = ((height + 2 * padding - reach) / stride + 1, (width + 2 * padding - reach) / stride + 1)
    let inputs = input.shape[1]
    precondition(inputs == perGroup * groups && outputs.isMultiple(of: groups), "channels of another convolution")

    /// Every product of the sum: where in the output, the input and the weights.
    func forEachProduct(_ body: (_ output: Int, _ input: Int, _ weight: Int) -> Void) {
      for image in 0..<images {
        for output in 0..<outputs {
          let firstInput = output / (outputs / groups) * perGroup
          for channel in 0..<perGroup {
            let plane = (image * inputs + firstInput + channel) * height
            for dy in 0..<kernel {
              for dx in 0..<kernel {
                let weight = ((output * perGroup + channel) * kernel + dy) * kernel + dx
                for row in 0..<rows {
                  let y = row * stride - padding + dy * dilation
                  guard y >= 0, y < height else { continue }
                  let target = ((image * outputs + output) * rows + row) * columns
                  for column in 0..<columns {
                    let x = column * stride - padding + dx * dilation
                    guard x >= 0, x < width else { continue }
                    body(target + column, (plane + y) * width + x, weight)
                  }
                }
              }
            }
          }
        }
      }
    }

    let (source, factors) = (self[input], self[weights])
    var result = [Scalar](repeating: .zero, count: images * outputs * rows * columns)
    var products = 0
    forEachProduct {
      result[$0] += source[$1] * factors[$2]
      products += 1
    }
    count(products: products)
    return record([images, outputs, rows, columns], result) { [unowned self] upstream in
      accumulate(input) { gradient in forEachProduct { gradient[$1] += upstream[$0] * factors[$2] } }
      accumulate(weights) { gradient in forEachProduct { gradient[$2] += upstream[$0] * source[$1] } }
    }
  }

  /// The kernel of merged convolutions: W under the sum of the candidates' masks, each times its mixing weight.
  ///
  /// - Parameter masks: of each candidate the taps that it has, and where its weight stands in `mixing`.
  func maskedKernel(_ weights: Tensor, mixing: Tensor, masks: [(taps: Set<Int>, weight: Int)]) -> Tensor {
    let taps = weights.shape[2] * weights.shape[3]
    let (kernel, factors) = (self[weights], self[mixing])
    let sums = (0..<taps).map { tap in
      masks.filter { $0.taps.contains(tap) }.reduce(Scalar.zero) { $0 + factors[$1.weight] }
    }
    return record(weights.shape, kernel.indices.map { kernel[$0] * sums[$0 % taps] }) { [unowned self] upstream in
      accumulate(weights) { gradient in
        for index in kernel.indices { gradient[index] += upstream[index] * sums[index % taps] }
      }
      accumulate(mixing) { gradient in
        for (candidate, weight) in masks {
          for index in kernel.indices where candidate.contains(index % taps) {
            gradient[weight] += upstream[index] * kernel[index]
          }
        }
      }
    }
  }

  /// logits = x Wᵀ + b for x [N, C].
  func linear(_ input: Tensor, _ weights: Tensor, _ bias: Tensor) -> Tensor {
    let (images, channels, classes) = (input.shape[0], input.shape[1], weights.shape[0])
    let (source, factors, shifts) = (self[input], self[weights], self[bias])
    var result = [Scalar](repeating: .zero, count: images * classes)
    for image in 0..<images {
      for output in 0..<classes {
        var sum = shifts[output]
        for channel in 0..<channels { sum += source[image * channels + channel] * factors[output * channels + channel] }
        result[image * classes + output] = sum
      }
    }
    count(products: images * classes * channels)
    return record([images, classes], result) { [unowned self] upstream in
      accumulate(input) { gradient in
        for index in gradient.indices {
          for output in 0..<classes {
            gradient[index] += upstream[index / channels * classes + output] * factors[output * channels + index % channels]
          }
        }
      }
      accumulate(weights) { gradient in
        for index in gradient.indices {
          for image in 0..<images {
            gradient[index] += upstream[image * classes + index / channels] * source[image * channels + index % channels]
          }
        }
      }
      accumulate(bias) { gradient in
        for index in upstream.indices { gradient[index % classes] += upstream[index] }
      }
    }
  }
}

extension ReferenceTape {
  /// ReLU, depthwise and pointwise convolution.
  func separable(
    _ input: Tensor, depthwise: Tensor, pointwise: Tensor, kernel: Int, dilation: Int, stride: Int
  ) -> Tensor {
    let spread = convolution(
      relu(input), depthwise, stride: stride, padding: dilation * (kernel / 2), dilation: dilation,
      groups: input.shape[1])
    return convolution(spread, pointwise)
  }
}
