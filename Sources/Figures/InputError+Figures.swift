import Formats

extension InputError {
  /// What this room says of data that cannot be drawn.
  ///
  /// - Parameter field: of a figure.
  public static func undrawable(_ field: String, found: String, wanted: String) -> InputError {
    InputError("cannot be drawn", at: "figure: \(field)", found: found, wanted: wanted)
  }

  /// The ending of a path names no format that can be written.
  public static func unknownFigureFormat(_ path: String) -> InputError {
    InputError("unknown figure format", at: .file(path), wanted: "a name that ends in .png, .pdf or .svg")
  }
}
