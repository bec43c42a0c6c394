import Formats
import Problems

/// Where a direction in the space of α comes from.
public enum DirectionKind: Hashable, Sendable {
  /// Standard normal values.
  case random
  /// −∇L₁: where first-order DARTS heads.
  case first
  /// −∇L₂: where second-order DARTS heads.
  case second
  /// −∇L_M, by central differences (`TrueLossDescent`): where a search without the bias of DARTS would head.
  case trueLoss(innerSteps: Int)
  /// The update that ZARTS-MGS would make of α at the checkpoint.
  case zarts
  /// A principal component of the path of α, counted from 1.
  case principal(Int)
  /// From the centre towards the α of a run folder's last checkpoint, or of a safetensors file.
  case towards(String)
  /// A tensor of a file: NAME.normal and NAME.reduce of a safetensors file, or an NPY array [2, edges, operations].
  case file(path: String, name: String?)

  /// As in flags and files.
  public var label: String {
    switch self {
    case .random: "random"
    case .first: "first"
    case .second: "second"
    case .trueLoss(let steps): Objective.trueLoss(innerSteps: steps).label
    case .zarts: "zarts"
    case .principal(let index): "pca\(index)"
    case .towards(let path): "to:\(path)"
    case .file(let path, let name): "file:\(path)" + (name.map { "#\($0)" } ?? "")
    }
  }

  /// Whether it takes passes of the network to know it.
  public var isComputed: Bool { [.first, .second, .zarts].contains(self) || descended != nil }

  /// Whether steps of ω are taken to know it.
  public var takesSteps: Bool { self == .second || self == .zarts || descended != nil }

  /// The objective whose losses around α it is made of; nil where it is made otherwise.
  var descended: Objective? {
    if case .trueLoss(let steps) = self { return .trueLoss(innerSteps: steps) }
    return nil
  }

  /// Whether it takes losses around α to know it.
  public var isDifferenced: Bool { descended != nil }

  /// What it takes to know it, a gradient counted as the training steps that it is as long as.
  ///
  /// - Parameter values: of α.
  func work(
    validationBatches: Int, recalibrationBatches: Int = 0, values: Int, zarts: ZARTSUpdateSettings
  ) -> EvaluationWork {
    switch self {
    case .first: .init(steps: GradientEstimator.first.steps * validationBatches)
    case .second: .init(steps: GradientEstimator.second.steps * validationBatches)
    case .zarts: zarts.work
    case .trueLoss(let steps):
      EvaluationWork(
        of: [.trueLoss(innerSteps: steps)], validationBatches: validationBatches,
        recalibrationBatches: recalibrationBatches
      ).times(2 * values)
    case .random, .principal, .towards, .file: .init()
    }
  }

  /// Whether the length of the direction means something by itself, so that it is kept unless asked otherwise.
  public var hasLength: Bool {
    switch self {
    case .principal, .towards: true
    default: false
    }
  }

  static let forms = "random, random*COUNT, first, second, true:STEPS, zarts, pca1, pca2, to:PATH or file:PATH#NAME"

  /// Most directions of a list.
  public static let largestCount = 10_000

  /// Reads a list such as `random,random`, `first,zarts` or `random*5`. Paths hold no comma.
  ///
  /// - Throws: `InputError` for an entry that is none.
  public static func parse(list: String, setting: String = "directions") throws -> [DirectionKind] {
    let kinds = try ListText.values(list, of: "direction", setting: setting, forms: forms) { part in
      try parse(part, setting: setting)
    }.flatMap { $0 }
    guard kinds.count <= largestCount else {
      throw InputError(
        "too many directions", at: .setting(setting), found: "\(kinds.count)", wanted: "at most \(largestCount)")
    }
    return kinds
  }

  private static func parse(_ text: String, setting: String) throws -> [DirectionKind]? {
    func unknown(_ expected: String) -> InputError {
      InputError("unknown direction", at: .setting(setting), found: "'\(text)'", wanted: expected)
    }
    switch text {
    case "random": return [.random]
    case "first": return [.first]
    case "second": return [.second]
    case "zarts": return [.zarts]
    default: break
    }
    if text == "true" || text.hasPrefix("true:") {
      let argument = text.contains(":") ? text.dropFirst(5) : nil
      return try TrueLoss(argument: argument, in: text, setting: setting).map { [.trueLoss(innerSteps: $0.innerSteps)] }
    }
    if text.hasPrefix("random*") {
      guard let count = Int(text.dropFirst(7)), (1...largestCount).contains(count) else {
        throw unknown("random*COUNT with a count from 1 to \(largestCount)")
      }
      return Array(repeating: .random, count: count)
    }
    if text.hasPrefix("pca") {
      guard let index = Int(text.dropFirst(3)), index >= 1 else { throw unknown("pca1, pca2, …") }
      return [.principal(index)]
    }
    if text.hasPrefix("to:") {
      guard text.count > 3 else { throw unknown("to: and the path of a run folder or a safetensors file") }
      return [.towards(String(text.dropFirst(3)))]
    }
    if text.hasPrefix("file:") {
      let parts = text.dropFirst(5).split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard !parts[0].isEmpty, parts.count == 1 || !parts[1].isEmpty else {
        throw unknown("file: and the path of a safetensors or NPY file, with #NAME for a tensor")
      }
      return [.file(path: parts[0], name: parts.count > 1 ? parts[1] : nil)]
    }
    return nil
  }
}
