/// One cell of a CSV row.
public enum CSVField:
  Equatable, Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral
{
  case text(String)
  case integer(Int)
  /// Written with the fewest digits that read back to the same double.
  case real(Double)

  public init(stringLiteral value: String) { self = .text(value) }
  public init(integerLiteral value: Int) { self = .integer(value) }
  public init(floatLiteral value: Double) { self = .real(value) }

  /// The cell as it stands in the file, quoted where RFC 4180 asks for it.
  public var encoded: String {
    switch self {
    case .integer(let value): return String(value)
    // Without the sign and the payload that a NaN has by chance.
    case .real(let value): return value.isNaN ? "nan" : value.description
    case .text(let value):
      let isPlain = value.utf8.allSatisfy { byte in
        byte != UInt8(ascii: ",") && byte != UInt8(ascii: "\"") && byte != 0x0A && byte != 0x0D
      }
      if isPlain { return value }
      // Unicode scalars, because "\r\n" is one Character.
      var quoted = "\""
      for scalar in value.unicodeScalars {
        if scalar == "\"" { quoted += "\"" }
        quoted.unicodeScalars.append(scalar)
      }
      return quoted + "\""
    }
  }

  static func line(_ fields: [CSVField]) -> String {
    // A lone empty field would read as an empty line.
    if fields == [.text("")] { return "\"\"\n" }
    return fields.map(\.encoded).joined(separator: ",") + "\n"
  }
}
