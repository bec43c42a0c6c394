import Problems

/// A kind of objective that is read from both ends of the spectrum of ∇²_ω L (`WeightCurvature`).
protocol WeightCurvatureKind: ObjectiveKind {
  /// What a list and the cell `objective` call it, before a number of products.
  static var word: String { get }
  /// Products at most.
  var steps: Int { get }

  init(steps: Int)
  func value(of ends: WeightCurvature.Ends) -> Double
}

extension WeightCurvatureKind {
  static var form: String { "\(word):PRODUCTS" }

  init?(argument: Substring?, in text: String, setting: String) throws {
    self.init(steps: try WeightCurvature.steps(argument, in: text, setting: setting))
  }

  init?(name: String, innerSteps: Int) {
    guard innerSteps == 0, let steps = WeightCurvature.steps(ofName: name, word: Self.word) else { return nil }
    self.init(steps: steps)
  }

  var name: String { WeightCurvature.name(Self.word, steps) }
  var innerSteps: Int { 0 }
  var mark: String { "λ" }
  var hessianVariable: HessianVariable? { .weights }

  static func cost(of group: [Self]) -> ObjectiveCost { cost(of: group, beside: []) }

  /// One Krylov space serves all that ask for as many products.
  static func cost(of group: [Self], beside others: [any ObjectiveKind]) -> ObjectiveCost {
    WeightCurvature.cost(
      of: group.map(\.steps), beside: others.compactMap { ($0 as? any WeightCurvatureKind)?.steps })
  }

  func losses<Problem: BilevelProblem>(at point: ObjectivePoint<Problem>) throws -> [BatchLoss] {
    let ends = try WeightCurvature.ends(at: point, steps: steps)
    return ends.valued(value(of: ends))
  }
}
