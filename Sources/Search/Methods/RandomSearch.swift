import Cells
import Compute
import Formats
import Problems

extension SearchMethod {
  /// Random architectures with shared weights: the baseline.
  public static let random = SearchMethod(RandomMethod())
}

struct RandomMethod: MethodDefinition {
  var name: String { "random" }
  var summary: String { "random architectures with shared weights, the best of them kept: the baseline" }
  var settings: Set<String> { ["candidates", "groups"] }
  var searchesInStages: Bool { false }

  /// The 1000 architectures of Li & Talwalkar over the 50 epochs of a search.
  func setDefaults(_ configuration: inout SearchConfiguration) { configuration.candidates = 20 }

  func validate(_ configuration: SearchConfiguration) throws {
    try InputError.require(
      !configuration.edgeNormalisation, "edge_normalisation", true, "false: random search has no use for β")
    try InputError.require(
      configuration.keptOperations == nil, "operations", "some", "null: random search samples from the space")
    try InputError.require(
      configuration.perturbation == .none, "perturbation", configuration.perturbation.rawValue,
      "none: random search trains one architecture at a time, in which nothing is mixed")
  }

  func plan(_ configuration: SearchConfiguration) -> UpdatePlan { UpdatePlan() }

  /// Of the end of an epoch: the new architectures and the best one so far.
  func lossesAtOnce(_ configuration: SearchConfiguration) -> Int { configuration.candidates + 1 }

  func makeOptimiser<Problem: BilevelProblem>(
    _ configuration: SearchConfiguration, for problem: Problem
  ) throws -> any ArchitectureOptimiser<Problem> {
    try RandomSearch(problem: problem, space: configuration.space, candidates: configuration.candidates)
  }
}

/// Random search with weight sharing, the baseline that a search method has to beat (Li & Talwalkar, *Random search and
/// reproducibility for neural architecture search*, UAI 2019, §3.3).
///
/// Every weight step trains the shared weights within one architecture drawn uniformly (`SearchSpace.randomArchitecture`), in
/// every space within it alone: other edges and operations contribute nothing and get a gradient of zero, and momentum and
/// weight decay still move them, as in the public code. At the end of an epoch N further architectures and the best one so
/// far are evaluated with the shared weights, likewise alone, on the whole validation split, and α becomes the best of them.
///
/// The public code (liamcli/randomNAS_release, searchers/random_weight_share.py, lines 81–115) ranks 1000 once, at the end:
/// by the error on ten augmented batches with running statistics, the best ten then on the whole split. Here they are spread
/// over the epochs, so that a run has a result at any time, and each is ranked by its loss on the whole split with batch
/// statistics: running ones are averages over all architectures of the run, not of the one that is ranked.
public final class RandomSearch<Problem: BilevelProblem>: ArchitectureOptimiser {
  public let plan = UpdatePlan()
  public let space: SearchSpace
  /// N.
  public let candidates: Int
  /// α of the best architecture of the epochs so far; nil before the first.
  public private(set) var incumbent: ArchitectureParameters?
  private let problem: Problem

  /// - Throws: `InputError` where the problem's α does not have the shape of the space.
  public init(problem: Problem, space: SearchSpace, candidates: Int) throws {
    let (found, wanted) = (problem.initialAlphas, space.zeroAlphas)
    guard found.zeros == wanted else {
      throw InputError(
        "no architectures to sample", at: "method \(RandomMethod().name)",
        found: "α of [\(found.matrices[0].rows), \(found.matrices[0].columns)]",
        wanted: "[\(wanted.matrices[0].rows), \(wanted.matrices[0].columns)], the shape of \(space.rawValue)")
    }
    self.problem = problem
    self.space = space
    self.candidates = candidates
  }

  public var epochEndCost: Double { Double(candidates + 1) * Double(problem.validationSplitCount) / 3 }

  public func update(_ alphas: inout ArchitectureParameters, at step: ArchitectureStep<Problem>) throws -> ArchitectureReport
  {
    var stream = step.candidateStream(0)
    let before = alphas.flat
    alphas.flat = space.randomArchitecture(from: &stream).flat
    return ArchitectureReport(
      gradientNorm: nil, updateNorm: zip(alphas.flat, before).map { Double($0 - $1) }.length)
  }

  public func finishEpoch(_ alphas: inout ArchitectureParameters, at end: EpochEnd) throws -> Int {
    let sampled = (0..<candidates).map { index in
      var stream = RandomStream(seed: end.seed, purpose: .candidates, epoch: end.epoch, step: end.steps, index: index)
      return space.randomArchitecture(from: &stream)
    }
    // All in the network of this epoch, with its β of auxiliary skip connections.
    let rivals = ((incumbent.map { [$0] } ?? []) + sampled).map { architecture in
      var rival = alphas
      rival.flat = architecture.flat
      return rival
    }
    let losses = try
      (end.evaluate.map { try $0(rivals) }
      ?? problem.evaluateValidationSplit(weights: end.weights, each: rivals, isStopRequested: end.isStopRequested))
      .map(\.loss)
    let finite = losses.indices.filter { losses[$0].isFinite }
    guard let best = finite.min(by: { losses[$0] < losses[$1] }) else {
      throw Divergence("no sampled architecture has a finite validation loss: \(losses), ‖ω‖ \(end.weights.norm)")
    }
    incumbent = rivals[best]
    alphas = rivals[best]
    return losses.count - finite.count
  }

  public func exportState() -> [NamedTensor] {
    guard let incumbent else { return [] }
    return [NamedTensor(name: Self.stateName, shape: [incumbent.count], values: .float32(incumbent.flat))]
  }

  public func importState(from file: TensorFile) throws {
    guard file.contains(Self.stateName) else { return incumbent = nil }
    var result = space.zeroAlphas
    result.flat = try file.floats(Self.stateName, shape: [result.count])
    for (kind, cell) in zip(result.kinds, result.matrices) where kind.leavesEdgesOut && !cell.isChosen {
      throw InputError(
        "a random search of an earlier version, whose unchosen edges took part", at: .file(file.path, Self.stateName),
        found: "no edge of the \(kind.word) cell switched off", wanted: "a search begun anew")
    }
    incumbent = result
  }

  private static var stateName: String { "random.incumbent" }
}

extension CellKind {
  /// Whether its derived cell has fewer edges than its topology.
  fileprivate var leavesEdgesOut: Bool { derivedEdgeCount < topology.edges.count }
}
