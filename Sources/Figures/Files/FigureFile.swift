import CCairo
import Formats
import Foundation

/// Renders figures to bytes and files.
public enum FigureFile {
  public enum Format: String, CaseIterable, Sendable { case png, pdf, svg }

  /// What the letters of an SVG document are.
  public enum SVGLetters: Sendable {
    /// Shapes, the same with every reader.
    case outlines
    /// `<text>` elements that can be selected, searched and edited, in the reader's face; they lie above everything else.
    case text
  }

  /// Pixels per inch of a PNG at scale 1.
  static let pixelsPerInch = 96.0

  /// Renders `figure` and writes it to `path`, whose ending (.png, .pdf, .svg) names the format.
  ///
  /// - Parameters:
  ///   - scale: resolution of a PNG in units of 96 pixels per inch.
  ///   - metadata: where the figure comes from; "Software" and "Title" are added.
  ///   - letters: of an SVG document.
  /// - Throws: `InputError`; when it throws, nothing new is at `path`.
  public static func write(
    _ figure: some Figure, to path: String, metadata: FigureMetadata = FigureMetadata(), scale: Double = 2,
    letters: SVGLetters = .outlines
  ) throws {
    guard let format = format(of: path) else { throw InputError.unknownFigureFormat(path) }
    let bytes = try render(figure, as: format, metadata: metadata, scale: scale, letters: letters)
    try AtomicFile.write(bytes, to: path)
  }

  /// The bytes of `figure` as a file of `format`: the same figure and metadata give the same bytes.
  public static func render(
    _ figure: some Figure, as format: Format, metadata: FigureMetadata = FigureMetadata(), scale: Double = 2,
    letters: SVGLetters = .outlines
  ) throws -> [UInt8] {
    let size = try checkedSize(figure)
    let entries = try metadata.completed(title: figure.name)
    switch format {
    case .png: return try PNGImage.encode(PNGImage.rasterise(figure, size: size, scale: scale), entries)
    case .pdf: return try VectorPage.pdf(figure, size: size, entries)
    case .svg: return try VectorPage.svg(figure, size: size, entries, text: letters)
    }
  }

  private static func checkedSize(_ figure: some Figure) throws -> Size {
    let size = try figure.pageSize()
    guard (1...14400).contains(size.width), (1...14400).contains(size.height) else {
      throw InputError.undrawable(
        "page size", found: "\(size.width) × \(size.height) points", wanted: "1 to 14400 points each way")
    }
    return size
  }

  /// `figure` as an `<svg>` element to stand in an HTML page.
  ///
  /// - Parameter idPrefix: what the names of its elements begin with: a letter first, and different for each figure of a
  ///   page, since names count for the page as a whole.
  /// - Throws: `InputError`.
  public static func svgElement(
    _ figure: some Figure, idPrefix: String, metadata: FigureMetadata = FigureMetadata()
  ) throws -> String {
    guard idPrefix.first?.isLetter == true,
      idPrefix.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"\"<>&#()".utf8.contains($0) })
    else {
      throw InputError.undrawable(
        "idPrefix", found: "'\(idPrefix)'", wanted: "a letter, then letters, digits, hyphens or underscores")
    }
    let entries = try metadata.completed(title: figure.name)
    let bytes = try VectorPage.svg(figure, size: checkedSize(figure), entries, idPrefix: idPrefix)
    let text = String(decoding: bytes, as: UTF8.self)
    // The XML declaration belongs to a document of its own.
    return text.range(of: "<svg ").map { String(text[$0.lowerBound...]) } ?? text
  }

  /// The texts of `figure` and the areas in points that they cover, in drawing order.
  package static func texts(of figure: some Figure) throws -> [(text: String, area: Rectangle)] {
    let surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, 1, 1)
    defer { cairo_surface_destroy(surface) }
    guard let surface else { throw InputError("drawing failed", at: "figure", found: "no surface") }
    let canvas = Canvas(surface: surface, size: try figure.pageSize(), pixelsPerPoint: 1)
    try figure.draw(on: canvas)
    try canvas.check()
    return canvas.texts
  }
}
