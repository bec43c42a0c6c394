import Formats
import Runs

/// What a landscape shows at a point α (design vocabulary; ZARTS, §3.1–3.2).
public enum Objective: Hashable, Sendable {
  /// L₁(α) = L_val(ω, α): what first-order DARTS descends.
  case firstOrder
  /// L₂(α) = L_val(ω − ξ∇_ω L_train(ω, α), α): what second-order DARTS descends.
  case secondOrder
  /// L_M(α) = L_val(ω_M(α), α), after M ≥ 1 SGD steps: what ZARTS descends, the true loss as M grows.
  case trueLoss(innerSteps: Int)

  /// The name in files and flags: `first`, `second` or `true`.
  public var name: String {
    switch self {
    case .firstOrder: "first"
    case .secondOrder: "second"
    case .trueLoss: "true"
    }
  }

  /// Weight steps between ω and the loss: 0, 1 or M.
  public var innerSteps: Int {
    switch self {
    case .firstOrder: 0
    case .secondOrder: 1
    case .trueLoss(let steps): steps
    }
  }

  /// How the objective is written in a list: `first`, `second`, `true:10`.
  public var label: String {
    switch self {
    case .firstOrder, .secondOrder: name
    case .trueLoss(let steps): "true:\(steps)"
    }
  }

  /// Most inner steps that a list may ask for.
  public static var largestInnerSteps: Int { RunBounds.innerSteps.range.upperBound }

  /// Reads a list such as `first,second,true:10`.
  ///
  /// - Parameter setting: what the list belongs to, for messages.
  /// - Throws: `InputError` for an unknown or repeated entry, for `true` without a count of steps, and for an empty list.
  public static func parse(list: String, setting: String = "objectives") throws -> [Objective] {
    var result: [Objective] = []
    for part in ListText.items(list) {
      let objective = try parse(part, setting: setting)
      guard !result.contains(objective) else {
        throw InputError("the same objective twice", at: .setting(setting), found: objective.label)
      }
      result.append(objective)
    }
    return result
  }

  private static func parse(_ text: String, setting: String) throws -> Objective {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    switch (String(parts[0]), parts.count) {
    case ("first", 1): return .firstOrder
    case ("second", 1): return .secondOrder
    case ("true", 2):
      guard let steps = RunBounds.innerSteps.count(parts[1]) else {
        throw InputError(
          "not a count of inner steps", at: .setting(setting), found: "'\(parts[1])' in '\(text)'",
          wanted: "a whole number from 1 to \(largestInnerSteps)")
      }
      return .trueLoss(innerSteps: steps)
    case ("true", 1):
      throw InputError(
        "the true loss needs a count of inner steps", at: .setting(setting), found: "'\(text)'",
        wanted: "true:10, for example")
    default:
      throw InputError(
        "unknown objective", at: .setting(setting), found: "'\(text)'",
        wanted: "first, second or true:STEPS, with commas between")
    }
  }
}
