import Foundation
import Landscape

/// Axes of landscapes of which some are ω's, in words.
extension PlotText {
  /// One axis.
  struct Axis {
    let space: LandscapeSpace
    /// What it runs along: `random`, `pca1`, the last part of a path.
    let name: String
    let unit: String
    var ignoresBiases = false

    /// With whose direction it is.
    var title: String { "\(space == .weights ? "ω" : "α") \(name)" }
  }

  private static let ownUnit = "its length"

  private static func unit(_ normalisation: WeightNormalisation) -> String {
    switch normalisation {
    case .filter: "filter-normalised"
    case .layer: "layer-normalised"
    case .model: "‖ω‖"
    case .own: ownUnit
    }
  }

  /// In their order.
  var axes: [Axis] {
    func list(_ key: String) -> [String] { (settings[key] ?? "").split(separator: ",").map(String.init) }
    let (normalisations, ignored) = (list("weight_normalisation"), list("ignore"))
    var number = 0
    return list("directions").map { label in
      let isWeight = space == .weights || label.hasPrefix("weights:")
      let kind = Self.plain(Self.lastPart(space == .both ? String(label.drop { $0 != ":" }.dropFirst()) : label))
      guard isWeight else { return Axis(space: .alphas, name: kind, unit: alphaUnit) }
      defer { number += 1 }
      let normalisation =
        normalisations.indices.contains(number) ? WeightNormalisation(rawValue: normalisations[number]) : nil
      return Axis(
        space: .weights, name: kind, unit: Self.unit(normalisation ?? .own),
        ignoresBiases: ignored.indices.contains(number) && ignored[number] == IgnoredWeights.biasbn.rawValue)
    }
  }

  /// `to:folder/run` as "to run".
  private static func lastPart(_ label: String) -> String {
    guard let colon = label.firstIndex(of: ":"), label.hasPrefix("to:") || label.hasPrefix("file:") else { return label }
    return "\(label[..<colon]) \((String(label[label.index(after: colon)...]) as NSString).lastPathComponent)"
  }

  /// "Random directions of seed 3, filter-normalised, without biases and batch norm; ‖ω‖ is 41.2; their cosine is 0.0007."
  func weightDirections(seed: String) -> String {
    let axes = axes
    let isRandom = axes.allSatisfy { $0.name == "random" }
    let what = isRandom ? "Random directions of seed \(seed)" : "Directions: \(axes.map(\.title).joined(separator: ", "))"
    let own = axes.filter { $0.space == .weights }
    let scales = own.map { $0.unit == Self.ownUnit ? "of its own length" : $0.unit == "‖ω‖" ? "of length ‖ω‖" : $0.unit }
      .unique()
    let whose = space == .both || scales.count > 1 ? ", in ω " : ", "
    let bare = own.contains(where: \.ignoresBiases) ? ", without biases and batch norm" : ""
    let facts = [("weights_norm", "‖ω‖"), ("direction_cosine", "their cosine")].compactMap { key, name in
      settings[key].flatMap(Double.init).map { "; \(name) is \(Self.decimal($0))" }
    }
    return what + whose + scales.joined(separator: " and ") + bare + facts.joined() + "."
  }

  /// The name of an axis, counted from 1: "ω direction 1", "ω pca1", "α first".
  func weightDirection(_ number: Int) -> String {
    let axes = axes
    guard axes.indices.contains(number - 1) else { return "direction \(number)" }
    let axis = axes[number - 1]
    return axis.name == "random" ? "\(axis.space == .weights ? "ω" : "α") direction \(number)" : axis.title
  }

  /// The label of an axis with its unit: "direction 1 (‖α‖ per cell)", "ω direction 1 (filter-normalised)".
  func axis(_ number: Int) -> String {
    let axes = space == .alphas ? [] : axes
    return "\(direction(number)) (\(axes.indices.contains(number - 1) ? axes[number - 1].unit : alphaUnit))"
  }
}
