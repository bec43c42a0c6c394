import Compute

/// A kind of engine: a value that is known by its name in config.yaml and flags and makes engines of networks.
public struct EngineKind: Sendable {
  public let name: String
  /// In a few words, for help.
  public let summary: String
  private let build:
    @Sendable (_ network: NetworkDescription, _ batch: Int, _ threads: Int, _ kernels: KernelSet) throws -> any NetworkEngine

  /// - Parameter build: lowers a network for batches of so many images and so many threads, with vectors of the algebra of a
  ///   set of kernels; throws `InputError` for what the kind does not take and `MemoryShortage` where it needs more memory
  ///   than there is.
  public init(
    _ name: String, summary: String,
    build:
      @escaping @Sendable (_ network: NetworkDescription, _ batch: Int, _ threads: Int, _ kernels: KernelSet) throws ->
      any NetworkEngine
  ) {
    self.name = name
    self.summary = summary
    self.build = build
  }

  /// An engine of a network.
  ///
  /// - Parameters:
  ///   - batch: images of the largest batch.
  ///   - threads: threads that share one batch; no result depends on their number.
  ///   - kernels: the set that the program has chosen.
  /// - Throws: `InputError` for a batch or a number of threads out of bounds and for networks that the kind does not take,
  ///   `MemoryShortage` where it needs more memory than there is.
  public func make(_ network: NetworkDescription, batch: Int, threads: Int, kernels: KernelSet) throws -> any NetworkEngine {
    try build(network, batch, threads, kernels)
  }

  /// Kinds beside the declared ones that names are looked up among while a task runs: of tests.
  @TaskLocal package static var guests: [EngineKind] = []
}

extension EngineKind: RawRepresentable, CaseIterable, Codable, Hashable {
  /// The kind of that name; nil where there is none.
  public init?(rawValue: String) {
    guard let kind = (Self.all + Self.guests).first(where: { $0.name == rawValue }) else { return nil }
    self = kind
  }

  public var rawValue: String { name }
  public static var allCases: [EngineKind] { all }

  public static func == (left: EngineKind, right: EngineKind) -> Bool { left.name == right.name }
  public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

extension EngineKind: CustomStringConvertible {
  public var description: String { name }
}
