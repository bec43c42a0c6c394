/// How α is updated: a value that stands for a declared method and is known by its name.
public struct SearchMethod: Sendable {
  /// What there is to know of it.
  public let definition: any MethodDefinition

  public init(_ definition: any MethodDefinition) { self.definition = definition }

  public var summary: String { definition.summary }
  /// Whether the run may end before its last epoch and return an earlier architecture (`EarlyStopping`).
  public var stopsEarly: Bool {
    definition.earlyStopping(SearchConfiguration(method: self, space: .s6, dataset: "")) != nil
  }
  /// Whether its searches may be in stages of growing depth.
  public var searchesInStages: Bool { definition.searchesInStages }

  /// Methods beside the declared ones that names are looked up among while a task runs: of tests.
  @TaskLocal package static var guests: [SearchMethod] = []
}

extension SearchMethod: RawRepresentable, CaseIterable, Codable, Hashable {
  /// The method of that name; nil where there is none.
  public init?(rawValue: String) {
    guard let method = (Self.all + Self.guests).first(where: { $0.rawValue == rawValue }) else { return nil }
    self = method
  }

  public var rawValue: String { definition.name }
  public static var allCases: [SearchMethod] { all }

  public static func == (left: SearchMethod, right: SearchMethod) -> Bool { left.rawValue == right.rawValue }
  public func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }
}

extension SearchMethod: CustomStringConvertible, CustomDebugStringConvertible {
  public var description: String { rawValue }
  public var debugDescription: String { rawValue }
}

extension SearchMethod {
  /// Whether a setting of config.yaml makes a difference to the method.
  public func takes(_ key: String) -> Bool {
    if definition.settings.contains(key) { return true }
    return SearchConfiguration.field(key) != nil && SearchMethod.readers(of: key) == nil
  }

  /// The methods that read a setting, where not all of them do; nil for a setting of all.
  public static func readers(of key: String) -> [SearchMethod]? {
    let readers = all.filter { $0.definition.settings.contains(key) }
    return readers.isEmpty ? nil : readers
  }
}
