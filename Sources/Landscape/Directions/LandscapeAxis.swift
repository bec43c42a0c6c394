import Formats

/// Whose directions the axes of a landscape are.
public enum LandscapeSpace: String, CaseIterable, Sendable {
  /// Of α, at the weights of the checkpoint.
  case alphas
  /// Of ω, at the α of the checkpoint.
  case weights
  /// Some of α and some of ω.
  case both
}

/// What one axis of a landscape runs along.
public enum LandscapeAxis: Hashable, Sendable {
  case alphas(DirectionKind)
  case weights(WeightDirectionKind)

  private static let alphaPrefix = "alpha:"
  private static let weightPrefix = "weights:"

  /// As in lists of one space.
  public var label: String {
    switch self {
    case .alphas(let kind): kind.label
    case .weights(let kind): kind.label
    }
  }

  /// As in lists of both.
  var prefixedLabel: String {
    switch self {
    case .alphas: Self.alphaPrefix + label
    case .weights: Self.weightPrefix + label
    }
  }

  /// Whether it is a principal component of a path.
  public var isPrincipal: Bool {
    switch self {
    case .alphas(.principal), .weights(.principal): true
    default: false
    }
  }

  var alphaKind: DirectionKind? { if case .alphas(let kind) = self { kind } else { nil } }
  var weightKind: WeightDirectionKind? { if case .weights(let kind) = self { kind } else { nil } }

  /// Reads a list: of one space as its kinds read it, of both with `alpha:` or `weights:` before each entry.
  ///
  /// - Throws: `InputError` for an entry that is none, and for a list over both with directions of one alone.
  public static func parse(list: String, over space: LandscapeSpace, setting: String = "directions") throws
    -> [LandscapeAxis]
  {
    switch space {
    case .alphas: return try DirectionKind.parse(list: list, setting: setting).map(LandscapeAxis.alphas)
    case .weights: return try WeightDirectionKind.parse(list: list, setting: setting).map(LandscapeAxis.weights)
    case .both:
      let axes = try ListText.values(
        list, of: "direction", setting: setting, forms: "alpha:KIND or weights:KIND"
      ) { entry -> [LandscapeAxis]? in
        if entry.hasPrefix(alphaPrefix) {
          return try parse(list: String(entry.dropFirst(alphaPrefix.count)), over: .alphas, setting: setting)
        }
        guard entry.hasPrefix(weightPrefix) else { return nil }
        return try parse(list: String(entry.dropFirst(weightPrefix.count)), over: .weights, setting: setting)
      }.flatMap { $0 }
      guard axes.contains(where: { $0.alphaKind != nil }), axes.contains(where: { $0.weightKind != nil }) else {
        throw InputError(
          "directions of one space alone", at: .setting(setting), found: "'\(list)'",
          wanted: "one with alpha: and one with weights: at least")
      }
      return axes
    }
  }
}

extension [LandscapeAxis] {
  /// Whose they are.
  public var space: LandscapeSpace {
    let weights = count { $0.weightKind != nil }
    return weights == 0 ? .alphas : weights == count ? .weights : .both
  }

  /// The list that is read back to them.
  public var list: String { map { space == .both ? $0.prefixedLabel : $0.label }.joined(separator: ",") }
}
