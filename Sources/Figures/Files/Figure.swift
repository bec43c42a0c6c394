/// Something that can be drawn and saved as PNG, PDF or SVG.
public protocol Figure {
  /// Plain title, for the metadata of the file.
  var name: String { get }

  /// Extent of the page in points.
  func pageSize() throws -> Size

  /// Draws the whole page on `canvas`, which is white.
  func draw(on canvas: Canvas) throws
}

/// A figure made of a drawing closure.
public struct Sketch: Figure {
  public let name: String
  private let size: Size
  private let drawing: (Canvas) throws -> Void

  public init(name: String, size: Size, drawing: @escaping (Canvas) throws -> Void) {
    self.name = name
    self.size = size
    self.drawing = drawing
  }

  public func pageSize() -> Size { size }

  public func draw(on canvas: Canvas) throws { try drawing(canvas) }
}
