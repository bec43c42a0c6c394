import CKernels

/// A node: the sum over its incoming edges of their mixtures, as one pass over the operations' raw outputs.
///
/// Batch norm without scale and shift followed by a mixing weight w is a·x + b per channel with a = w·rstd and
/// b = −w·mean·rstd; the b of all terms add up to one shift.
final class NodeSum {
  let output: Activation
  /// ∂L/∂node.
  let gradient: Activation
  let terms: [MixedEdge.Term]
  private let reduction: Bool
  private let coefficients: Floats
  private let shift: Floats
  private let state: PlanState

  init(
    output: Activation, gradient: Activation, terms: [MixedEdge.Term], reduction: Bool, memory: PlanMemory, state: PlanState
  ) {
    self.output = output
    self.gradient = gradient
    self.terms = terms
    self.reduction = reduction
    self.state = state
    let lanes = output.shape.lanes
    coefficients = memory.arena.allocate(Float.self, max(1, terms.count) * lanes)
    shift = memory.arena.allocate(Float.self, lanes)
    precondition(terms.count <= WorkerScratch.maximumTerms, "a node sums at most \(WorkerScratch.maximumTerms) terms")
  }

  private var lanes: Int { output.shape.lanes }

  /// Once the statistics of every term are known.
  func updateCoefficients() {
    for lane in 0..<lanes {
      var total = 0.0
      for (index, term) in terms.enumerated() {
        let weight = Double(state.mixing(reduction, term.mixingIndex))
        if let norm = term.norm {
          coefficients[index * lanes + lane] = Float(weight * norm.exactRstd[lane])
          total -= weight * norm.exactRstd[lane] * norm.mean[lane]
        } else {
          coefficients[index * lanes + lane] = Float(weight)
        }
      }
      shift[lane] = Float(total)
    }
  }

  func forward(image: Int, scratch: WorkerScratch) {
    let shape = output.shape
    for block in 0..<shape.blocks {
      let at = block * shape.floatsPerBlock
      for (index, term) in terms.enumerated() { scratch.terms[index] = UnsafePointer(term.values.image(image) + at) }
      state.kernels.pointee.combine(
        output.image(image) + at, scratch.terms, coefficients + block * 16, Int64(lanes), shift + block * 16,
        Int32(terms.count), Int32(shape.pixels), 0)
    }
  }

  /// Doubles that `reduce` adds to: Σ g·x of each term, then Σ g, of every lane.
  var sumCount: Int { (terms.count + 1) * lanes }

  /// Once ∂L/∂node of the image is complete.
  func reduce(image: Int, sums: Doubles, scratch: WorkerScratch) {
    let shape = output.shape
    for block in 0..<shape.blocks {
      let at = block * shape.floatsPerBlock
      for (index, term) in terms.enumerated() { scratch.terms[index] = UnsafePointer(term.values.image(image) + at) }
      state.kernels.pointee.reduce(
        gradient.image(image) + at, scratch.terms, Int32(terms.count), Int32(shape.pixels), sums + block * 16, Int64(lanes),
        sums + terms.count * lanes + block * 16)
    }
  }

  /// Mixing-weight gradients, and each term's backward map.
  func finishBackward(sums: Doubles, images: Int) {
    let gradientSum = sums + terms.count * lanes
    for (index, term) in terms.enumerated() {
      let product = sums + index * lanes
      let weight = state.mixing(reduction, term.mixingIndex)
      var inner = 0.0
      if let norm = term.norm {
        inner = norm.finishBackward(gradientSum: gradientSum, product: product, images: images, weight: weight)
      } else {
        for lane in 0..<lanes { inner += product[lane] }
      }
      state.addGradient(reduction, term.mixingIndex, inner)
    }
  }
}
