/// What can go wrong in the figures room.
public enum FigureError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Data that cannot be drawn: which figure and field, what was found, what would be right.
  case badData(field: String, found: String, wanted: String)
  /// The ending of the path names no format that can be written.
  case unknownFormat(path: String)
  /// A metadata entry that PNG cannot hold.
  case badMetadata(key: String, found: String, wanted: String)
  /// Cairo refused; its own words.
  case drawing(String)
  /// libpng refused; its own words.
  case encoding(String)
  /// The file could not be written; nothing is left behind.
  case unwritable(path: String, reason: String)

  public var description: String {
    switch self {
    case .badData(let field, let found, let wanted): "figure: \(field): found \(found), wanted \(wanted)"
    case .unknownFormat(let path): "figure: \(path): the name must end in .png, .pdf or .svg"
    case .badMetadata(let key, let found, let wanted): "figure: metadata \(key): found \(found), wanted \(wanted)"
    case .drawing(let reason): "figure: drawing failed: \(reason)"
    case .encoding(let reason): "figure: PNG encoding failed: \(reason)"
    case .unwritable(let path, let reason): "figure: cannot write \(path): \(reason)"
    }
  }
}
