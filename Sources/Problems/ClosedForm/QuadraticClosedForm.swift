/// What is known exactly about a quadratic problem. Everything here is algebra in double precision on flat α [n] and
/// ω [d]; nothing goes through `gradient`, `takeWeightStep` or an optimiser, so that those can be tested against it.
/// Formulas hold for unshifted batches unless a batch is given, and where no gradient is long enough to be clipped.
extension QuadraticBilevelProblem {
  /// ω*(α) = Bα + b.
  public func bestResponse(alphas: [Double]) -> [Double] {
    sum(coefficients.response * alphas, coefficients.responseOffset)
  }

  /// The bilevel objective L_val(ω*(α), α).
  public func bilevelLoss(alphas: [Double]) -> Double {
    loss(weights: bestResponse(alphas: alphas), alphas: alphas, batch: validationSplitBatch(0))
  }

  /// Its gradient, D(α − a*) + BᵀV(ω*(α) − w*).
  public func bilevelGradient(alphas: [Double]) -> [Double] {
    validationGradient(weights: bestResponse(alphas: alphas), sensitivity: coefficients.response, alphas: alphas)
  }

  /// The α that minimises the bilevel objective: (D + BᵀVB) α = D a* + BᵀV(w* − b).
  public var optimum: [Double] { fixedPoint(sensitivity: coefficients.response) }

  /// Where first-order DARTS stops: a*, the root of ∇_α L_val at fixed ω. It differs from `optimum` unless
  /// V(ω*(a*) − w*) lies in the kernel of Bᵀ.
  public var firstOrderFixedPoint: [Double] { coefficients.alphaTarget }

  /// Where second-order DARTS stops when ω follows α exactly: the root of ∇L₂ at ω = ω*(α), weight decay 0. Since then
  /// ω' = ω*(α) and ∂ω'/∂α = ξAB, (D + ξBᵀAVB) α = D a* + ξBᵀAV(w* − b).
  public func secondOrderFixedPoint(learningRate: Double) -> [Double] {
    fixedPoint(sensitivity: learningRate * (coefficients.trainingCurvature * coefficients.response))
  }

  /// Where descent on L_M stops when ω follows α exactly: as for second order, with J_M = ∂ω_M/∂α in place of ξAB.
  /// Weight decay is taken as 0. It tends to `optimum` as M grows, since J_M tends to B.
  public func trueFixedPoint(innerSteps: Int, step: WeightStep) -> [Double] {
    var free = step
    free.weightDecay = 0
    return fixedPoint(sensitivity: innerSensitivity(innerSteps: innerSteps, step: free))
  }

  // MARK: The three objectives

  /// L₁(α) = L_val(ω, α).
  public func firstOrder(weights: [Double], alphas: [Double], validation: Batch? = nil) -> Double {
    loss(weights: weights, alphas: alphas, batch: validation ?? validationSplitBatch(0))
  }

  /// ∇L₁ = D(α − a*).
  public func firstOrderGradient(alphas: [Double]) -> [Double] {
    coefficients.alphaCurvature * sum(alphas, coefficients.alphaTarget, scaledBy: -1)
  }

  /// ω' = ω − ξ(A(ω − ω*(α) − s) + wd·ω + m·v), with ξ the step's learning rate.
  public func unrolledWeights(
    weights: [Double], velocity: [Double]? = nil, alphas: [Double], step: WeightStep, training: Batch? = nil
  ) -> [Double] {
    let shift = training?.shift ?? validationSplitBatch(0).shift
    let offset = sum(sum(weights, bestResponse(alphas: alphas), scaledBy: -1), shift, scaledBy: -1)
    var slope = sum(coefficients.trainingCurvature * offset, weights, scaledBy: Double(step.weightDecay))
    if let velocity { slope = sum(slope, velocity, scaledBy: Double(step.momentum)) }
    return sum(weights, slope, scaledBy: -Double(step.learningRate))
  }

  /// L₂(α) = L_val(ω', α).
  public func secondOrder(
    weights: [Double], velocity: [Double]? = nil, alphas: [Double], step: WeightStep, training: Batch? = nil,
    validation: Batch? = nil
  ) -> Double {
    let unrolled = unrolledWeights(weights: weights, velocity: velocity, alphas: alphas, step: step, training: training)
    return firstOrder(weights: unrolled, alphas: alphas, validation: validation)
  }

  /// ∇L₂ = D(α − a*) + ξBᵀAV(ω' − w*), since ∂ω'/∂α = ξAB.
  public func secondOrderGradient(
    weights: [Double], velocity: [Double]? = nil, alphas: [Double], step: WeightStep, training: Batch? = nil,
    validation: Batch? = nil
  ) -> [Double] {
    let unrolled = unrolledWeights(weights: weights, velocity: velocity, alphas: alphas, step: step, training: training)
    let sensitivity = Double(step.learningRate) * (coefficients.trainingCurvature * coefficients.response)
    return validationGradient(weights: unrolled, sensitivity: sensitivity, alphas: alphas, validation: validation)
  }

