/// A candidate operation of a mixed edge, declared here alone: its name and what it computes. All else (what lowers it, what
/// it costs, how it is drawn) follows from its form.
public struct CellOperation: RawRepresentable, Sendable {
  /// The name that every DARTS-family repository uses.
  public let rawValue: String
  public let form: Form

  public static let none = CellOperation("none", .zero)
  public static let maxPool3x3 = CellOperation("max_pool_3x3", .pool(.maximum))
  public static let averagePool3x3 = CellOperation("avg_pool_3x3", .pool(.average))
  public static let skipConnect = CellOperation("skip_connect", .identity)
  public static let separableConv3x3 = CellOperation("sep_conv_3x3", .depthwise(kernel: 3, dilation: 1, times: 2))
  public static let separableConv5x5 = CellOperation("sep_conv_5x5", .depthwise(kernel: 5, dilation: 1, times: 2))
  public static let dilatedConv3x3 = CellOperation("dil_conv_3x3", .depthwise(kernel: 3, dilation: 2, times: 1))
  public static let dilatedConv5x5 = CellOperation("dil_conv_5x5", .depthwise(kernel: 5, dilation: 2, times: 1))
  /// Standard normal numbers in place of the input (RobustDARTS, space S4).
  public static let noise = CellOperation("noise", .noise)

  public static let norConv1x1 = CellOperation("nor_conv_1x1", .dense(kernel: 1))
  public static let norConv3x3 = CellOperation("nor_conv_3x3", .dense(kernel: 3))

  /// One entry an operation.
  private static let declared: [CellOperation] = [
    .none, .maxPool3x3, .averagePool3x3, .skipConnect, .separableConv3x3, .separableConv5x5, .dilatedConv3x3,
    .dilatedConv5x5, .noise, .norConv1x1, .norConv3x3,
  ]

  /// Operations beside the declared ones while a task runs: of tests.
  @TaskLocal package static var guests: [CellOperation] = []

  /// Every operation there is.
  public static var allCases: [CellOperation] { declared + guests }

  /// What an operation computes, on C channels that it keeps.
  public enum Form: Hashable, Sendable {
    /// Nothing.
    case zero
    /// The state itself; at stride 2 a factorised reduction: ReLU – two 1×1 convolutions to C/2 – batch norm.
    case identity
    case noise
    /// Of 3×3, the padding not counted, with a batch norm in supernets of the DARTS family.
    case pool(Pool)
    /// ReLU – depthwise convolution – 1×1 convolution – batch norm, `times` in a row.
    case depthwise(kernel: Int, dilation: Int, times: Int)
    /// ReLU – convolution of all channels – batch norm (NAS-Bench-201).
    case dense(kernel: Int)
  }

  public enum Pool: Hashable, Sendable { case maximum, average }

  package init(_ name: String, _ form: Form) {
    rawValue = name
    self.form = form
  }

  public init?(rawValue: String) {
    guard let operation = Self.byName[rawValue] ?? Self.guests.first(where: { $0.rawValue == rawValue }) else { return nil }
    self = operation
  }

  private static let byName = Dictionary(uniqueKeysWithValues: declared.map { ($0.rawValue, $0) })
}

extension CellOperation: Hashable, CaseIterable, Codable, CustomStringConvertible {
  public var description: String { rawValue }

  public static func == (a: CellOperation, b: CellOperation) -> Bool { a.rawValue == b.rawValue }
  public func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }
}

extension CellOperation {
  /// Whether the operation holds no weights where it keeps the resolution.
  public var isParameterFree: Bool {
    switch form {
    case .zero, .identity, .noise, .pool: true
    case .depthwise, .dense: false
    }
  }

  /// Kernel and dilation of its depthwise convolutions, and how many there are; nil where it has none.
  package var depthwise: (kernel: Int, dilation: Int, times: Int)? {
    if case .depthwise(let kernel, let dilation, let times) = form { (kernel, dilation, times) } else { nil }
  }
}
