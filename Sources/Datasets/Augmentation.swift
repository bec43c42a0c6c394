import Compute

/// Random changes of training images: crop, flip, then, after normalisation, cutout.
public struct Augmentation: Equatable, Sendable {
  /// Black pixels put around an image before a crop of its own size is taken; 0 for no crop.
  public var cropPadding: Int
  /// Whether half of the images are mirrored left to right.
  public var isFlipping: Bool
  /// Side of the square set to zero (DeVries and Taylor, 2017, arXiv 1708.04552); nil for none.
  public var cutoutLength: Int?

  public init(cropPadding: Int, isFlipping: Bool, cutoutLength: Int? = nil) {
    self.cropPadding = cropPadding
    self.isFlipping = isFlipping
    self.cutoutLength = cutoutLength
  }

  /// No change.
  public static let none = Augmentation(cropPadding: 0, isFlipping: false)
  /// What a DARTS search uses (DARTS, §A.1): padding 4, flips, no cutout.
  public static let darts = Augmentation(cropPadding: 4, isFlipping: true)

  /// What happens to one image.
  package struct Draw: Equatable, Sendable {
    /// Row and column of the source pixel that lands in the crop's upper left corner, in −padding…padding.
    package var row = 0
    package var column = 0
    package var isFlipped = false
    /// Rows and columns of the final image that are set to zero.
    package var cutout: Rectangle?

    package static let none = Draw()

    package init(row: Int = 0, column: Int = 0, isFlipped: Bool = false, cutout: Rectangle? = nil) {
      self.row = row
      self.column = column
      self.isFlipped = isFlipped
      self.cutout = cutout
    }
  }

  package struct Rectangle: Equatable, Sendable {
    package var rows: Range<Int>
    package var columns: Range<Int>

    package init(rows: Range<Int>, columns: Range<Int>) {
      self.rows = rows
      self.columns = columns
    }
  }

  /// Every number is drawn whether used or not, so that switching flips or cutout off leaves the crops as they were.
  package func draw(side: Int, from stream: inout RandomStream) -> Draw {
    let row = stream.integer(below: 2 * cropPadding + 1) - cropPadding
    let column = stream.integer(below: 2 * cropPadding + 1) - cropPadding
    let flip = stream.integer(below: 2) == 1
    let (y, x) = (stream.integer(below: side), stream.integer(below: side))
    var draw = Draw(row: row, column: column, isFlipped: isFlipping && flip)
    if let length = cutoutLength {
      // As in DARTS: centred on a pixel, clipped at the border.
      func span(_ centre: Int) -> Range<Int> { max(0, centre - length / 2)..<min(side, centre + length / 2) }
      draw.cutout = Rectangle(rows: span(y), columns: span(x))
    }
    return draw
  }
}
