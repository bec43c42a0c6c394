import Cells
import Compute
import Formats
import Problems
import Runs
import Search

/// A way to search that a path in a plane is made by: a method with its settings.
public struct ConfinedPathMethod: Equatable, Sendable {
  /// As it was asked for: the name of a method, or of a preset.
  public let name: String
  public let configuration: SearchConfiguration
  /// σ of candidates, the same along the path.
  public let sigma: Double

  /// A method or preset, on the space and the seed of the search that the plane belongs to.
  ///
  /// A method has the settings of that search where it is the search's own, with σ of the checkpoint's epoch; else its published
  /// ones for the space, with their first σ. A preset has its own settings and method, with its first σ.
  ///
  /// - Parameters:
  ///   - search: of the checkpoint.
  ///   - epoch: finished at the checkpoint.
  /// - Throws: `InputError` where there is no such method or preset, it does not move α by losses, or its settings don't fit the space.
  public init(_ name: String, in search: SearchConfiguration, epoch: Int, setting: String = "paths") throws {
    self.name = name
    if let method = SearchMethod(rawValue: name) {
      if method == search.method {
        configuration = search
        sigma = Schedules(search).sigma(epoch: min(epoch, search.epochs - 1))
      } else {
        var published = SearchConfiguration(method: method, space: search.space, dataset: search.dataset)
        published.seed = search.seed
        (configuration, sigma) = (published, published.sigma)
      }
    } else if let preset = SearchPreset.all.first(where: { $0.name == name }) {
      var own = try SearchConfiguration(preset: preset, given: .init(space: search.space, dataset: search.dataset))
      own.seed = search.seed
      (configuration, sigma) = (own, own.sigma)
    } else {
      throw InputError("no such method or preset", at: .setting(setting), found: "'\(name)'", wanted: Self.forms)
    }
    guard configuration.updatePlan.trainingSteps > 0 else {
      throw InputError(
        "has no path: its updates ask for no loss", at: .setting(setting), found: "'\(name)'", wanted: Self.forms)
    }
    try InputError.naming("path \(name)") { try configuration.validate() }
  }

  /// Whether there is a method or preset of that name.
  public static func exists(_ name: String) -> Bool {
    SearchMethod(rawValue: name) != nil || SearchPreset.all.contains { $0.name == name }
  }

  public static var forms: String {
    let methods = SearchMethod.all.filter {
      SearchConfiguration(method: $0, space: .s6, dataset: "").updatePlan.trainingSteps > 0
    }
    return methods.map(\.rawValue).joined(separator: ", ") + ", or a preset of zarts presets such as authors-path-gld"
  }

  /// What decides its updates, in a line: the settings that not every method reads, and σ.
  var account: String {
    let keys = SearchConfiguration.fields.filter { field in
      configuration.method.definition.settings.contains(field.key) && field.affects != .nothing && field.key != "sigma"
    }
    return
      (["method \(configuration.method.rawValue)", "sigma \(sigma)", "seed \(configuration.seed)"]
      + keys.map { "\($0.key) \($0.write(configuration))" }).joined(separator: ", ")
  }
}

/// The paths that methods would take in the plane of a landscape of α, each from one point, as the figure of paths in the ZARTS
/// authors' code has them (vicFigure/ZARTS 38bb2a6, cnn/loss_landscape/vis_optimzation.py).
public struct ConfinedPathSettings: Equatable, Sendable {
  public var methods: [ConfinedPathMethod]
  /// Updates of each.
  public var steps: Int
  /// Coordinates of the start.
  public var x: Double
  public var y: Double

  /// Eleven updates from (−0.5, 0.5) unless said otherwise, as there (lines 776–777; `max_iter` is asked for after an update, 326).
  ///
  /// - Throws: `InputError` where there is no method, one is there twice, or a number is out of range.
  public init(methods: [ConfinedPathMethod], steps: Int = 11, x: Double = -0.5, y: Double = 0.5) throws {
    guard !methods.isEmpty else {
      throw InputError("none given", at: .setting("paths"), wanted: ConfinedPathMethod.forms)
    }
    if let twice = methods.indices.first(where: { index in methods[..<index].contains { $0.name == methods[index].name } }) {
      throw InputError("the same path twice", at: .setting("paths"), found: "'\(methods[twice].name)'", wanted: "each once")
    }
    try Self.stepCounts.require(steps, at: .setting("path_steps"), "not a number of updates")
    for value in [x, y] { try RealBounds.finite.require(value, at: .setting("path_start"), "not a coordinate") }
    (self.methods, self.steps, self.x, self.y) = (methods, steps, x, y)
  }

  public static let stepCounts = CountBounds(1...100_000)

  /// Reads a start: two numbers with a comma between.
  ///
  /// - Throws: `InputError` for anything else.
  public static func start(parsing text: String) throws -> (x: Double, y: Double) {
    let numbers = ListText.items(text).map { Double($0) }
    guard numbers.count == 2, let x = numbers[0], let y = numbers[1], x.isFinite, y.isFinite else {
      throw InputError(
        "not a point of the plane", at: .setting("path_start"), found: "'\(text)'",
        wanted: "two finite numbers, such as -0.5,0.5")
    }
    return (x, y)
  }

  /// As keys and values of a YAML mapping.
  var entries: [(key: String, value: String)] {
    [
      ("paths", JSONText.quoted(methods.map(\.name).joined(separator: ","))), ("path_steps", "\(steps)"),
      ("path_start", JSONText.quoted("\(x),\(y)")),
    ] + methods.enumerated().map { ("path_\($0 + 1)", JSONText.quoted($1.account)) }
  }

  /// Most training batches that an update reads.
  public var trainingBatches: Int { methods.map(\.configuration.updatePlan.trainingBatches).max() ?? 0 }

  /// What the updates that are left take together.
  ///
  /// - Parameters:
  ///   - done: updates of each method that are finished.
  ///   - isRepeated: whether a method makes them once more, unless all are there (`ConfinedWalk.run`).
  func work(
    after done: [String: Int] = [:], isRepeated: (ConfinedPathMethod) throws -> Bool = { _ in false }
  ) rethrows -> EvaluationWork {
    try methods.reduce(EvaluationWork()) { sum, method in
      let plan = method.configuration.updatePlan
      let known = done[method.name] ?? 0
      let begins = try known > 0 && known < steps && isRepeated(method)
      let left = max(0, steps - (begins ? 0 : known))
      return sum + EvaluationWork(forwards: plan.evaluations, steps: plan.weightSteps + plan.alphaGradients).times(left)
    }
  }
}
