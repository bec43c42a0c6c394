import Problems

/// A kind of objective: what a landscape shows at a point α, declared in one file and listed in `Objective.kinds`. Whoever
/// reads, names, draws, plans or evaluates objectives asks it; `Objective` hands on the answers.
public protocol ObjectiveKind: Hashable, Sendable {
  /// How a list writes it, with placeholders in capitals: `first`, `true:STEPS`. What stands before the colon is its word.
  static var form: String { get }
  /// What values of the kind are.
  static var quantity: ObjectiveQuantity { get }

  /// Reads an entry of a list that begins with the kind's word; nil where there is no such entry.
  ///
  /// - Parameters:
  ///   - argument: what follows the colon; nil where there is none.
  ///   - text: the whole entry, and `setting` what the list belongs to, for messages.
  /// - Throws: `InputError` where the argument is not one.
  init?(argument: Substring?, in text: String, setting: String) throws
  /// Reads the cells `objective` and `inner_steps` of a table; nil where they are of another kind.
  init?(name: String, innerSteps: Int)

  /// How a list writes this one: `true:10`. No two objectives are written alike.
  var label: String { get }
  /// The cell `objective` of tables.
  var name: String { get }
  /// The cell `inner_steps` of tables: weight steps between ω and the loss.
  var innerSteps: Int { get }
  /// The subscript of its symbol in figures: `M = 10` of L_{M = 10}.
  var mark: String { get }
  /// Its symbol in running text: `L₁₀`.
  var symbol: String { get }
  /// The same as markup of figures: `L_{M = 10}(α)`.
  var formula: String { get }
  /// What it is, in a few words.
  var account: String { get }
  /// By what it differentiates twice; nil where it does not. Such products there are with the batches' own statistics alone.
  var hessianVariable: HessianVariable? { get }

  /// Of the kind, the approximations that a diagnosis holds against the true loss of a checkpoint.
  static var approximations: [Self] { get }
  /// M of a true loss, whose approximations are held against the one of most steps; nil of every other objective.
  var trueSteps: Int? { get }
  /// Whether steps of ω are taken, which begin with the momentum of the checkpoint and need its learning rate.
  var takesSteps: Bool { get }
  /// Training batches that there must be.
  var trainingBatches: Int { get }

  /// What several of the kind cost at one point, where they share what they can.
  static func cost(of group: [Self]) -> ObjectiveCost
  /// The same beside objectives of other kinds that are counted already, where it shares work with them. Default: it shares none.
  static func cost(of group: [Self], beside others: [any ObjectiveKind]) -> ObjectiveCost

  /// The values on each validation batch, in the place of losses, or one for all of them together.
  ///
  /// - Throws: what the problem throws where its data are damaged.
  func losses<Problem: BilevelProblem>(at point: ObjectivePoint<Problem>) throws -> [BatchLoss]
}

/// By what a curvature differentiates a loss twice.
public enum HessianVariable: Hashable, Sendable { case alphas, weights }

/// What objectives of one kind cost at one point.
public struct ObjectiveCost: Equatable, Sendable {
  /// Times that the validation batches are evaluated.
  public var losses: Int
  /// Training steps.
  public var steps: Int
  /// Vectors of ω's size that are kept from point to point.
  public var vectors: Int
  /// What products with a Hessian cost on each validation batch, in training steps.
  public var stepsPerBatch: Int
  /// Times that gradients of mixing weights are taken on the validation batches.
  public var gradients: Int

  public init(losses: Int, steps: Int = 0, vectors: Int = 0, stepsPerBatch: Int = 0, gradients: Int = 0) {
    (self.losses, self.steps, self.vectors, self.stepsPerBatch) = (losses, steps, vectors, stepsPerBatch)
    self.gradients = gradients
  }
}

extension ObjectiveKind {
  public static func cost(of group: [Self], beside others: [any ObjectiveKind]) -> ObjectiveCost { cost(of: group) }
  public static var approximations: [Self] { [] }
  public var trueSteps: Int? { nil }
  public var takesSteps: Bool { trainingBatches > 0 }
  public var trainingBatches: Int { innerSteps }
  public var label: String { name }
  public var formula: String { "L_{\(mark)}(α)" }
  public static var quantity: ObjectiveQuantity { .loss }
  public var hessianVariable: HessianVariable? { nil }
  /// Whether it takes derivatives that there are with the batches' own statistics alone.
  public var needsBatchStatistics: Bool { hessianVariable != nil }
}
