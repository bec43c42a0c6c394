import CKernels

/// Batch statistics of one convolution or pool output, and the linear maps that normalisation and its backward pass are.
///
/// Ioffe & Szegedy 2015 with ε = 1e-5; without scale and shift inside cells, so y = (x − mean) · rstd.
final class BatchNorm {
  static let epsilon = 1e-5
  static let momentum = 0.1

  let channels: Int
  let lanes: Int
  /// Values that one channel's statistics run over, per image.
  let pixels: Int
  /// Index in the statistics layout.
  let entry: Int
  let mean: Doubles
  /// 1/√(variance + ε), in double precision for the coefficients that are derived from it.
  let exactRstd: Doubles
  let rstd: Floats
  /// −mean · rstd: with rstd, the map from x to y.
  let shift: Floats
  /// ∂L/∂x = gradientScale · g + outputScale · x + gradientShift, after `finishBackward`.
  let gradientScale: Floats
  let outputScale: Floats
  let gradientShift: Floats

  init(shape: PlaneShape, entry: Int, memory: PlanMemory) {
    channels = shape.channels
    lanes = shape.lanes
    pixels = shape.pixels
    self.entry = entry
    mean = memory.arena.allocate(Double.self, 2 * lanes)
    exactRstd = mean + lanes
    let block = memory.arena.allocate(Float.self, 5 * lanes)
    rstd = block
    shift = block + lanes
    gradientScale = block + 2 * lanes
    outputScale = block + 3 * lanes
    gradientShift = block + 4 * lanes
  }

  /// The same forward statistics with a backward map of its own: pools of a state are normalised once and used by many edges.
  init(sharingForwardOf other: BatchNorm, memory: PlanMemory) {
    channels = other.channels
    lanes = other.lanes
    pixels = other.pixels
    entry = other.entry
    mean = other.mean
    exactRstd = other.exactRstd
    rstd = other.rstd
    shift = other.shift
    let block = memory.arena.allocate(Float.self, 3 * lanes)
    gradientScale = block
    outputScale = block + lanes
    gradientShift = block + 2 * lanes
  }

  /// From Σx and Σx² over `images` images; moves the running statistics where they are given (unbiased variance).
  func finishForward(sum: UnsafePointer<Double>, squares: UnsafePointer<Double>, images: Int, running: Floats?) {
    let count = Double(images * pixels)
    for lane in 0..<lanes {
      let average = sum[lane] / count
      let variance = max(0, squares[lane] / count - average * average)
      let inverse = 1 / (variance + Self.epsilon).squareRoot()
      mean[lane] = average
      exactRstd[lane] = inverse
      rstd[lane] = Float(inverse)
      shift[lane] = Float(-average * inverse)
      if let running, lane < channels {
        let unbiased = count > 1 ? variance * count / (count - 1) : variance
        running[lane] += Float(Self.momentum) * (Float(average) - running[lane])
        running[lanes + lane] += Float(Self.momentum) * (Float(unbiased) - running[lanes + lane])
      }
    }
  }

  /// From Σg and Σg·x for y scaled by `weight` (a mixing weight): returns ∂L/∂weight = Σ g·y over all channels.
  @discardableResult
  func finishBackward(
    gradientSum: UnsafePointer<Double>, product: UnsafePointer<Double>, images: Int, weight: Float
  ) -> Double {
    let count = Double(images * pixels)
    var inner = 0.0
    for lane in 0..<lanes {
      let r = exactRstd[lane]
      let average = mean[lane]
      let normalised = r * (product[lane] - average * gradientSum[lane])
      let w = Double(weight)
      inner += normalised
      gradientScale[lane] = Float(w * r)
      outputScale[lane] = Float(-w * r * r * normalised / count)
      gradientShift[lane] = Float(w * r * (average * r * normalised - gradientSum[lane]) / count)
    }
    return inner
  }

  /// The same from Σg and Σg·y, y the normalised value that has taken the place of x: the map then applies to g and y.
  func finishBackwardNormalised(gradientSum: UnsafePointer<Double>, product: UnsafePointer<Double>, images: Int) {
    let count = Double(images * pixels)
    for lane in 0..<lanes {
      let r = exactRstd[lane]
      gradientScale[lane] = Float(r)
      outputScale[lane] = Float(-r * product[lane] / count)
      gradientShift[lane] = Float(-r * gradientSum[lane] / count)
    }
  }
}
