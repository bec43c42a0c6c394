import CKernels
import Compute

/// A node: the sum over its incoming edges of their mixtures, as one pass over the operations' raw outputs.
///
/// Batch norm followed by a mixing weight w is a·x + b per channel with a = w·γ·rstd and b = w·(β − γ·mean·rstd); the b of
/// all terms add up to one shift. Terms whose path an image drops are left out of that image's sum.
final class NodeSum {
  let output: Activation
  /// ∂L/∂node.
  let gradient: Activation
  let terms: [MixedEdge.Term]
  private let kind: Int
  private let coefficients: Floats
  /// Shift of each term, then of their sum.
  private let shifts: Floats
  private let state: PlanState
  /// Terms that an image keeps or drops together, one after another: those of one path, or one that is always kept. Where
  /// paths are dropped, each of them has a Σ g of its own.
  private let groups: [Range<Int>]
  private let hasPaths: Bool

  init(
    output: Activation, gradient: Activation, terms: [MixedEdge.Term], kind: Int, in lowering: Lowering
  ) {
    self.output = output
    self.gradient = gradient
    self.terms = terms
    self.kind = kind
    state = lowering.state
    hasPaths = terms.contains { $0.path != nil }
    groups = terms.indices.reduce(into: []) { groups, index in
      if let last = groups.last, let path = terms[index].path, terms[last.lowerBound].path == path {
        groups[groups.count - 1] = last.lowerBound..<index + 1
      } else {
        groups.append(index..<index + 1)
      }
    }
    let lanes = output.shape.lanes
    coefficients = lowering.allocate(Float.self, max(1, terms.count) * lanes)
    shifts = lowering.allocate(Float.self, (terms.count + 1) * lanes)
    precondition(terms.count < WorkerScratch.maximumTerms, "a node sums fewer than \(WorkerScratch.maximumTerms) terms")
  }

  private var lanes: Int { output.shape.lanes }
  /// Whether the present run drops paths of some images.
  private var dropsPaths: Bool { hasPaths && state.drops != nil }

  /// Once the statistics of every term are known.
  func updateCoefficients() {
    for lane in 0..<lanes {
      var total = 0.0
      for (index, term) in terms.enumerated() {
        let weight = Double(state.mixing(kind, term.mixingIndex))
        if let own = term.lanes, !own.contains(lane) {
          coefficients[index * lanes + lane] = 0
          shifts[index * lanes + lane] = 0
        } else if let norm = term.norm ?? term.view {
          let factor = weight * norm.weight(lane) * norm.exactRstd[lane]
          let shift = weight * norm.bias(lane) - factor * norm.mean[lane]
          coefficients[index * lanes + lane] = Float(factor)
          shifts[index * lanes + lane] = Float(shift)
          total += shift
        } else {
          coefficients[index * lanes + lane] = Float(weight)
          shifts[index * lanes + lane] = 0
        }
      }
      shifts[terms.count * lanes + lane] = Float(total)
    }
  }

  func forward(image: Int, scratch: WorkerScratch) {
    let shape = output.shape
    let maps = dropsPaths ? keptMaps(image: image, scratch: scratch) : (coefficients, shifts)
    for block in 0..<shape.blocks {
      for (index, term) in terms.enumerated() {
        scratch.terms[index] = UnsafePointer(term.values.block(block, image: image))
      }
      state.kernels.pointee.combine(
        output.block(block, image: image), output.memoryLanes(block), ck_terms(scratch, count: terms.count),
        ck_coefficients(
          values: maps.0 + block * Lanes.count, stride: Int64(lanes),
          shift: maps.1 + terms.count * lanes + block * Lanes.count), Int32(shape.pixels))
    }
  }

