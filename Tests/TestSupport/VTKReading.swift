import Foundation
import FoundationXML

/// A file of VTK's XML formats as a reader sees it: attributes of elements, and arrays by the element that they stand in.
package final class ReadVTK: NSObject, XMLParserDelegate {
  /// Attributes by the name of the element, of the first of each name.
  package private(set) var attributes: [String: [String: String]] = [:]
  /// Arrays by element and name, "PointData/loss", in the order of the file.
  package private(set) var names: [String] = []
  package private(set) var doubles: [String: [Double]] = [:]
  package private(set) var integers: [String: [Int64]] = [:]
  package private(set) var texts: [String: [String]] = [:]
  private var open: [String] = []
  private var array: [String: String]?
  private var content = ""
  private var failure: String?

  /// - Throws: `TestFailure` where the bytes are no XML, or an array isn't what its element says.
  package init(_ bytes: [UInt8]) throws {
    super.init()
    let parser = XMLParser(data: Data(bytes))
    parser.delegate = self
    guard parser.parse(), failure == nil else {
      throw TestFailure("no VTK file: \(failure ?? "\(parser.parserError.map { "\($0)" } ?? "")")")
    }
  }

  package convenience init(readingFrom path: String) throws {
    try self.init(Array(Data(contentsOf: URL(fileURLWithPath: path))))
  }

  /// Polygons or lines by the numbers of their points.
  package func cells(_ name: String) -> [[Int64]] {
    let (points, ends) = (integers["\(name)/connectivity"] ?? [], integers["\(name)/offsets"] ?? [])
    return zip([0] + ends, ends).map { Array(points[Int($0)..<Int($1)]) }
  }

  package func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
    attributes found: [String: String]
  ) {
    if attributes[name] == nil { attributes[name] = found }
    if name == "DataArray" || name == "Array" { (array, content) = (found, "") } else { open.append(name) }
  }

  package func parser(_ parser: XMLParser, foundCharacters text: String) { content += text }

  package func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
    guard let found = array, name == "DataArray" || name == "Array" else {
      open.removeLast()
      return
    }
    array = nil
    let key = "\(open.last ?? "")/\(found["Name"] ?? "")"
    names.append(key)
    let text = content.trimmingCharacters(in: .whitespacesAndNewlines)
    if found["type"] == "String", found["format"] == "ascii" {
      let codes = text.split { $0.isWhitespace }.compactMap { UInt8($0) }
      var parts = codes.split(separator: 0, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
      if codes.last == 0 { parts.removeLast() } else { failure = "\(key): the last text has no end" }
      if found["NumberOfTuples"] != "\(parts.count)" { failure = "\(key): \(parts.count) texts" }
      texts[key] = parts
      return
    }
    guard found["format"] == "binary", let data = Data(base64Encoded: text), data.count >= 8 else {
      failure = "\(key): not base64"
      return
    }
    let words = stride(from: 0, to: data.count - 7, by: 8).map { start in
      data[start..<start + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    }
    guard words[0] == UInt64(data.count - 8), data.count % 8 == 0 else {
      failure = "\(key): \(data.count - 8) bytes, not \(words[0])"
      return
    }
    switch found["type"] {
    case "Float64": doubles[key] = words.dropFirst().map { Double(bitPattern: $0) }
    case "Int64": integers[key] = words.dropFirst().map { Int64(bitPattern: $0) }
    default: failure = "\(key): type \(found["type"] ?? "")"
    }
  }
}
