import Compute
import Formats

/// Random changes of training images: crop, flip, colour, then, after normalisation, cutout.
public struct Augmentation: Equatable, Sendable {
  /// Black pixels put around an image before a crop of its own size is taken; 0 for no crop.
  public var cropPadding: Int
  /// Whether half of the images are mirrored left to right.
  public var isFlipping: Bool
  /// Side of the square set to zero (DeVries and Taylor, 2017, arXiv 1708.04552); nil for none.
  public var cutoutLength: Int?
  /// The part of an image file that is resized to the batch's side; nil for its centre.
  public var resizedCrop: ResizedCrop?
  /// Changes of an image file's colours; nil for none.
  public var colourJitter: ColourJitter?

  public init(
    cropPadding: Int, isFlipping: Bool, cutoutLength: Int? = nil, resizedCrop: ResizedCrop? = nil,
    colourJitter: ColourJitter? = nil
  ) {
    self.cropPadding = cropPadding
    self.isFlipping = isFlipping
    self.cutoutLength = cutoutLength
    self.resizedCrop = resizedCrop
    self.colourJitter = colourJitter
  }

  /// No change.
  public static let none = Augmentation(cropPadding: 0, isFlipping: false)
  /// What a DARTS search uses (DARTS, §A.1): padding 4, flips, no cutout.
  public static let darts = Augmentation(cropPadding: 4, isFlipping: true)
  /// What DARTS trains on ImageNet with (`train_imagenet.py`): resized crops, flips, colour jitter.
  public static let imageNet = Augmentation(
    cropPadding: 0, isFlipping: true, resizedCrop: .imageNet, colourJitter: .darts)

  /// - Throws: `InputError` when it doesn't fit the images.
  func check(_ dataset: ImageDataset) throws {
    let side = dataset.side
    guard cropPadding >= 0, cropPadding <= side else {
      throw InputError("out of range", at: "crop padding", found: "\(cropPadding)", wanted: "0 to \(side)")
    }
    if let length = cutoutLength, length < 2 || length > 2 * side {
      throw InputError("out of range", at: .setting("cutout"), found: "\(length)", wanted: "2 to \(2 * side)")
    }
    try resizedCrop?.check()
    try colourJitter?.check()
    if case .bytes = dataset.training.pixels, resizedCrop != nil || colourJitter != nil {
      throw InputError(
        "resized crops and colour jitter are for folders of images", at: .words(dataset.name),
        found: "images that are stored at their final size", wanted: "crop, flip and cutout")
    }
  }

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

  /// An image file brought to the side of a batch, its colours changed. The stream is the one that `draw` has drawn from:
  /// colours first, since the tries for a crop are of no fixed number.
  package func prepared(_ image: RGBImage, of files: ImageFiles, from stream: inout RandomStream) -> RGBImage {
    let colours = (colourJitter ?? .darts).draw(from: &stream)
    var result: RGBImage
    if let resizedCrop {
      let part = resizedCrop.draw(width: image.width, height: image.height, from: &stream)
      result = Resampler.resize(
        image.cropped(row: part.row, column: part.column, height: part.height, width: part.width), width: files.side,
        height: files.side)
    } else {
      result = files.centre(of: image)
    }
    if colourJitter != nil { colours.apply(to: &result) }
    return result
  }
}
