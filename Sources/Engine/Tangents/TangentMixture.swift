import CKernels
import Compute

/// Σ_t w_t·x_t with mixing weights that α may move, or 1: a node, or what bypasses the operations into it.
final class TangentMixture: TangentOperation {
  struct Term {
    let tensor: TangentTensor
    /// Nil where the weight is 1.
    let mixingIndex: Int?
  }

  let output: TangentTensor
  var makes: TangentTensor? { output }
  private let terms: [Term]
  private let kind: Int
  /// Of each term 16 times its weight, and 16 times its derivative.
  private let weights: Floats
  private let weightTangents: Floats
  private let zeros: Floats
  private let tape: TangentTape

  init(_ terms: [Term], kind: Int, shape: PlaneShape, tape: TangentTape) {
    self.terms = terms
    self.kind = kind
    self.tape = tape
    output = tape.tensor(
      shape, moves: terms.contains { $0.mixingIndex != nil && !tape.movesWeights || $0.tensor.tangents != nil })
    weights = tape.arena.allocate(Float.self, max(1, terms.count) * Lanes.count)
    weightTangents = tape.arena.allocate(Float.self, max(1, terms.count) * Lanes.count)
    zeros = tape.arena.allocate(Float.self, Lanes.count)
  }

  private var shape: PlaneShape { output.shape }
  private var pixels: Int32 { Int32(shape.blocks * shape.pixels) }

  func prepare() {
    for (index, term) in terms.enumerated() {
      let weight = term.mixingIndex.map { tape.run.mixing[kind][$0] } ?? 1
      let tangent = tape.movesWeights ? 0 : term.mixingIndex.map { tape.run.mixingTangents[kind][$0] } ?? 0
      (weights + index * Lanes.count).update(repeating: weight, count: Lanes.count)
      (weightTangents + index * Lanes.count).update(repeating: tangent, count: Lanes.count)
    }
  }

  func appendForward(to tape: TangentTape) {
    tape.open.onImage { [self] image, context in
      combine(image, context, into: output.values, terms.map { ($0.tensor.values) }, weights, accumulate: false)
      guard let tangents = output.tangents else { return }
      let mixingMoves = !tape.movesWeights
      if mixingMoves {
        combine(image, context, into: tangents, terms.map { $0.tensor.values }, weightTangents, accumulate: false)
      }
      combine(image, context, into: tangents, terms.map { $0.tensor.tangents }, weights, accumulate: mixingMoves)
    }
  }

  /// target ← (accumulate ? target : 0) + Σ coefficients · tensors; a tensor that is nil counts nothing.
  private func combine(
    _ image: Int, _ context: ChunkContext, into target: Activation, _ tensors: [Activation?], _ coefficients: Floats,
    accumulate: Bool
  ) {
    var (first, adds) = (0, accumulate)
    func run(_ range: Range<Int>) {
      for index in range {
        context.scratch.terms[index - range.lowerBound] = tensors[index].map { UnsafePointer($0.image(image)) }
      }
      tape.kernels.table.pointee.combine(
        target.image(image), Int32(Lanes.count), ck_terms(context.scratch, count: range.count),
        ck_coefficients(
          values: coefficients + range.lowerBound * Lanes.count, stride: Int64(Lanes.count),
          shift: adds ? nil : UnsafePointer(zeros)), pixels)
      adds = true
    }
    if !adds, tensors.allSatisfy({ $0 == nil }) { run(0..<0) }
    while first < tensors.count {
      guard tensors[first] != nil else {
        first += 1
        continue
      }
      var end = first
      while end < tensors.count, end - first < WorkerScratch.maximumTerms, tensors[end] != nil { end += 1 }
      run(first..<end)
      first = end
    }
  }

  func appendBackward(to tape: TangentTape) {
    guard let gradients = output.gradients else { return }
    if !tape.movesWeights { appendReduction(of: gradients, to: tape) }
    let (g, d) = (gradients.values, gradients.tangents)
    for (index, term) in terms.enumerated() {
      guard let target = tape.gradients(of: term.tensor) else { continue }
      tape.open.onImage { [self] image, context in
        combine(image, context, into: target.values, g, weights + index * Lanes.count)
        combine(image, context, into: target.tangents, d, weights + index * Lanes.count)
        if term.mixingIndex != nil, !tape.movesWeights {
          combine(image, context, into: target.tangents, g, weightTangents + index * Lanes.count)
        }
      }
    }
  }

  /// ∂L/∂w and its derivative.
  private func appendReduction(of gradients: TangentGradients, to tape: TangentTape) {
    let (offset, count) = (tape.open.reserveSums(3 * terms.count * Lanes.count), terms.count)
    let (g, d) = (gradients.values, gradients.tangents)
    let weighted = terms.indices.filter { terms[$0].mixingIndex != nil }
    tape.open.onImage { [self] image, context in
      let sums = context.sums + offset
      func reduce(_ gradient: Activation, _ row: Int, _ tensor: (Term) -> Activation?) {
        for index in weighted {
          guard let values = tensor(terms[index]) else { continue }
          context.scratch.terms[0] = UnsafePointer(values.image(image))
          tape.kernels.table.pointee.reduce(
            gradient.image(image), Int32(Lanes.count), ck_terms(context.scratch, count: 1),
            ck_products(products: sums + (row * count + index) * Lanes.count, stride: 0, gradient: nil), pixels)
        }
      }
      reduce(g, 0) { $0.tensor.values }
      reduce(d, 1) { $0.tensor.values }
      reduce(g, 2) { $0.tensor.tangents }
    }
    tape.open.onFinish { [self] sums, _ in
      func total(_ row: Int, _ index: Int) -> Double {
        let at = sums + offset + (row * count + index) * Lanes.count
        return (0..<Lanes.count).reduce(0.0) { $0 + at[$1] }
      }
      for index in weighted {
        guard let place = terms[index].mixingIndex else { continue }
        tape.run.gradient[kind][place] += total(0, index)
        tape.run.gradientTangents[kind][place] += total(1, index) + total(2, index)
      }
    }
  }

  /// target += coefficient · values.
  private func combine(
    _ image: Int, _ context: ChunkContext, into target: Activation, _ values: Activation, _ coefficient: Floats
  ) {
    context.scratch.terms[0] = UnsafePointer(values.image(image))
    tape.kernels.table.pointee.combine(
      target.image(image), Int32(Lanes.count), ck_terms(context.scratch, count: 1),
      ck_coefficients(values: coefficient, stride: Int64(Lanes.count), shift: nil), pixels)
  }
}
