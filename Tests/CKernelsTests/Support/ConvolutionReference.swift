/// A depthwise k×k convolution, zero-padded to keep the resolution at stride 1, then a 1×1 one: straight from the
/// definition, in double precision.
struct ConvolutionCase: CustomStringConvertible {
  var inputs: Int
  var outputs: Int
  var height: Int
  var width: Int
  var kernel: Int
  var dilation: Int
  var stride: Int
  /// Border of the padded planes: at least `reach`.
  var pad: Int

  /// Kernels and dilations that the depthwise part adds up: at kernel 9 two, whose taps follow each other.
  var parts: [(kernel: Int, dilation: Int)] { kernel == 9 ? [(5, 1), (5, 2)] : [(kernel, dilation)] }
  var reach: Int { dilation * (kernel / 2) }
  var taps: Int { parts.reduce(0) { $0 + $1.kernel * $1.kernel } }
  var outHeight: Int { (height - 1) / stride + 1 }
  var outWidth: Int { (width - 1) / stride + 1 }
  var outPixels: Int { outHeight * outWidth }

  var description: String {
    "\(inputs)→\(outputs) channels, \(height)×\(width), kernel \(kernel), dilation \(dilation), stride \(stride), pad \(pad)"
  }

  /// Calls `body` for every tap of every output of a channel that lies inside the input.
  private func forEachTap(_ body: (_ tap: Int, _ row: Int, _ column: Int, _ inputRow: Int, _ inputColumn: Int) -> Void) {
    let offsets = parts.flatMap { kernel, dilation in
      (0..<kernel * kernel).map {
        (dilation * ($0 / kernel - kernel / 2), dilation * ($0 % kernel - kernel / 2))
      }
    }
    for row in 0..<outHeight {
      for column in 0..<outWidth {
        for (tap, offset) in offsets.enumerated() {
          let y = row * stride + offset.0
          let x = column * stride + offset.1
          if y >= 0, y < height, x >= 0, x < width { body(tap, row, column, y, x) }
        }
      }
    }
  }

  /// `weights` is [channel][tap].
  func depthwise(_ input: Planes, _ weights: [Double]) -> Planes {
    var result = Planes(channels: inputs, height: outHeight, width: outWidth)
    for channel in 0..<inputs {
      forEachTap { tap, row, column, y, x in
        result[channel, row, column] += weights[channel * taps + tap] * input[channel, y, x]
      }
    }
    return result
  }

  /// `weights` is [output][input].
  func pointwise(_ input: Planes, _ weights: [Double]) -> Planes {
    var result = Planes(channels: outputs, height: outHeight, width: outWidth)
    for output in 0..<outputs {
      for channel in 0..<inputs {
        let weight = weights[output * inputs + channel]
        for pixel in 0..<outPixels {
          result.values[output * outPixels + pixel] += weight * input.values[channel * outPixels + pixel]
        }
      }
    }
    return result
  }

  struct Gradients {
    var input: Planes
    var depthwise: [Double]
    var pointwise: [Double]
  }

  /// Gradients of Σ gradient · output.
  func gradients(input: Planes, depthwise: [Double], pointwise: [Double], gradient: Planes) -> Gradients {
    let between = self.depthwise(input, depthwise)
    var betweenGradient = Planes(channels: inputs, height: outHeight, width: outWidth)
    var result = Gradients(
      input: Planes(channels: inputs, height: height, width: width), depthwise: [Double](repeating: 0, count: inputs * taps),
      pointwise: [Double](repeating: 0, count: outputs * inputs))
    for output in 0..<outputs {
      for channel in 0..<inputs {
        var sum = 0.0
        for pixel in 0..<outPixels {
          let g = gradient.values[output * outPixels + pixel]
          sum += g * between.values[channel * outPixels + pixel]
          betweenGradient.values[channel * outPixels + pixel] += g * pointwise[output * inputs + channel]
        }
        result.pointwise[output * inputs + channel] = sum
      }
    }
    for channel in 0..<inputs {
      forEachTap { tap, row, column, y, x in
        let g = betweenGradient[channel, row, column]
        result.depthwise[channel * taps + tap] += g * input[channel, y, x]
        result.input[channel, y, x] += g * depthwise[channel * taps + tap]
      }
    }
    return result
  }
}
