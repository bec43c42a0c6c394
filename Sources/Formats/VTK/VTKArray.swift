import Foundation

/// An array of a VTK file: numbers of points or cells, or texts of the whole file.
public struct VTKArray: Equatable, Sendable {
  public enum Values: Equatable, Sendable {
    case float64([Double])
    case int64([Int64])
    case texts([String])
  }

  public var name: String
  public var values: Values
  /// Numbers of one point.
  public var components: Int

  public init(_ name: String, _ values: Values, components: Int = 1) {
    (self.name, self.values, self.components) = (name, values, components)
  }

  /// The element. Numbers are base64 of a UInt64 with the count of bytes and the little-endian numbers, in one piece
  /// (`format="binary"`); texts are ASCII numbers of their bytes, each text ended by a 0, as VTK writes them.
  var element: String {
    func binary(_ type: String, _ bytes: Data) -> String {
      var data = withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { Data($0) }
      data.append(bytes)
      let parts = components == 1 ? "" : " NumberOfComponents=\"\(components)\""
      return "<DataArray type=\"\(type)\" Name=\"\(VTKDocument.escaped(name))\"\(parts) format=\"binary\">\n"
        + data.base64EncodedString() + "\n</DataArray>"
    }
    switch values {
    case .float64(let values): return binary("Float64", Self.bytes(values.map(\.bitPattern)))
    case .int64(let values): return binary("Int64", Self.bytes(values.map { UInt64(bitPattern: $0) }))
    case .texts(let texts):
      let codes = texts.map { ($0.utf8.map { "\($0)" } + ["0"]).joined(separator: " ") }
      return
        "<Array type=\"String\" Name=\"\(VTKDocument.escaped(name))\" NumberOfTuples=\"\(texts.count)\" format=\"ascii\">\n"
        + codes.joined(separator: "\n") + "\n</Array>"
    }
  }

  private static func bytes(_ words: [UInt64]) -> Data {
    var data = Data(capacity: 8 * words.count)
    for word in words { withUnsafeBytes(of: word.littleEndian) { data.append(contentsOf: $0) } }
    return data
  }

  /// The numbers at some places, in their order; texts as they are.
  func keeping(_ places: [Int]) -> VTKArray {
    var kept = self
    func numbers<Number>(_ values: [Number]) -> [Number] {
      places.flatMap { place in (0..<components).map { values[place * components + $0] } }
    }
    switch values {
    case .float64(let values): kept.values = .float64(numbers(values))
    case .int64(let values): kept.values = .int64(numbers(values))
    case .texts: break
    }
    return kept
  }
}

/// What files of VTK's XML formats share (VTK User's Guide, "VTK file formats"; version 1.0 with headers of 64 bits).
///
/// Arrays stand in the XML as base64, so that a file is well-formed, doubles keep their bits, and NaN is a value, which
/// VTK's reader of ASCII arrays has none for.
enum VTKDocument {
  /// - Parameters:
  ///   - kind: `ImageData` or `PolyData`.
  ///   - attributes: of the element of that name, as XML.
  ///   - texts: arrays of the file as a whole.
  ///   - piece: the element with the data.
  ///   - comment: a line before the data.
  static func bytes(
    _ kind: String, _ attributes: String = "", texts: [VTKArray], piece: String, comment: String
  ) -> [UInt8] {
    let fields = texts.isEmpty ? "" : "<FieldData>\n\(texts.map(\.element).joined(separator: "\n"))\n</FieldData>\n"
    // Two hyphens end a comment.
    let note = comment.isEmpty ? "" : "<!-- \(comment.replacing("--", with: "\u{2010}\u{2010}")) -->\n"
    return Array(
      """
      <?xml version="1.0" encoding="UTF-8"?>
      \(note)<VTKFile type="\(kind)" version="1.0" byte_order="LittleEndian" header_type="UInt64">
      <\(kind)\(attributes)>
      \(fields)\(piece)
      </\(kind)>
      </VTKFile>

      """.utf8)
  }

  /// An element with arrays, the first of which a reader shows.
  static func data(_ name: String, _ arrays: [VTKArray]) -> String {
    guard let first = arrays.first else { return "<\(name)/>" }
    return "<\(name) Scalars=\"\(escaped(first.name))\">\n\(arrays.map(\.element).joined(separator: "\n"))\n</\(name)>"
  }

  static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;")
  }
}
