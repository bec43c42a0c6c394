import CCairo
import Formats

/// One-page vector documents.
enum VectorPage {
  /// Bytes that cairo hands over while it writes.
  private final class Sink {
    var bytes: [UInt8] = []
  }

  private static let receive: cairo_write_func_t = { closure, data, count in
    guard let closure, let data else { return CAIRO_STATUS_WRITE_ERROR }
    Unmanaged<Sink>.fromOpaque(closure).takeUnretainedValue().bytes
      .append(contentsOf: UnsafeBufferPointer(start: data, count: Int(count)))
    return CAIRO_STATUS_SUCCESS
  }

  static func pdf(_ figure: some Figure, size: Size, _ entries: [FigureMetadata.Entry]) throws -> [UInt8] {
    let (bytes, _) = try document(figure, size: size) { sink in
      let surface = cairo_pdf_surface_create_for_stream(receive, sink, size.width, size.height)
      func set(_ field: cairo_pdf_metadata_t, _ key: String) {
        guard let entry = entries.first(where: { $0.key == key }) else { return }
        cairo_pdf_surface_set_metadata(surface, field, entry.value)
      }
      set(CAIRO_PDF_METADATA_TITLE, "Title")
      set(CAIRO_PDF_METADATA_CREATOR, "Software")
      let rest = entries.filter { $0.key != "Title" && $0.key != "Software" }
      if !rest.isEmpty {
        cairo_pdf_surface_set_metadata(
          surface, CAIRO_PDF_METADATA_KEYWORDS, rest.map { "\($0.key): \($0.value)" }.joined(separator: "; "))
      }
      // The clock would make two renderings differ.
      cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, "2000-01-01T00:00:00Z")
      return surface
    }
    // Where metadata lie in compressed streams, the maker is still found.
    let maker = entries.first { $0.key == FigureMetadata.makerKey }
    return bytes + (maker.map { Array("\(makerComment($0.value))\n".utf8) } ?? [])
  }

  /// A comment behind the end of a PDF file, where readers allow anything.
  static func makerComment(_ maker: String) -> String { "% made by \(maker)" }

  /// - Parameters:
  ///   - idPrefix: what the names of elements begin with.
  ///   - text: what letters are.
  static func svg(
    _ figure: some Figure, size: Size, _ entries: [FigureMetadata.Entry], idPrefix: String = "e",
    text: FigureFile.SVGLetters = .outlines
  ) throws -> [UInt8] {
    let (bytes, texts) = try document(figure, size: size, leavesTextOut: text == .text) { sink in
      cairo_svg_surface_create_for_stream(receive, sink, size.width, size.height)
    }
    var result = described(SVGText.compact(bytes, idPrefix: idPrefix), entries)
    let end = Array("</svg>".utf8)
    if !texts.isEmpty, let last = result.indices.last(where: { result[$0...].starts(with: end) }) {
      result.insert(contentsOf: Array(SetText.svg(texts).utf8), at: last)
    }
    return result
  }

  private static func document(
    _ figure: some Figure, size: Size, leavesTextOut: Bool = false, _ open: (UnsafeMutableRawPointer) -> OpaquePointer?
  ) throws -> (bytes: [UInt8], texts: [SetText]) {
    let sink = Sink()
    var texts: [SetText] = []
    try withExtendedLifetime(sink) {
      let surface = open(Unmanaged.passUnretained(sink).toOpaque())
      defer { cairo_surface_destroy(surface) }
      try Canvas.check(cairo_surface_status(surface))
      guard let surface else { throw InputError("drawing failed", at: "figure", found: "no surface") }
      let canvas = Canvas(surface: surface, size: size, pixelsPerPoint: nil, leavesTextOut: leavesTextOut)
      canvas.fill(Rectangle(x: 0, y: 0, width: size.width, height: size.height), .white)
      try figure.draw(on: canvas)
      try canvas.check()
      cairo_surface_finish(surface)
      try Canvas.check(cairo_surface_status(surface))
      texts = canvas.setTexts
    }
    return (sink.bytes, texts)
  }

  /// Adds the entries as title and description, which are the first children of the root element.
  private static func described(_ bytes: [UInt8], _ entries: [FigureMetadata.Entry]) -> [UInt8] {
    let root = Array("<svg ".utf8)
    guard let start = bytes.indices.first(where: { bytes[$0...].starts(with: root) }),
      let end = bytes[start...].firstIndex(of: UInt8(ascii: ">"))
    else { return bytes }
    var head = ""
    if let title = entries.first(where: { $0.key == "Title" }) { head += "\n<title>\(escaped(title.value))</title>" }
    let rest = entries.filter { $0.key != "Title" }.map { "\($0.key): \($0.value)" }.joined(separator: "\n")
    head += "\n<desc>\(escaped(rest))</desc>"
    return bytes[...end] + Array(head.utf8) + bytes[(end + 1)...]
  }

  /// A text as it stands between tags.
  static func escaped(_ text: String) -> String {
    text.reduce(into: "") { result, character in
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      default: result.append(character)
      }
    }
  }
}