  /// Coefficients and shifts of an image some of whose paths are dropped and the others scaled.
  private func keptMaps(image: Int, scratch: WorkerScratch) -> (Floats, Floats) {
    let kept = scratch.coefficients
    let total = kept + terms.count * lanes
    for lane in 0..<lanes { total[lane] = 0 }
    for (index, term) in terms.enumerated() {
      let keep = state.keep(term.path, image: image)
      for lane in 0..<lanes {
        kept[index * lanes + lane] = keep * coefficients[index * lanes + lane]
        total[lane] += keep * shifts[index * lanes + lane]
      }
    }
    return (kept, kept)
  }

  /// Doubles that `reduce` adds to: Σ g·x of each term, then Σ g, of every lane; where paths are dropped, Σ g of each group.
  var sumCount: Int { (terms.count + (hasPaths ? groups.count : 1)) * lanes }

  /// Whether the backward pass needs Σ g·x of a term: for the map of its norm, or for its mixing weight.
  private func isReduced(_ term: MixedEdge.Term) -> Bool { term.norm != nil || state.wantsMixingGradient }

  /// Once ∂L/∂node of the image is complete.
  func reduce(image: Int, sums: Doubles, scratch: WorkerScratch) {
    let shape = output.shape
    for block in 0..<shape.blocks {
      func reduce(_ terms: Range<Int>, gradientSum: Doubles?) {
        for (place, index) in terms.enumerated() {
          scratch.terms[place] = UnsafePointer(self.terms[index].values.block(block, image: image))
        }
        state.kernels.pointee.reduce(
          gradient.block(block, image: image), gradient.memoryLanes(block), ck_terms(scratch, count: terms.count),
          ck_products(
            products: sums + terms.lowerBound * lanes + block * Lanes.count, stride: Int64(lanes),
            gradient: gradientSum.map { $0 + block * Lanes.count }), Int32(shape.pixels))
      }
      func reduceAll(_ group: Range<Int>, gradientSum: Doubles) {
        var start = group.lowerBound
        var gradientSum: Doubles? = gradientSum
        while let first = terms[start..<group.upperBound].firstIndex(where: isReduced) {
          start = terms[first..<group.upperBound].firstIndex { !isReduced($0) } ?? group.upperBound
          reduce(first..<start, gradientSum: gradientSum)
          gradientSum = nil
        }
      }
      guard dropsPaths else {
        reduceAll(0..<terms.count, gradientSum: sums + terms.count * lanes)
        continue
      }
      for (place, group) in groups.enumerated() where state.keep(terms[group.lowerBound].path, image: image) != 0 {
        reduceAll(group, gradientSum: sums + (terms.count + place) * lanes)
      }
    }
  }

  /// Mixing-weight gradients, and each term's backward map.
  func finishBackward(sums: Doubles, images: Int) {
    guard dropsPaths else {
      return finishBackward(0..<terms.count, sums: sums, gradientSum: sums + terms.count * lanes, images)
    }
    for (place, group) in groups.enumerated() {
      let gradientSum = sums + (terms.count + place) * lanes
      let scale = Double(state.scale(terms[group.lowerBound].path))
      for lane in 0..<lanes { gradientSum[lane] *= scale }
      for value in group.lowerBound * lanes..<group.upperBound * lanes { sums[value] *= scale }
      finishBackward(group, sums: sums, gradientSum: gradientSum, images)
    }
  }

  private func finishBackward(_ group: Range<Int>, sums: Doubles, gradientSum: Doubles, _ images: Int) {
    for index in group where isReduced(terms[index]) {
      let term = terms[index]
      let product = sums + index * lanes
      let weight = state.mixing(kind, term.mixingIndex)
      var inner = 0.0
      if let norm = term.norm {
        inner = norm.finishBackward(
          gradientSum: gradientSum, product: product, images: images, weight: weight, part: term.lanes)
      } else if let view = term.view {
        for lane in 0..<lanes {
          inner += Double(view.scale[lane]) * product[lane] + Double(view.shift[lane]) * gradientSum[lane]
        }
      } else {
        for lane in 0..<lanes { inner += product[lane] }
      }
      if let index = term.mixingIndex { state.addGradient(kind, index, inner) }
    }
  }
}
