import CKernels

/// The vector-space operations that optimisers need. Every operand must have the same count.
extension ParameterVector {
  /// self ← other.
  public func copy(from other: ParameterVector) {
    requireSameCount(other)
    storage.update(from: other.storage, count: count)
  }

  /// A new vector with the same values and kernels.
  public func duplicate() -> ParameterVector {
    let result = ParameterVector(count: count, kernels: kernels)
    result.copy(from: self)
    return result
  }

  /// self ← value in every entry.
  public func fill(_ value: Float) {
    storage.update(repeating: value, count: count)
  }

  /// self ← self + scale · other.
  public func add(_ other: ParameterVector, scaledBy scale: Float) {
    requireSameCount(other)
    kernels.table.pointee.add_scaled(storage, other.storage, scale, Int64(count))
  }

  /// self ← origin + Σ scale · direction. Each value is summed in double precision, in the order of the terms, and rounded to float32
  /// once; a term of scale 0 is left out, so that without any other the bits are those of `origin`.
  public func assign(_ origin: ParameterVector, movedBy terms: [(scale: Double, direction: ParameterVector)]) {
    requireSameCount(origin)
    let terms = terms.filter { $0.scale != 0 }
    for term in terms { requireSameCount(term.direction) }
    guard !terms.isEmpty else { return copy(from: origin) }
    func lanes(_ vector: ParameterVector, _ index: Int) -> SIMD8<Double> {
      SIMD8<Double>(UnsafeRawPointer(vector.storage + index).loadUnaligned(as: SIMD8<Float>.self))
    }
    var index = 0
    while index + 8 <= count {
      var sum = lanes(origin, index)
      for term in terms { sum += term.scale * lanes(term.direction, index) }
      UnsafeMutableRawPointer(storage + index).storeBytes(of: SIMD8<Float>(sum), as: SIMD8<Float>.self)
      index += 8
    }
    while index < count {
      var sum = Double(origin.storage[index])
      for term in terms { sum += term.scale * Double(term.direction.storage[index]) }
      storage[index] = Float(sum)
      index += 1
    }
  }

  /// ⟨self, other⟩, accumulated in double precision.
  public func dot(_ other: ParameterVector) -> Double {
    requireSameCount(other)
    var total = 0.0
    var start = 0
    while start < count {
      let end = min(start + 4096, count)
      var lanes = SIMD8<Double>()
      var index = start
      while index + 8 <= end {
        let a = SIMD8<Double>(UnsafeRawPointer(storage + index).loadUnaligned(as: SIMD8<Float>.self))
        let b = SIMD8<Double>(UnsafeRawPointer(other.storage + index).loadUnaligned(as: SIMD8<Float>.self))
        lanes.addProduct(a, b)
        index += 8
      }
      var block = lanes.sum()
      while index < end {
        block += Double(storage[index]) * Double(other.storage[index])
        index += 1
      }
      total += block
      start = end
    }
    return total
  }

  /// ‖self‖₂.
  public var norm: Double { kernels.table.pointee.sum_squares(storage, Int64(count)).squareRoot() }

  /// One step of SGD with momentum as PyTorch takes it, self being ω:
  /// v ← momentum · v + gradientScale · g + weightDecay · ω, then ω ← ω − learningRate · v.
  public func momentumStep(
    velocity: ParameterVector, gradient: ParameterVector, gradientScale: Float, learningRate: Float, momentum: Float,
    weightDecay: Float
  ) {
    requireSameCount(velocity)
    requireSameCount(gradient)
    kernels.table.pointee.momentum_step(
      storage, velocity.storage, gradient.storage,
      ck_sgd(scale: gradientScale, rate: learningRate, momentum: momentum, decay: weightDecay), Int64(count))
  }

  private func requireSameCount(_ other: ParameterVector) {
    precondition(count == other.count, "vectors of \(count) and \(other.count) values do not combine")
  }
}
