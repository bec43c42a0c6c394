import CKernels

/// Statistics of one convolution or pool output, and the linear maps that normalisation and its backward pass are.
///
/// Ioffe & Szegedy 2015 with ε = 1e-5: y = γ · (x − mean) · rstd + β, with γ = 1 and β = 0 inside the cells of a supernet.
final class BatchNorm {
  static let epsilon = 1e-5

  let channels: Int
  let lanes: Int
  /// Values that one channel's statistics run over, per image.
  let pixels: Int
  /// Where its running statistics begin: means, then variances.
  private let statisticsOffset: Int
  /// Offsets of γ and β in the weights; nil where they are 1 and 0.
  private let affine: (scale: Int, shift: Int)?
  let state: PlanState
  let mean: Doubles
  /// 1/√(variance + ε), in double precision for the coefficients that are derived from it.
  let exactRstd: Doubles
  /// γ · rstd.
  let scale: Floats
  /// β − γ · mean · rstd: with `scale`, the map from x to y.
  let shift: Floats
  /// ∂L/∂x = gradientScale · g + outputScale · x + gradientShift, after `finishBackward`.
  let gradientScale: Floats
  let outputScale: Floats
  let gradientShift: Floats

  /// - Parameters:
  ///   - name: public prefix of its statistics and, where it is affine, of γ and β.
  ///   - shape: of what it normalises.
  convenience init(_ name: String, shape: PlaneShape, isAffine: Bool, in lowering: Lowering) {
    let offset = lowering.statistics.place([name], channels: shape.channels)
    self.init(shape: shape, statisticsOffset: offset, affineName: isAffine ? name : nil, in: lowering)
  }

  /// One without γ and β that has several public names.
  convenience init(sharedBy names: [String], shape: PlaneShape, in lowering: Lowering) {
    let offset = lowering.statistics.place(names, channels: shape.channels)
    self.init(shape: shape, statisticsOffset: offset, affineName: nil, in: lowering)
  }

  /// Several public ones without γ and β, of `part` channels each, that share a block from their first lanes on.
  convenience init(packed members: [(name: String, first: Int)], part: Int, shape: PlaneShape, in lowering: Lowering) {
    let offset = lowering.statistics.place(packed: members, channels: part)
    self.init(shape: shape, statisticsOffset: offset, affineName: nil, in: lowering)
  }

  private init(shape: PlaneShape, statisticsOffset: Int, affineName: String?, in lowering: Lowering) {
    state = lowering.state
    self.statisticsOffset = statisticsOffset
    affine = affineName.map {
      (
        lowering.parameters.vector("\($0).weight", count: shape.channels),
        lowering.parameters.vector("\($0).bias", count: shape.channels)
      )
    }
    channels = shape.channels
    lanes = shape.lanes
    pixels = shape.pixels
    mean = lowering.allocate(Double.self, 2 * lanes)
    exactRstd = mean + lanes
    let block = lowering.allocate(Float.self, 5 * lanes)
    scale = block
    shift = block + lanes
    gradientScale = block + 2 * lanes
    outputScale = block + 3 * lanes
    gradientShift = block + 4 * lanes
  }

  /// The same forward statistics with a backward map of its own: pools of a state are normalised once and used by many edges.
  init(sharingForwardOf other: BatchNorm, in lowering: Lowering) {
    state = other.state
    affine = other.affine
    channels = other.channels
    lanes = other.lanes
    pixels = other.pixels
    statisticsOffset = other.statisticsOffset
    mean = other.mean
    exactRstd = other.exactRstd
    scale = other.scale
    shift = other.shift
    let block = lowering.allocate(Float.self, 3 * lanes)
    gradientScale = block
    outputScale = block + lanes
    gradientShift = block + 2 * lanes
  }

  /// γ of a lane.
  func weight(_ lane: Int) -> Double { affine.map { Double(state.weights[$0.scale + lane]) } ?? 1 }
  /// β of a lane.
  func bias(_ lane: Int) -> Double { affine.map { Double(state.weights[$0.shift + lane]) } ?? 0 }

