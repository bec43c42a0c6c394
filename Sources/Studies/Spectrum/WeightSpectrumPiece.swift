import Compute
import Formats
import Problems
import Statistics

/// A piece of a spectrum of ∇²_ω L that needs no other: one run of Lanczos' process, or one random vector for the trace.
enum WeightSpectrumPiece: Equatable {
  /// The largest eigenvalues and the smallest.
  case eigenvalues
  /// A start of the density, counted from 0.
  case density(Int)
  /// A random vector of the trace, counted from 0.
  case probe(Int)

  /// All pieces of a checkpoint, the longest first.
  static func all(_ settings: WeightSpectrumSettings) -> [WeightSpectrumPiece] {
    [.eigenvalues] + (0..<settings.densityStarts).map { .density($0) } + (0..<settings.probes).map { .probe($0) }
  }

  var isDensity: Bool { if case .density = self { true } else { false } }
  var isProbe: Bool { if case .probe = self { true } else { false } }

  /// Products at most.
  func products(_ settings: WeightSpectrumSettings) -> Int {
    switch self {
    case .eigenvalues: settings.eigenvalueSteps
    case .density: settings.densitySteps
    case .probe: 1
    }
  }

  /// The step of the random stream that its vector comes from. Kinds are 2²⁴ apart, so that more of one moves no other.
  private var step: Int {
    switch self {
    case .eigenvalues: 0
    case .density(let start): 1 << 24 | start
    case .probe(let probe): 2 << 24 | probe
    }
  }

  /// Computes the piece.
  ///
  /// - Parameter epoch: with the seed the key of random vectors.
  /// - Throws: what products throw.
  func result<Problem: BilevelProblem>(
    of hessian: WeightHessian<Problem>, problem: Problem, settings: WeightSpectrumSettings, epoch: Int, dimension: Int,
    counted: () -> Void
  ) throws -> WeightSpectrumResult {
    func product(_ vector: ParameterVector) throws -> ParameterVector {
      let product = try hessian.product(vector)
      counted()
      return product
    }
    let law: RandomLaw = self == .eigenvalues ? .normals : .signs
    let start = try problem.randomWeightVector(law, seed: settings.seed, epoch: epoch, step: step)
    switch self {
    case .eigenvalues:
      let wanted = min(settings.eigenvalues, dimension)
      let space = try KrylovSpace(
        start: start, dimension: dimension, limit: settings.eigenvalueSteps,
        isEnough: RitzPair.areFound(largest: wanted, smallest: 1, tolerance: settings.tolerance), product: product)
      let largest = Array(space.ritz.suffix(wanted).reversed())
      let ends = largest + space.ritz.prefix(1)
      return WeightSpectrumResult(
        rows: ends.map { .init($0.value, $0.residual) } + [
          .init(space.asymmetry.relative, space.asymmetry.eigenvalueBound), .init(Double(space.products), 0),
        ], vectors: settings.keepsVectors ? largest.map { space.vector(of: $0).values } : [])
    case .density:
      let space = try KrylovSpace(start: start, dimension: dimension, limit: settings.densitySteps, product: product)
      return WeightSpectrumResult(rows: space.ritz.map { .init($0.value, $0.weight) })
    case .probe: return WeightSpectrumResult(rows: [.init(start.dot(try product(start)), 0)])
    }
  }
}

/// What a piece comes to, in rows of two numbers: eigenvalues with residuals (the largest from the first down, then the
/// smallest; behind them the asymmetry with its bound and the number of products), nodes with weights, or zᵀHz.
struct WeightSpectrumResult: Equatable {
  struct Row: Equatable {
    let first: Double
    let second: Double
    init(_ first: Double, _ second: Double) { (self.first, self.second) = (first, second) }
  }

  var rows: [Row]
  /// Eigenvectors of the largest eigenvalues as they lie in memory, where they are kept.
  var vectors: [[Float]] = []

  /// As a message.
  var bytes: [UInt8] {
    var writer = MessageWriter()
    writer.write(rows.flatMap { [$0.first, $0.second] })
    writer.write(vectors.count)
    for vector in vectors { writer.write(vector) }
    return writer.bytes
  }

  init(rows: [Row], vectors: [[Float]] = []) { (self.rows, self.vectors) = (rows, vectors) }

  /// - Throws: `TruncatedMessage`.
  init(from reader: inout MessageReader) throws {
    let values = try reader.doubles()
    guard values.count % 2 == 0 else { throw TruncatedMessage() }
    rows = stride(from: 0, to: values.count, by: 2).map { Row(values[$0], values[$0 + 1]) }
    vectors = []
    for _ in 0..<max(0, try reader.int()) { vectors.append(try reader.floats()) }
  }
}
