import Datasets
import Figures

/// Some training images of every class with its name, for the appendix of a paper.
public struct ContactSheet: Figure {
  /// Pixels of a thumbnail's side in a PNG of twice 96 pixels an inch, where they are whole.
  private static let thumbnailPixels = 64
  private static let pixel = 72.0 / 192
  private static let thumbnail = Double(thumbnailPixels) * pixel
  private static let gap = 4 * pixel
  private static let margin = 16 * pixel
  private static let titleHeight = 48 * pixel
  private static let fontSize = 6.5
  /// Rows that fit a page of the Figures room and a PNG.
  private static let mostRows = 480

  private let title: String
  private let names: [String]
  private let rows: [[ImageDataset.Picture]]
  /// Classes side by side.
  private let columns: Int
  private let imagesPerClass: Int
  private let labelWidth: Double

  public var name: String { title }

  /// - Throws: `InputError` where text cannot be measured.
  public init(_ dataset: ImageDataset, title: String) throws {
    columns = dataset.classes <= 20 ? 1 : dataset.classes <= 60 ? 2 : 4
    imagesPerClass = [1: 15, 2: 6, 4: 3][columns] ?? 3
    let shown = min(dataset.classes, Self.mostRows * columns)
    self.title = title + (shown < dataset.classes ? ", the first \(shown) of \(dataset.classes) classes" : "")
    names = (0..<shown).map { dataset.classNames?[$0] ?? "\($0)" }.map { Self.shortened($0) }
    let count = imagesPerClass
    rows = (0..<shown).map { label in
      dataset.samples(ofClass: label, count: count).map { $0.resized(to: Self.thumbnailPixels) }
    }
    // DejaVu Sans is about 0.6 of its size wide; names are cut to fit anyway.
    labelWidth = 0.62 * Self.fontSize * Double(names.map(\.count).max() ?? 1) + 4
  }

  private static func shortened(_ name: String) -> String {
    let readable = name.replacing("_", with: " ")
    return readable.count > 16 ? readable.prefix(15) + "…" : readable
  }

  private var rowCount: Int { (rows.count + columns - 1) / columns }
  private var blockWidth: Double { labelWidth + Double(imagesPerClass) * (Self.thumbnail + Self.gap) + 12 * Self.pixel }

  public func pageSize() -> Size {
    Size(
      width: 2 * Self.margin + Double(columns) * blockWidth - 12 * Self.pixel - Self.gap,
      height: 2 * Self.margin + Self.titleHeight + Double(rowCount) * (Self.thumbnail + Self.gap) - Self.gap)
  }

  public func draw(on canvas: Canvas) {
    canvas.text(Label(title), at: Point(Self.margin, Self.margin + 9), size: 9, bold: true)
    for (index, pictures) in rows.enumerated() {
      // Down the columns, as one reads a list.
      let (column, row) = (index / rowCount, index % rowCount)
      let x = Self.margin + Double(column) * blockWidth
      let y = Self.margin + Self.titleHeight + Double(row) * (Self.thumbnail + Self.gap)
      canvas.text(
        Label(names[index]), at: Point(x + labelWidth - 4, y + Self.thumbnail / 2), size: Self.fontSize,
        horizontal: .right, vertical: .middle)
      for (place, picture) in pictures.enumerated() {
        draw(picture, at: Point(x + labelWidth + Double(place) * (Self.thumbnail + Self.gap), y), on: canvas)
      }
    }
  }

  /// Pixels of one colour in a row are one rectangle.
  private func draw(_ picture: ImageDataset.Picture, at corner: Point, on canvas: Canvas) {
    let (x, y) = (canvas.snapped(corner.x), canvas.snapped(corner.y))
    for row in 0..<picture.side {
      var start = 0
      while start < picture.side {
        let first = (row * picture.side + start) * 3
        let colour = picture.pixels[first..<first + 3]
        var end = start + 1
        while end < picture.side, picture.pixels[first + (end - start) * 3..<first + (end - start + 1) * 3] == colour {
          end += 1
        }
        let area = Rectangle(
          x: x + Double(start) * Self.pixel, y: y + Double(row) * Self.pixel, width: Double(end - start) * Self.pixel,
          height: Self.pixel)
        let (red, green, blue) = (picture.pixels[first], picture.pixels[first + 1], picture.pixels[first + 2])
        canvas.fill(area, Colour(hex: UInt32(red) << 16 | UInt32(green) << 8 | UInt32(blue)))
        start = end
      }
    }
  }
}
