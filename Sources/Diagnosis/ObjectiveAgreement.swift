import Landscape

/// How far an approximation was from L_M at random points around the α of a checkpoint.
public struct ObjectiveAgreement: Equatable, Sendable {
  public let objective: Objective
  /// Spearman's ρ with L_M over the points; nil where undefined.
  public var spearman: Double?
  /// Mean of the approximation less L_M over them; nil where nothing was compared.
  public var bias: Double?

  public init(_ objective: Objective, spearman: Double? = nil, bias: Double? = nil) {
    (self.objective, self.spearman, self.bias) = (objective, spearman, bias)
  }

  /// How verdicts write it: `L1`.
  public var name: String {
    objective.mark.allSatisfy { $0.isLetter || $0.isNumber } ? "L\(objective.mark)" : "L(\(objective.mark))"
  }

  /// Columns of tables: `spearman_first`, `spearman_second`, …, then `bias_first`, ….
  static func columns(_ objectives: [Objective]) -> [String] {
    ["spearman", "bias"].flatMap { statistic in objectives.map { "\(statistic)_\($0.arrayName)" } }
  }

  /// Under `columns`, nil where an objective was not measured.
  static func values(_ objectives: [Objective], in found: [ObjectiveAgreement]) -> [Double?] {
    let found = objectives.map { objective in found.first { $0.objective == objective } }
    return found.map { $0?.spearman } + found.map { $0?.bias }
  }

  /// Reads what `values` gave, as many as there are columns.
  static func read(_ objectives: [Objective], from values: [Double?]) -> [ObjectiveAgreement] {
    objectives.enumerated().map { index, objective in
      ObjectiveAgreement(objective, spearman: values[index], bias: values[objectives.count + index])
    }
  }
}
