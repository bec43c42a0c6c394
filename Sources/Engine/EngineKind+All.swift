extension EngineKind {
  /// Every kind of engine, the usual one first. Each is declared in the file of its engine.
  public static let all: [EngineKind] = [.cpu]

  /// Names of all, for errors.
  public static var names: String { all.map(\.name).joined(separator: ", ") }
}
