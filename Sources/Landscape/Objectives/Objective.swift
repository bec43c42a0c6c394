import Formats
import Runs

/// What a landscape shows at a point α (design vocabulary; ZARTS, §3.1–3.2): one `ObjectiveKind` with its parameters.
public struct Objective: Hashable, Sendable {
  /// A reference, since an objective is the key of every sample of a walk.
  private final class Declaration: Sendable {
    let kind: any ObjectiveKind
    let label: String
    init(_ kind: any ObjectiveKind) { (self.kind, label) = (kind, kind.label) }
  }

  private let declaration: Declaration

  public init(_ kind: any ObjectiveKind) { declaration = Declaration(kind) }

  /// Kinds in the order in which messages name them. One line a kind; its file says the rest.
  public static let standardKinds: [any ObjectiveKind.Type] = [
    FirstOrderLoss.self, SecondOrderLoss.self, TrueLoss.self, WeightEigenvalue.self, WeightConvexity.self,
    AlphaEigenvalue.self, RandomlyPerturbedLoss.self, AdversarialLoss.self,
  ]

  /// Kinds that lists and tables are read with. A program with kinds of its own binds them around its calls.
  @TaskLocal public static var kinds = standardKinds

  /// What a diagnosis holds against the true loss of a checkpoint.
  public static var approximations: [Objective] { kinds.flatMap { approximations(of: $0) } }

  private static func approximations<Kind: ObjectiveKind>(of kind: Kind.Type) -> [Objective] {
    kind.approximations.map { Objective($0) }
  }

  public var kind: any ObjectiveKind { declaration.kind }
  /// How the objective is written in a list: `first`, `second`, `true:10`.
  public var label: String { declaration.label }
  /// The cell `objective` of tables: `first`, `second` or `true`.
  public var name: String { kind.name }
  /// The cell `inner_steps` of tables, weight steps between ω and the loss: 0, 1 or M.
  public var innerSteps: Int { kind.innerSteps }
  /// The name in files of arrays: `first`, `true10`.
  public var arrayName: String { label.replacing(":", with: "") }
  /// The subscript of its symbol in figures: `1`, `2`, `M = 10`.
  public var mark: String { kind.mark }
  /// Its symbol in running text: `L₁₀`.
  public var symbol: String { kind.symbol }
  /// The same as markup of figures: `L_{M = 10}(α)`.
  public var formula: String { kind.formula }
  /// What it is, in a few words.
  public var account: String { kind.account }
  /// What its values are.
  public var quantity: ObjectiveQuantity { type(of: kind).quantity }
  /// M of a true loss; nil of every other objective.
  public var trueSteps: Int? { kind.trueSteps }
  /// Whether steps of ω are taken.
  public var takesSteps: Bool { kind.takesSteps }
  /// Training batches that there must be.
  public var trainingBatches: Int { kind.trainingBatches }

  public static func == (left: Self, right: Self) -> Bool {
    left.declaration === right.declaration || left.label == right.label
  }
  public func hash(into hasher: inout Hasher) { hasher.combine(label) }

  /// `first, second, true:STEPS or …`, for help and messages.
  public static var forms: String { list(kinds) }

  /// The same of losses alone.
  public static var lossForms: String { list(kinds.filter { $0.quantity == .loss }) }

  private static func list(_ kinds: [any ObjectiveKind.Type]) -> String {
    let forms = kinds.map { $0.form }
    return forms.count < 2 ? forms.joined() : forms.dropLast().joined(separator: ", ") + " or " + (forms.last ?? "")
  }

  /// The objective of a row of a table; nil where there is none such.
  public init?(name: String, innerSteps: Int) {
    guard
      let kind = Self.kinds.lazy.compactMap({ $0.init(name: name, innerSteps: innerSteps) as (any ObjectiveKind)? }).first
    else { return nil }
    self.init(kind)
  }

  /// Reads a list such as `first,second,true:10`.
  ///
  /// - Parameter setting: what the list belongs to, for messages.
  /// - Throws: `InputError` for an unknown or repeated entry, for `true` without a count of steps, and for an empty list.
  public static func parse(list: String, setting: String = "objectives") throws -> [Objective] {
    try ListText.distinct(list, of: "objective", setting: setting, forms: forms) { try parse($0, setting: setting) }
  }

  private static func parse(_ text: String, setting: String) throws -> Objective? {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    for kind in kinds where kind.form.prefix(while: { $0 != ":" }) == parts[0] {
      if let found = try kind.init(argument: parts.count > 1 ? parts[1] : nil, in: text, setting: setting) {
        return Objective(found)
      }
    }
    return nil
  }

  /// A number in subscript digits.
  static func subscripted(_ number: Int) -> String {
    String(
      String.UnicodeScalarView(
        "\(number)".unicodeScalars.map { digit in Unicode.Scalar(0x2080 + digit.value - 0x30) ?? digit }))
  }
}

extension Sequence where Element == Objective {
  /// The true loss of most inner steps, which the others are compared with; nil where there is none.
  public var truth: Objective? { filter { $0.trueSteps != nil }.max { ($0.trueSteps ?? 0) < ($1.trueSteps ?? 0) } }

  /// What all of them cost at one point together: objectives of a kind share what they can.
  public var cost: ObjectiveCost {
    var left = Array(self)
    var counted: [any ObjectiveKind] = []
    var sum = ObjectiveCost(losses: 0)
    while let first = left.first {
      let (cost, isCounted) = Self.cost(of: first.kind, among: left, beside: counted)
      sum = ObjectiveCost(
        losses: sum.losses + cost.losses, steps: sum.steps + cost.steps, vectors: sum.vectors + cost.vectors,
        stepsPerBatch: sum.stepsPerBatch + cost.stepsPerBatch, gradients: sum.gradients + cost.gradients)
      counted += left.filter(isCounted).map(\.kind)
      left.removeAll(where: isCounted)
    }
    return sum
  }

  private static func cost<Kind: ObjectiveKind>(
    of kind: Kind, among objectives: [Objective], beside counted: [any ObjectiveKind]
  ) -> (ObjectiveCost, isCounted: (Objective) -> Bool) {
    (Kind.cost(of: objectives.compactMap { $0.kind as? Kind }, beside: counted), { $0.kind is Kind })
  }
}
