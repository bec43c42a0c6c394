/// Pictures of a dataset's images, for people to look at.
extension ImageDataset {
  /// A square picture, rows from the top, red, green and blue of a pixel together.
  public struct Picture: Equatable, Sendable {
    public var side: Int
    /// [side, side, 3].
    public var pixels: [UInt8]
  }

  /// The first training images of a class; fewer where the class has no more. Image files are centred and resized as for
  /// a test, and those that can't be decoded are passed over; tensors are stretched to their own range.
  public func samples(ofClass label: Int, count: Int) -> [Picture] {
    var pictures: [Picture] = []
    for position in training.labels.indices where training.labels[position] == label {
      if pictures.count == count { break }
      if let picture = picture(position) { pictures.append(picture) }
    }
    return pictures
  }

  private func picture(_ position: Int) -> Picture? {
    let plane = side * side
    switch training.pixels {
    case .files(let files):
      guard let image = try? files.decoded(position) else { return nil }
      return Picture(side: side, pixels: files.centre(of: image).pixels)
    case .bytes(let bytes):
      let start = position * storedChannels * plane
      let pixels = (0..<plane).flatMap { index in
        (0..<3).map { bytes[start + (storedChannels == 1 ? 0 : $0) * plane + index] }
      }
      return Picture(side: side, pixels: pixels)
    case .floats(let values):
      let image = values[position * 3 * plane..<(position + 1) * 3 * plane]
      let (least, most) = (image.min() ?? 0, image.max() ?? 0)
      let pixels = (0..<plane).flatMap { index in
        (0..<3).map { channel in
          let value = image[image.startIndex + channel * plane + index]
          return most > least ? UInt8((255 * Double(value - least) / Double(most - least)).rounded()) : 128
        }
      }
      return Picture(side: side, pixels: pixels)
    }
  }
}

extension ImageDataset.Picture {
  /// The picture in another size: pixels repeated where it is a multiple, else resampled.
  public func resized(to side: Int) -> ImageDataset.Picture {
    guard side != self.side else { return self }
    guard side.isMultiple(of: self.side) else {
      let image = RGBImage(width: self.side, height: self.side, pixels: pixels)
      return ImageDataset.Picture(side: side, pixels: Resampler.resize(image, width: side, height: side).pixels)
    }
    let zoom = side / self.side
    let repeated = (0..<side * side).flatMap { index in
      let from = (index / side / zoom * self.side + index % side / zoom) * 3
      return pixels[from..<from + 3]
    }
    return ImageDataset.Picture(side: side, pixels: repeated)
  }
}
