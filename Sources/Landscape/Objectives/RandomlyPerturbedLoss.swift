import Compute
import Formats
import Problems
import Runs

/// E_δ L_val(ω, p + δ), δ uniform in the ε-box around the mixing weights p of α: the mean over eight draws, the same at every point.
/// The validation loss as SDARTS-RS perturbs the training loss (Chen & Hsieh, SmoothDARTS, ICML 2020; `Random_alpha` in
/// attacker/perturb.py of its code).
struct RandomlyPerturbedLoss: ObjectiveKind {
  static let form = "random:EPS"
  static let draws = 8
  private static let word = "random"
  let size: Double

  init(size: Double) { self.size = size }

  init?(argument: Substring?, in text: String, setting: String) throws {
    size = try PerturbationSize.read(argument, of: Self.word, in: text, setting: setting)
  }

  init?(name: String, innerSteps: Int) {
    guard innerSteps == 0, let size = PerturbationSize.read(name, of: Self.word) else { return nil }
    self.size = size
  }

  var name: String { "\(Self.word):\(size)" }
  var innerSteps: Int { 0 }
  var mark: String { "rand, ε = \(size)" }
  var symbol: String { "L(rand, ε = \(size))" }
  var account: String { "the mean loss at mixing weights moved at random by up to \(size)" }

  static func cost(of group: [Self]) -> ObjectiveCost { .init(losses: draws * group.count) }

  func losses<Problem: BilevelProblem>(at point: ObjectivePoint<Problem>) throws -> [BatchLoss] {
    let box = try point.mixingBox(size: size, for: label)
    let draws = try (0..<Self.draws).map { draw in
      // No search has as many epochs.
      var stream = RandomStream(seed: 0, purpose: .perturbation, epoch: (1 << 24) - 1, index: draw)
      return try point.losses(alphas: box.alphas(at: box.randomPoint(&stream)))
    }
    return draws[0].indices.map { batch in
      BatchLoss(
        loss: draws.reduce(0) { $0 + $1[batch].loss } / Double(draws.count),
        correct: draws.reduce(0) { $0 + $1[batch].correct }, count: draws.reduce(0) { $0 + $1[batch].count })
    }
  }
}

/// ε of perturbed losses as lists and tables write it.
enum PerturbationSize {
  /// - Throws: `InputError` where it is absent or out of range.
  static func read(_ argument: Substring?, of word: String, in text: String, setting: String) throws -> Double {
    guard let argument else {
      throw InputError(
        "the perturbed loss needs a size", at: .setting(setting), found: "'\(text)'", wanted: "\(word):0.1, for example")
    }
    guard let size = Double(argument), RealBounds.ratio.contains(size) else {
      throw InputError(
        "not the size of a perturbation of mixing weights", at: .setting(setting), found: "'\(argument)' in '\(text)'",
        wanted: "a number \(RealBounds.ratio.wanted)")
    }
    return size
  }

  /// Of the cell of a table; nil where it is another's.
  static func read(_ name: String, of word: String) -> Double? {
    let parts = name.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0] == word, let size = Double(parts[1]), RealBounds.ratio.contains(size) else {
      return nil
    }
    return size
  }
}

extension ObjectivePoint {
  /// The ε-box around the mixing weights of the point.
  ///
  /// - Parameter objective: for the error.
  /// - Throws: `InputError` where nothing is mixed.
  func mixingBox(size: Double, for objective: String) throws -> MixingBox {
    guard alphas.count > 0 else {
      throw InputError(
        "there is no α", at: .setting("objectives"), found: objective, wanted: "objectives of ω, or a supernet")
    }
    return MixingBox(around: alphas, size: size, rule: problem.mixingRule)
  }
}

extension Objective {
  /// The mean loss under random perturbations of the mixing weights by up to ε.
  public static func randomlyPerturbed(size: Double) -> Objective { Objective(RandomlyPerturbedLoss(size: size)) }
}