  /// From Σx and Σx² over `images` images; moves the running statistics where they are given (unbiased variance), or takes
  /// the place of the batch's where the plan evaluates with them.
  func finishForward(sum: UnsafePointer<Double>, squares: UnsafePointer<Double>, images: Int) {
    let running = state.statistics.map { $0 + statisticsOffset }
    if let running, state.usesRunningStatistics {
      for lane in 0..<lanes {
        let isReal = lane < channels
        setStatistics(
          lane, mean: isReal ? Double(running[lane]) : 0, variance: isReal ? Double(running[lanes + lane]) : 0)
      }
      return
    }
    let count = Double(images * pixels)
    for lane in 0..<lanes {
      let average = sum[lane] / count
      let variance = max(0, squares[lane] / count - average * average)
      setStatistics(lane, mean: average, variance: variance)
      if let running, lane < channels {
        let unbiased = count > 1 ? variance * count / (count - 1) : variance
        running[lane] += state.statisticsMomentum * (Float(average) - running[lane])
        running[lanes + lane] += state.statisticsMomentum * (Float(unbiased) - running[lanes + lane])
      }
    }
  }

  private func setStatistics(_ lane: Int, mean average: Double, variance: Double) {
    let inverse = 1 / (variance + Self.epsilon).squareRoot()
    mean[lane] = average
    exactRstd[lane] = inverse
    guard let affine else {
      scale[lane] = Float(inverse)
      shift[lane] = Float(-average * inverse)
      return
    }
    let factor = Double(state.weights[affine.scale + lane]) * inverse
    scale[lane] = Float(factor)
    shift[lane] = Float(Double(state.weights[affine.shift + lane]) - factor * average)
  }

  /// From Σg and Σg·x for y scaled by `weight` (a mixing weight): returns ∂L/∂weight = Σ g·y over all channels, or over
  /// those of `part`. Where there are γ and β, their gradients go to the plan's. Running statistics do not move with x: then the
  /// map is γ · rstd · g alone.
  @discardableResult
  func finishBackward(
    gradientSum: UnsafePointer<Double>, product: UnsafePointer<Double>, images: Int, weight: Float, part: Range<Int>? = nil
  ) -> Double {
    let count = Double(images * pixels)
    let isFixed = state.usesRunningStatistics
    var inner = 0.0
    for lane in part ?? 0..<lanes {
      let r = exactRstd[lane]
      let average = mean[lane]
      let normalised = r * (product[lane] - average * gradientSum[lane])
      let w = Double(weight)
      inner += normalised
      gradientScale[lane] = Float(w * r)
      outputScale[lane] = isFixed ? 0 : Float(-w * r * r * normalised / count)
      gradientShift[lane] = isFixed ? 0 : Float(w * r * (average * r * normalised - gradientSum[lane]) / count)
      guard let affine else { continue }
      // γ multiplies what was rounded: the golden losses after ten steps hang on such bits (docs/accuracy.md).
      let gamma = state.weights[affine.scale + lane]
      gradientScale[lane] *= gamma
      outputScale[lane] *= gamma
      gradientShift[lane] *= gamma
      if let gradient = state.weightGradient {
        gradient[affine.scale + lane] = weight * Float(normalised)
        gradient[affine.shift + lane] = weight * Float(gradientSum[lane])
      }
    }
    return inner
  }

  /// The same from Σg and Σg·y, y the normalised value that has taken the place of x: the map then applies to g and y.
  func finishBackwardNormalised(gradientSum: UnsafePointer<Double>, product: UnsafePointer<Double>, images: Int) {
    let count = Double(images * pixels)
    let isFixed = state.usesRunningStatistics
    for lane in 0..<lanes {
      let r = exactRstd[lane]
      gradientScale[lane] = Float(r)
      outputScale[lane] = isFixed ? 0 : Float(-r * product[lane] / count)
      gradientShift[lane] = isFixed ? 0 : Float(-r * gradientSum[lane] / count)
    }
  }

  /// `gradientScale` for an image whose output was multiplied by `keep`.
  func gradientScale(keep: Float, scratch: WorkerScratch) -> UnsafePointer<Float> {
    guard keep != 1 else { return UnsafePointer(gradientScale) }
    for lane in 0..<lanes { scratch.coefficients[lane] = keep * gradientScale[lane] }
    return UnsafePointer(scratch.coefficients)
  }
}
