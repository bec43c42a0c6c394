import Formats
import Foundation

extension FigureFile {
  /// A figure that a command writes, for the rule of what may be replaced. Known by the file's metadata.
  ///
  /// - Parameters:
  ///   - maker: the command, such as `zarts plot`; `FigureMetadata.maker` of its figures.
  ///   - path: whose ending names the format.
  /// - Throws: `InputError`.
  public static func output(of maker: String, at path: String) throws -> OutputFile {
    guard let format = format(of: path) else { throw InputError.unknownFigureFormat(path) }
    return OutputFile("a \(format.rawValue.uppercased()) figure of \(maker)") { path in
      guard let bytes = try? FileBytes.read(path) else { return false }
      switch format {
      case .png: return isMade(PNGImage.texts(in: bytes), by: maker)
      case .pdf: return isMadePDF(bytes, by: maker)
      case .svg: return isMadeSVG(bytes, by: maker)
      }
    }
  }

  /// The format that a path's ending names; nil for another ending.
  public static func format(of path: String) -> Format? {
    Format(rawValue: (path as NSString).pathExtension.lowercased())
  }

  private static func isMade(_ entries: [FigureMetadata.Entry], by maker: String) -> Bool {
    guard entries.contains(.init("Software", "zarts")) else { return false }
    if let named = entries.first(where: { $0.key == FigureMetadata.makerKey }) { return named.value == maker }
    // Earlier versions named the maker in the command line alone.
    return entries.contains { $0.key == "Command" && $0.value.hasPrefix(maker + " ") }
  }

  private static func isMadePDF(_ bytes: [UInt8], by maker: String) -> Bool {
    if bytes.suffix(256).contains(Array("\(VectorPage.makerComment(maker))\n".utf8)) { return true }
    return bytes.starts(with: Array("%PDF".utf8)) && bytes[...].contains(Array("/Creator (zarts)".utf8))
      && bytes[...].contains(Array("Command: \(maker) ".utf8))
  }

  private static func isMadeSVG(_ bytes: [UInt8], by maker: String) -> Bool {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let start = text.range(of: "<desc>"), let end = text.range(of: "</desc>"), start.upperBound <= end.lowerBound
    else { return false }
    let entries = text[start.upperBound..<end.lowerBound].split(separator: "\n").compactMap { line in
      line.range(of: ": ").map { FigureMetadata.Entry(String(line[..<$0.lowerBound]), String(line[$0.upperBound...])) }
    }
    return isMade(entries, by: maker)
  }
}

extension PNGImage {
  /// The text chunks before the pixels of a PNG file; none where it is no PNG file.
  static func texts(in bytes: [UInt8]) -> [FigureMetadata.Entry] {
    guard bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) else { return [] }
    var result: [FigureMetadata.Entry] = []
    var position = 8
    while position + 12 <= bytes.count {
      let length = bytes[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
      let type = String(decoding: bytes[position + 4..<position + 8], as: UTF8.self)
      guard length <= bytes.count - position - 12, type != "IDAT" else { break }
      let data = bytes[position + 8..<position + 8 + length]
      if type == "tEXt" || type == "iTXt", let end = data.firstIndex(of: 0) {
        let key = String(decoding: data[..<end], as: UTF8.self)
        // An iTXt chunk has flags, a language and a translated key, the last two of which end in 0.
        let value = type == "tEXt" ? data[(end + 1)...] : data.dropFirst(end - data.startIndex + 3).afterZeros(2)
        let latin = String(String.UnicodeScalarView(value.map { Unicode.Scalar($0) }))
        result.append(.init(key, type == "tEXt" ? latin : String(decoding: value, as: UTF8.self)))
      }
      position += 12 + length
    }
    return result
  }
}

extension ArraySlice<UInt8> {
  fileprivate func afterZeros(_ count: Int) -> ArraySlice<UInt8> {
    var rest = self
    for _ in 0..<count {
      guard let zero = rest.firstIndex(of: 0) else { return [] }
      rest = rest[(zero + 1)...]
    }
    return rest
  }
}
