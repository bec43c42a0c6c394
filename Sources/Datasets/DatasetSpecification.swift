import Formats

/// What the flag `--dataset` says: a kind, a path, and options after a question mark.
///
/// `fashion-mnist`, `fashion-mnist:DIR`, `cifar10:PATH`, `cifar100:PATH`, `svhn:DIR`, `svhn:DIR?extra=yes`, each of these
/// with `?side=16` (or `&side=16`) for images of half the side,
/// `images:DIR?size=N&crop=resized|padded&normalise=imagenet|cifar10|cifar100|svhn` or `tensors:FILE.safetensors`.
public struct DatasetSpecification: Sendable, CustomStringConvertible {
  let datasetKind: DatasetKind
  /// Where the data are.
  package let location: String
  /// Options that are not as usual.
  private let values: [String: String]
  /// Whether the images are brought to half their side.
  let isHalved: Bool

  /// - Parameter values: of the kind's options; others are as usual.
  init(_ kind: DatasetKind, at location: String, _ values: [String: String] = [:], isHalved: Bool = false) {
    (datasetKind, self.location, self.isHalved) = (kind, location, isHalved)
    let usual = Dictionary(uniqueKeysWithValues: kind.options.map { ($0.key, $0.usual) })
    self.values = values.filter { usual[$0.key] != $0.value }
  }

  /// Every form, for help texts and messages.
  public static var forms: String { DatasetKind.forms }

  /// - Throws: `InputError` when the text names no known dataset or option, or leaves out or adds a path.
  public init(parsing text: String) throws {
    var options = try DatasetOptions(text)
    let parts = options.path.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard let kind = DatasetKind.all.first(where: { $0.name == parts[0] }) else {
      throw InputError("no such dataset", at: .setting("dataset", being: text), found: "\"\(parts[0])\"", wanted: Self.forms)
    }
    guard let path = parts.count == 2 ? Self.expanded(parts[1]) : kind.usualPath, !path.isEmpty else {
      throw InputError(
        "no path is given", at: .setting("dataset", being: text),
        wanted: "\(kind.name):\(kind.place)" + (kind.usualPath == nil ? "" : ", or \(kind.name) alone"))
    }
    var values: [String: String] = [:]
    for option in kind.options { values[option.key] = try options.take(option) }
    let side = kind.mayBeHalved ? try options.take(.side) : nil
    try options.finish()
    self.init(kind, at: path, values, isHalved: side.map { $0 != DatasetOption.side.usual } ?? false)
  }

  /// The value of an option of its kind.
  package subscript(option key: String) -> String {
    values[key] ?? datasetKind.options.first { $0.key == key }?.usual ?? ""
  }

  /// Whether every option of its kind is as usual.
  var hasUsualOptions: Bool { values.isEmpty }

  /// The text that parses to the same specification.
  public var description: String { text(naming: path) }

  /// The path; nil where it is the usual one.
  var path: String? { location == datasetKind.usualPath ? nil : location }

  /// The text with a path or without.
  func text(naming path: String?) -> String {
    let given =
      datasetKind.options.compactMap { option in values[option.key].map { "\(option.key)=\($0)" } }
      + (isHalved ? ["side=16"] : [])
    return datasetKind.name + (path.map { ":\($0)" } ?? "") + (given.isEmpty ? "" : "?" + given.joined(separator: "&"))
  }

  /// The same data at another place.
  func moved(to location: String) -> DatasetSpecification {
    DatasetSpecification(datasetKind, at: location, values, isHalved: isHalved)
  }

  /// Reads the dataset; of a folder of images, the names.
  ///
  /// - Throws: `InputError` naming the file, what was found and what would be right.
  public func load() throws -> ImageDataset {
    let whole = try datasetKind.load(self)
    return isHalved ? try whole.halved() : whole
  }

  /// A dataset of images of 32×32 at half their side.
  public static func halved(_ whole: DatasetSpecification) -> DatasetSpecification {
    DatasetSpecification(whole.datasetKind, at: whole.location, whole.values, isHalved: true)
  }
}

extension DatasetSpecification: Equatable {
  public static func == (left: Self, right: Self) -> Bool {
    left.datasetKind.name == right.datasetKind.name && left.location == right.location && left.values == right.values
      && left.isHalved == right.isHalved
  }
}

/// A kind with its path, and what follows the last question mark: `key=value`, joined by `&`.
private struct DatasetOptions {
  let path: String
  private let text: String
  private var values: [(key: String, value: String)] = []

  init(_ text: String) throws {
    self.text = text
    // A question mark may be part of a path; options have an equals sign.
    guard let mark = text.lastIndex(of: "?"), text[mark...].contains("="), !text[mark...].contains("/") else {
      path = text
      return
    }
    path = String(text[..<mark])
    for option in text[text.index(after: mark)...].split(separator: "&", omittingEmptySubsequences: false) {
      let parts = option.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2, !values.contains(where: { $0.key == parts[0] }) else {
        throw InputError(
          "an option without value, or given twice", at: .setting("dataset", being: text), found: "\"\(option)\"",
          wanted: "key=value")
      }
      values.append((parts[0], parts[1]))
    }
  }

  /// - Returns: the value as it is written; nil where it is not given.
  /// - Throws: `InputError` where it is none.
  mutating func take(_ option: DatasetOption) throws -> String? {
    guard let index = values.firstIndex(where: { $0.key == option.key }) else { return nil }
    let found = values.remove(at: index).value
    guard let value = option.read(found) else {
      throw InputError(
        "\(option.key) out of range", at: .setting("dataset", being: text), found: found, wanted: option.wanted)
    }
    return value
  }

  /// - Throws: `InputError` where an option is left.
  func finish() throws {
    if let left = values.first {
      throw InputError("no such option", at: .setting("dataset", being: text), found: "\"\(left.key)\"")
    }
  }
}
