import Formats
import Foundation

extension Genotype: Codable {
  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { nil }
  }

  /// `{"normal":[["sep_conv_3x3",0],…],"normal_concat":[2,3,4,5],"reduce":…,"reduce_concat":…}` on one line.
  public var json: String {
    func list(_ edges: [Edge]) -> String {
      "[" + edges.map { "[\"\($0.operation.rawValue)\",\($0.source)]" }.joined(separator: ",") + "]"
    }
    func list(_ states: [Int]) -> String { "[" + states.map(String.init).joined(separator: ",") + "]" }
    let fields = cells.map {
      "\"\($0.kind.name)\":\(list($0.edges)),\"\($0.kind.name)_concat\":\(list($0.concat))"
    }
    return "{\(fields.joined(separator: ","))}"
  }

  /// Reads what `json` writes.
  ///
  /// - Throws: `InputError` where the text is not such an object.
  public init(json text: String) throws {
    do {
      self = try JSONDecoder().decode(Genotype.self, from: Data(text.utf8))
    } catch let error as DecodingError {
      throw InputError(
        "not a genotype", at: "genotype, \(Self.place(of: error))", found: Self.reason(of: error),
        wanted: "an object like {\"normal\":[[\"sep_conv_3x3\",0],…],\"normal_concat\":[2,3,4,5],\"reduce\":…}")
    }
  }

  public init(from decoder: Decoder) throws {
    let object = try decoder.container(keyedBy: Key.self)
    let known = SearchSpace.allCases.map(\.kinds)
    let kinds = known.first { kinds in kinds.contains { object.contains(Key($0.name)) } } ?? .darts
    try self.init(
      cells: kinds.map { kind in
        try Cell(
          kind, edges: object.decode([Edge].self, forKey: Key(kind.name)),
          concat: object.decode([Int].self, forKey: Key("\(kind.name)_concat")))
      })
  }

  public func encode(to encoder: Encoder) throws {
    var object = encoder.container(keyedBy: Key.self)
    for cell in cells {
      try object.encode(cell.edges, forKey: Key(cell.kind.name))
      try object.encode(cell.concat, forKey: Key("\(cell.kind.name)_concat"))
    }
  }

  private static func place(of error: DecodingError) -> String {
    let path =
      switch error {
      case .keyNotFound(let key, let context): context.codingPath + [key]
      case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context): context.codingPath
      @unknown default: [CodingKey]()
      }
    return path.isEmpty ? "the whole text" : path.map(\.stringValue).joined(separator: ".")
  }

  private static func reason(of error: DecodingError) -> String {
    switch error {
    case .keyNotFound: "no such key"
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      context.debugDescription
    @unknown default: "\(error)"
    }
  }
}

extension Genotype.Edge: Codable {
  /// A pair of operation and source state.
  public init(from decoder: Decoder) throws {
    var pair = try decoder.unkeyedContainer()
    try self.init(pair.decode(CellOperation.self), from: pair.decode(Int.self))
    guard pair.isAtEnd else {
      throw DecodingError.dataCorruptedError(in: pair, debugDescription: "more than an operation and a state")
    }
  }

  public func encode(to encoder: Encoder) throws {
    var pair = encoder.unkeyedContainer()
    try pair.encode(operation)
    try pair.encode(source)
  }
}
