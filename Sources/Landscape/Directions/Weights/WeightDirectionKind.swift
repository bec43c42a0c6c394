import Formats

/// Where a direction in the space of ω comes from.
public enum WeightDirectionKind: Hashable, Sendable {
  /// Standard normal values (Li et al., *Visualizing the Loss Landscape of Neural Nets*, NeurIPS 2018, §4).
  case random
  /// From the centre towards the ω of another checkpoint: a run folder's last, or a file.
  case towards(String)
  /// Tensors of a safetensors file: NAME. before each public name of ω, `direction1` where none is given.
  case file(path: String, name: String?)
  /// A principal component of the path of ω in a training, counted from 1.
  case principal(Int)
  /// An eigenvector of the Hessian of the loss in ω, counted from 1.
  case eigenvector(Int)

  /// As in flags and files.
  public var label: String {
    switch self {
    case .random: "random"
    case .towards(let path): "to:\(path)"
    case .file(let path, let name): "file:\(path)" + (name.map { "#\($0)" } ?? "")
    case .principal(let index): "pca\(index)"
    case .eigenvector(let index): "hessian\(index)"
    }
  }

  /// Whether the length of the direction means something by itself, so that it is kept unless asked otherwise. Of a file it is the
  /// length that whoever wrote it gave it.
  public var hasLength: Bool { self != .random }

  static let forms = "random, random*COUNT, to:PATH, file:PATH#NAME, pca1, pca2, … or hessian1, hessian2, …"

  /// Reads a list such as `random,random`, `to:PATH,random` or `pca1,pca2`. Paths hold no comma.
  ///
  /// - Throws: `InputError` for an entry that is none.
  public static func parse(list: String, setting: String = "directions") throws -> [WeightDirectionKind] {
    let kinds = try ListText.values(list, of: "direction of ω", setting: setting, forms: forms) { part in
      try parse(part, setting: setting)
    }.flatMap { $0 }
    guard kinds.count <= DirectionKind.largestCount else {
      throw InputError(
        "too many directions", at: .setting(setting), found: "\(kinds.count)",
        wanted: "at most \(DirectionKind.largestCount)")
    }
    return kinds
  }

  private static func parse(_ text: String, setting: String) throws -> [WeightDirectionKind]? {
    func unknown(_ expected: String) -> InputError {
      InputError("unknown direction of ω", at: .setting(setting), found: "'\(text)'", wanted: expected)
    }
    if text == "random" { return [.random] }
    if text.hasPrefix("random*") {
      guard let count = Int(text.dropFirst(7)), (1...DirectionKind.largestCount).contains(count) else {
        throw unknown("random*COUNT with a count from 1 to \(DirectionKind.largestCount)")
      }
      return Array(repeating: .random, count: count)
    }
    if text.hasPrefix("pca") {
      guard let index = Int(text.dropFirst(3)), index >= 1 else { throw unknown("pca1, pca2, …") }
      return [.principal(index)]
    }
    if text.hasPrefix("hessian") {
      guard let index = Int(text.dropFirst(7)), index >= 1 else { throw unknown("hessian1, hessian2, …") }
      return [.eigenvector(index)]
    }
    if text.hasPrefix("to:") {
      guard text.count > 3 else { throw unknown("to: and the path of a run folder or a file of weights") }
      return [.towards(String(text.dropFirst(3)))]
    }
    if text.hasPrefix("file:") {
      let parts = text.dropFirst(5).split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard !parts[0].isEmpty, parts.count == 1 || !parts[1].isEmpty else {
        throw unknown("file: and the path of a safetensors file, with #NAME for what stands before the names of ω")
      }
      return [.file(path: parts[0], name: parts.count > 1 ? parts[1] : nil)]
    }
    return nil
  }
}
