import CCairo
import Formats
import Foundation

/// What figures draw on: lengths in points (1/72 inch), origin top left, y downwards.
///
/// The same calls draw on a pixel image, a PDF page or an SVG document. Text is DejaVu Sans without hinting, so
/// that a text is equally wide at every scale and the same bytes come out every time.
public final class Canvas {
  public enum Horizontal: Sendable { case left, centre, right }
  public enum Vertical: Sendable { case top, middle, baseline, bottom }

  /// Extent of the page in points.
  public let size: Size
  /// Device pixels per point; nil on vector surfaces.
  let pixelsPerPoint: Double?
  private let context: OpaquePointer
  /// Every text that was set and the area it covers, for checks that nothing overlaps.
  package private(set) var texts: [(text: String, area: Rectangle)] = []

  /// Texts that were left out of the drawing, to be set by whoever writes the document.
  private(set) var setTexts: [SetText] = []
  private let leavesTextOut: Bool

  /// Draws on `surface`, which must outlive the canvas.
  ///
  /// - Parameter leavesTextOut: whether texts are collected in `setTexts` in place of being drawn; on vector surfaces.
  init(surface: OpaquePointer, size: Size, pixelsPerPoint: Double?, leavesTextOut: Bool = false) {
    self.size = size
    self.leavesTextOut = leavesTextOut
    self.pixelsPerPoint = pixelsPerPoint
    context = cairo_create(surface)
    if let pixelsPerPoint { cairo_scale(context, pixelsPerPoint, pixelsPerPoint) }
    let options = cairo_font_options_create()
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY)
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE)
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF)
    cairo_set_font_options(context, options)
    cairo_font_options_destroy(options)
    cairo_set_line_join(context, CAIRO_LINE_JOIN_ROUND)
  }

  deinit {
    cairo_destroy(context)
  }

  /// Cairo keeps the first failure of a context; asking once at the end misses none.
  func check() throws {
    try Canvas.check(cairo_status(context))
  }

  static func check(_ status: cairo_status_t) throws {
    guard status == CAIRO_STATUS_SUCCESS else {
      throw InputError("drawing failed", at: "figure", found: String(cString: cairo_status_to_string(status)))
    }
  }

  // MARK: Areas

  public func fill(_ rectangle: Rectangle, _ colour: Colour) {
    set(colour)
    cairo_rectangle(context, rectangle.x, rectangle.y, rectangle.width, rectangle.height)
    cairo_fill(context)
  }

  /// Fills a polygon given by its corners.
  public func fill(_ corners: [Point], _ colour: Colour) {
    guard corners.count > 2 else { return }
    set(colour)
    trace(corners, closed: true)
    cairo_fill(context)
  }

  /// Fills what `path` encloses.
  public func fill(_ path: Path, _ colour: Colour) {
    set(colour)
    trace(path, closed: true)
    cairo_fill(context)
  }

  /// Paints a picture over `area`; its pixels are 0x00RRGGBB, from the top left, and copied before this returns.
  func paint(_ pixels: UnsafeMutableRawBufferPointer, width: Int, height: Int, stride: Int, in area: Rectangle) {
    guard let bytes = pixels.bindMemory(to: UInt8.self).baseAddress else { return }
    let image = cairo_image_surface_create_for_data(
      bytes, CAIRO_FORMAT_RGB24, Int32(width), Int32(height), Int32(stride))
    cairo_save(context)
    cairo_translate(context, area.x, area.y)
    cairo_scale(context, area.width / Double(width), area.height / Double(height))
    cairo_set_source_surface(context, image, 0, 0)
    cairo_pattern_set_filter(cairo_get_source(context), CAIRO_FILTER_NEAREST)
    cairo_paint(context)
    cairo_restore(context)
    // Documents keep a reference to the picture until the page ends; finishing makes them copy the pixels.
    cairo_surface_finish(image)
    cairo_surface_destroy(image)
  }

  public func fillCircle(_ centre: Point, radius: Double, _ colour: Colour) {
    set(colour)
    cairo_new_path(context)
    cairo_arc(context, centre.x, centre.y, radius, 0, 2 * .pi)
    cairo_fill(context)
  }

  // MARK: Lines

  /// Strokes the line through `points`; `dash` alternates drawn and left-out lengths.
  public func stroke(_ points: [Point], _ colour: Colour, width: Double, closed: Bool = false, dash: [Double] = []) {
    guard points.count > 1 else { return }
    trace(points, closed: closed)
    strokePath(colour, width: width, dash: dash)
  }

  public func stroke(_ path: Path, _ colour: Colour, width: Double, closed: Bool = false, dash: [Double] = []) {
    trace(path, closed: closed)
    strokePath(colour, width: width, dash: dash)
  }

  public func stroke(_ rectangle: Rectangle, _ colour: Colour, width: Double) {
    cairo_new_path(context)
    cairo_rectangle(context, rectangle.x, rectangle.y, rectangle.width, rectangle.height)
    strokePath(colour, width: width, dash: [])
  }

  public func strokeCircle(_ centre: Point, radius: Double, _ colour: Colour, width: Double) {
    cairo_new_path(context)
    cairo_arc(context, centre.x, centre.y, radius, 0, 2 * .pi)
    strokePath(colour, width: width, dash: [])
  }

  private func strokePath(_ colour: Colour, width: Double, dash: [Double]) {
    set(colour)
    cairo_set_line_width(context, width)
    dash.withUnsafeBufferPointer { cairo_set_dash(context, $0.baseAddress, Int32($0.count), 0) }
    cairo_stroke(context)
  }

  private func trace(_ points: [Point], closed: Bool) {
    cairo_new_path(context)
    for point in points { cairo_line_to(context, point.x, point.y) }
    if closed { cairo_close_path(context) }
  }

  private func trace(_ path: Path, closed: Bool) {
    cairo_new_path(context)
    cairo_move_to(context, path.start.x, path.start.y)
    for step in path.steps {
      switch step {
      case .line(let point): cairo_line_to(context, point.x, point.y)
      case .curve(let a, let b, let c): cairo_curve_to(context, a.x, a.y, b.x, b.y, c.x, c.y)
      }
    }
    if closed { cairo_close_path(context) }
  }

  private func set(_ colour: Colour) {
    // Cairo cuts components down to 8 bits; this rounds them, the same way in every format.
    func byte(_ component: Double) -> Double { (min(max(component, 0), 1) * 255).rounded() / 255 }
    cairo_set_source_rgba(context, byte(colour.red), byte(colour.green), byte(colour.blue), colour.opacity)
  }

  // MARK: State

  /// Runs `body` with everything outside of `areas` left untouched.
  public func clipped(to areas: [Rectangle], _ body: () -> Void) {
    cairo_save(context)
    cairo_new_path(context)
    for area in areas { cairo_rectangle(context, area.x, area.y, area.width, area.height) }
    cairo_clip(context)
    body()
    cairo_restore(context)
  }

  /// Runs `body` with its origin at `origin`, moved to the nearest pixel edges.
  func translated(to origin: Point, _ body: () throws -> Void) rethrows {
    cairo_save(context)
    defer { cairo_restore(context) }
    cairo_translate(context, snapped(origin.x), snapped(origin.y))
    try body()
  }

  /// The length moved to the nearest pixel edge, so that areas that touch leave no seam; vector surfaces keep it.
  public func snapped(_ length: Double) -> Double {
    guard let pixelsPerPoint else { return length }
    return (length * pixelsPerPoint).rounded() / pixelsPerPoint
  }

  /// The rectangle with its edges moved to the nearest pixel edges.
  public func snapped(_ rectangle: Rectangle) -> Rectangle {
    let (x, y) = (snapped(rectangle.x), snapped(rectangle.y))
    return Rectangle(x: x, y: y, width: snapped(rectangle.right) - x, height: snapped(rectangle.bottom) - y)
  }

  // MARK: Text

  /// Width of `label` in points.
  public func width(_ label: Label, size: Double, bold: Bool = false) -> Double {
    label.runs.reduce(0) { sum, run in
      select(run, size: size, bold: bold)
      var extents = cairo_text_extents_t()
      cairo_text_extents(context, run.text, &extents)
      return sum + extents.x_advance
    }
  }

  /// Sets `label` at `anchor`, turned by `angle` radians (clockwise) about it.
  ///
  /// - Parameter halo: colour of an outline that keeps the text apart from what lies below.
  public func text(
    _ label: Label, at anchor: Point, size: Double, colour: Colour = .ink, bold: Bool = false,
    horizontal: Horizontal = .left, vertical: Vertical = .baseline, angle: Double = 0, halo: Colour? = nil
  ) {
    cairo_save(context)
    cairo_translate(context, anchor.x, anchor.y)
    cairo_rotate(context, angle)
    let whole = width(label, size: size, bold: bold)
    let start =
      switch horizontal {
      case .left: 0.0
      case .centre: -whole / 2
      case .right: -whole
      }
    let baseline =
      switch vertical {
      case .top: Theme.capHeight * size
      case .middle: Theme.capHeight * size / 2
      case .baseline: 0.0
      case .bottom: -Theme.descent * size
      }
    note(label, x: start, y: baseline - Theme.capHeight * size, width: whole, height: Theme.capHeight * size)
    if leavesTextOut {
      collect(label, size: size, bold: bold, from: start, baseline: baseline, angle: angle, colour: colour, halo: halo)
      cairo_restore(context)
      return
    }
    if let halo {
      walk(label, size: size, bold: bold, from: start, baseline: baseline) { text in
        cairo_text_path(context, text)
        strokePath(halo, width: size * 0.3, dash: [])
      }
    }
    walk(label, size: size, bold: bold, from: start, baseline: baseline) { text in
      set(colour)
      if pixelsPerPoint != nil {
        // Glyph images sit on whole pixels; outlines don't, so letters keep their distances at any scale and angle.
        cairo_text_path(context, text)
        cairo_fill(context)
      } else {
        cairo_show_text(context, text)
      }
    }
    cairo_restore(context)
  }

  private func note(_ label: Label, x: Double, y: Double, width: Double, height: Double) {
    guard width > 0 else { return }
    let corners = [(x, y), (x + width, y), (x, y + height), (x + width, y + height)].map { corner in
      var (x, y) = corner
      cairo_user_to_device(context, &x, &y)
      return Point(x / (pixelsPerPoint ?? 1), y / (pixelsPerPoint ?? 1))
    }
    let (xs, ys) = (corners.map(\.x), corners.map(\.y))
    guard let left = xs.min(), let right = xs.max(), let top = ys.min(), let bottom = ys.max() else { return }
    texts.append((label.plain, Rectangle(x: left, y: top, width: right - left, height: bottom - top)))
  }

  private func collect(
    _ label: Label, size: Double, bold: Bool, from start: Double, baseline: Double, angle: Double, colour: Colour,
    halo: Colour?
  ) {
    var (x, y) = (0.0, 0.0)
    cairo_user_to_device(context, &x, &y)
    var text = SetText(anchor: Point(x, y), angle: angle, isBold: bold, colour: colour, halo: halo)
    var along = start
    for run in label.runs where !run.text.isEmpty {
      select(run, size: size, bold: bold)
      var extents = cairo_text_extents_t()
      cairo_text_extents(context, run.text, &extents)
      text.runs.append(
        .init(
          text: run.text, isItalic: run.italic, size: Self.size(of: run, in: size), x: along,
          y: baseline + Self.shift(of: run, in: size), width: extents.x_advance))
      along += extents.x_advance
    }
    if !text.runs.isEmpty { setTexts.append(text) }
  }

  /// How far below the baseline a run stands.
  private static func shift(of run: Label.Run, in size: Double) -> Double {
    switch run.script {
    case .normal: 0.0
    case .lowered: 0.16 * size
    case .raised: -0.34 * size
    }
  }

  private static func size(of run: Label.Run, in size: Double) -> Double { run.script == .normal ? size : 0.72 * size }

  private func walk(
    _ label: Label, size: Double, bold: Bool, from start: Double, baseline: Double, _ draw: (String) -> Void
  ) {
    var x = start
    for run in label.runs {
      select(run, size: size, bold: bold)
      var extents = cairo_text_extents_t()
      cairo_text_extents(context, run.text, &extents)
      cairo_new_path(context)
      cairo_move_to(context, x, baseline + Self.shift(of: run, in: size))
      draw(run.text)
      x += extents.x_advance
    }
  }

  private func select(_ run: Label.Run, size: Double, bold: Bool) {
    cairo_select_font_face(
      context, Theme.font, run.italic ? CAIRO_FONT_SLANT_ITALIC : CAIRO_FONT_SLANT_NORMAL,
      bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL)
    cairo_set_font_size(context, Self.size(of: run, in: size))
  }
}
