import Compute
import Formats
import Problems
import Runs
import Statistics

/// Both ends of the spectrum of ∇²_ω L(ω, α) at a point: what its largest eigenvalue and its convexity are read from.
///
/// By Lanczos' process on exact products, from the same random start at every point, so that a value depends on its point
/// alone. It ends when both ends are within a hundredth of the larger by magnitude, as the code of Li et al. has it
/// (hess_vec_prod.py, lines 127 and 140, which leaves biases and batch norm out), or after so many products.
enum WeightCurvature {
  /// Products at most where a list names no number.
  static let usualSteps = 30
  /// Of the residuals, relative to the larger end by magnitude.
  static let tolerance = 0.01
  static let counts = CountBounds(2...10_000)

  /// The ends, and the examples that L is the mean over.
  struct Ends {
    let largest: Double
    let smallest: Double
    let examples: BatchLoss

    /// A value in the place of a loss, beside the accuracy of the point: one for all batches together.
    func valued(_ value: Double) -> [BatchLoss] {
      [BatchLoss(loss: value, correct: examples.correct, count: examples.count)]
    }
  }

  /// - Throws: what the problem throws where its data are damaged or memory is short. Where a product is not finite, neither
  ///   are the ends.
  static func ends<Problem: BilevelProblem>(at point: ObjectivePoint<Problem>, steps: Int) throws -> Ends {
    let known = point.once(Self.self) { Found() }
    if let ends = known.ends[steps] { return ends }
    let ends = try find(at: point, steps: steps)
    known.ends[steps] = ends
    return ends
  }

  private static func find<Problem: BilevelProblem>(at point: ObjectivePoint<Problem>, steps: Int) throws -> Ends {
    let start = try point.tool { _ in Start() }.vector(of: point.problem)
    let examples = BatchLoss(summing: try point.losses())
    let scratch = point.problem.makeVector()
    let hessian = WeightHessian(
      problem: point.problem, weights: point.weights, alphas: point.alphas, batchCount: point.batchCount
    ) { vector, take in
      for index in 0..<point.batchCount {
        let batch = try point.batch(index)
        let loss = try point.measure {
          try point.problem.weightHessianProduct(
            weights: point.weights, alphas: point.alphas, direction: vector, batch: batch, product: scratch)
        }
        take(scratch, loss.count)
      }
    }
    do {
      let space = try KrylovSpace(
        start: start.vector, dimension: start.count, limit: steps,
        isEnough: RitzPair.areFound(largest: 1, smallest: 1, tolerance: tolerance), product: hessian.product)
      return Ends(
        largest: space.ritz.last?.value ?? .nan, smallest: space.ritz.first?.value ?? .nan, examples: examples)
    } catch is Divergence {
      return Ends(largest: .nan, smallest: .nan, examples: examples)
    }
  }

  /// Ends at one point, by the number of products.
  private final class Found { var ends: [Int: Ends] = [:] }

  /// The start of all points of an evaluator.
  private final class Start {
    private var known: (vector: ParameterVector, count: Int)?

    func vector<Problem: BilevelProblem>(of problem: Problem) throws -> (vector: ParameterVector, count: Int) {
      if let known { return known }
      let made = (
        vector: try problem.randomWeightVector(.normals, seed: 0, epoch: 0, step: 0), count: problem.weightValueCount
      )
      known = made
      return made
    }
  }

  /// What objectives that ask for the ends cost beside others that are counted already: spaces of as many products are found
  /// once a point, one after the other, so the largest alone says what memory they take.
  static func cost(of steps: [Int], beside earlier: [Int]) -> ObjectiveCost {
    func vectors(_ steps: [Int]) -> Int { steps.max().map { $0 + 4 } ?? 0 }
    let own = Set(steps).subtracting(earlier)
    let products = own.reduce(0, +)
    return ObjectiveCost(
      losses: own.count, vectors: vectors(steps + earlier) - vectors(earlier),
      stepsPerBatch: Int((Double(products) * HessianProducts.stepsPerWeightProduct).rounded(.up)))
  }

  /// Reads what follows the colon of an entry of a list.
  static func steps(_ argument: Substring?, in text: String, setting: String) throws -> Int {
    guard let argument else { return usualSteps }
    guard let count = counts.count(argument) else {
      throw InputError(
        "not a number of products", at: .setting(setting), found: "'\(argument)' in '\(text)'", wanted: counts.wanted)
    }
    return count
  }

  /// Reads the cell `objective` of a table: a word alone, or with a number of products.
  static func steps(ofName name: String, word: String) -> Int? {
    if name == word { return usualSteps }
    guard name.hasPrefix(word + ":") else { return nil }
    return counts.count(name.dropFirst(word.count + 1))
  }

  /// As it is written: the word alone where the number is the usual one.
  static func name(_ word: String, _ steps: Int) -> String { steps == usualSteps ? word : "\(word):\(steps)" }
}
