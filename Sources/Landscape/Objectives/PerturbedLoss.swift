import Compute
import Formats
import Problems

/// L_val(ω, p + δ) at mixing weights p of α that are moved by up to ε each: what a list and a table write of it.
protocol PerturbedLoss: ObjectiveKind {
  /// What stands before the colon in lists and tables.
  static var word: String { get }
  /// The same in figures.
  static var abbreviation: String { get }
  /// ε.
  var size: Double { get }
  init(size: Double)
}

extension PerturbedLoss {
  static var form: String { "\(word):EPS" }

  /// - Throws: `InputError` where it is absent or out of range.
  init?(argument: Substring?, in text: String, setting: String) throws {
    guard let argument else {
      throw InputError(
        "the perturbed loss needs a size", at: .setting(setting), found: "'\(text)'", wanted: "\(Self.word):0.1, for example"
      )
    }
    guard let size = Double(argument), RealBounds.ratio.contains(size) else {
      throw InputError(
        "not the size of a perturbation of mixing weights", at: .setting(setting), found: "'\(argument)' in '\(text)'",
        wanted: "a number \(RealBounds.ratio.wanted)")
    }
    self.init(size: size)
  }

  init?(name: String, innerSteps: Int) {
    let parts = name.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard innerSteps == 0, parts.count == 2, parts[0] == Self.word, let size = Double(parts[1]),
      RealBounds.ratio.contains(size)
    else {
      return nil
    }
    self.init(size: size)
  }

  var name: String { "\(Self.word):\(size)" }
  var innerSteps: Int { 0 }
  var mark: String { "\(Self.abbreviation), ε = \(size)" }
  var symbol: String { "L(\(mark))" }
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