  /// ω_M(α) after one step for each batch. On a quadratic a step is an affine map of the stacked state z = (ω, v),
  ///
  ///     z ← P z + q,  P = [ I − η(A + wd·I)   −ηm·I ]   q = [ ηA(ω*(α) + s) ]
  ///                       [     A + wd·I        m·I ]       [ −A(ω*(α) + s) ]
  ///
  /// which is iterated here as such, apart from the code that it is to check.
  public func innerWeights(
    weights: [Double], velocity: [Double]? = nil, alphas: [Double], step: WeightStep, batches: [Batch]
  ) -> [Double] {
    let map = stepMap(step)
    let start = velocity ?? [Double](repeating: 0, count: weightCount)
    let response = bestResponse(alphas: alphas)
    var state = weights + start
    for batch in batches {
      let pull = coefficients.trainingCurvature * sum(response, batch.shift)
      state = sum(map * state, pull.map { Double(step.learningRate) * $0 } + pull.map { -$0 })
    }
    return Array(state[..<weightCount])
  }

  /// L_M(α) = L_val(ω_M(α), α).
  public func trueLoss(
    weights: [Double], velocity: [Double]? = nil, alphas: [Double], step: WeightStep, batches: [Batch],
    validation: Batch? = nil
  ) -> Double {
    let trained = innerWeights(weights: weights, velocity: velocity, alphas: alphas, step: step, batches: batches)
    return firstOrder(weights: trained, alphas: alphas, validation: validation)
  }

  /// ∇L_M = D(α − a*) + J_MᵀV(ω_M − w*), J_M = ∂ω_M/∂α.
  public func trueLossGradient(
    weights: [Double], velocity: [Double]? = nil, alphas: [Double], step: WeightStep, batches: [Batch],
    validation: Batch? = nil
  ) -> [Double] {
    let trained = innerWeights(weights: weights, velocity: velocity, alphas: alphas, step: step, batches: batches)
    let sensitivity = innerSensitivity(innerSteps: batches.count, step: step)
    return validationGradient(weights: trained, sensitivity: sensitivity, alphas: alphas, validation: validation)
  }

  /// J_M = ∂ω_M/∂α [d, n]: the upper half of Σ_{k<M} P^k (ηAB; −AB).
  public func innerSensitivity(innerSteps: Int, step: WeightStep) -> DenseMatrix {
    let map = stepMap(step)
    let pull = coefficients.trainingCurvature * coefficients.response
    let source = DenseMatrix(
      rows: 2 * weightCount, columns: pull.columns,
      values: (Double(step.learningRate) * pull).values + ((-1) * pull).values)
    var state = DenseMatrix(rows: 2 * weightCount, columns: pull.columns)
    for _ in 0..<innerSteps { state = map * state + source }
    return DenseMatrix(rows: weightCount, columns: pull.columns, values: Array(state.values[..<pull.values.count]))
  }

  // MARK: Parts

  private func stepMap(_ step: WeightStep) -> DenseMatrix {
    let (rate, momentum, decay) = (Double(step.learningRate), Double(step.momentum), Double(step.weightDecay))
    let size = weightCount
    var map = DenseMatrix(rows: 2 * size, columns: 2 * size)
    for row in 0..<size {
      for column in 0..<size {
        let unit = row == column ? 1.0 : 0.0
        let curvature = coefficients.trainingCurvature[row, column] + decay * unit
        map[row, column] = unit - rate * curvature
        map[row, size + column] = -rate * momentum * unit
        map[size + row, column] = curvature
        map[size + row, size + column] = momentum * unit
      }
    }
    return map
  }

  /// D(α − a*) + JᵀV(ω − w* − s): the total derivative of L_val where ω moves with α by J.
  private func validationGradient(
    weights: [Double], sensitivity: DenseMatrix, alphas: [Double], validation: Batch? = nil
  ) -> [Double] {
    let pull = weightPull(weights: weights, alphas: alphas, batch: validation ?? validationSplitBatch(0))
    return sum(firstOrderGradient(alphas: alphas), sensitivity.transposed * pull)
  }

  /// The root of D(α − a*) + JᵀV(Bα + b − w*).
  private func fixedPoint(sensitivity: DenseMatrix) -> [Double] {
    let coupling = sensitivity.transposed * coefficients.validationCurvature
    let right = sum(
      coefficients.alphaCurvature * coefficients.alphaTarget,
      coupling * sum(coefficients.weightTarget, coefficients.responseOffset, scaledBy: -1))
    let system = coefficients.alphaCurvature + coupling * coefficients.response
    // Singular only for a learning rate picked to make it so; then no isolated fixed point exists.
    return system.solve(right) ?? [Double](repeating: .nan, count: right.count)
  }
}
