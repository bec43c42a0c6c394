import Formats

extension ImageDataset {
  /// The same images at half their height and width: each pixel is the mean of 2×2, halves rounded up. Normalisation is that
  /// of the whole images, whose mean the halves keep.
  ///
  /// For searches and landscapes where a quarter of the arithmetic is wanted.
  ///
  /// - Throws: `InputError` where the images are not bytes in memory, or their side is odd.
  public func halved() throws -> ImageDataset {
    func halved(_ split: Split) throws -> Split {
      guard case .bytes(let bytes) = split.pixels, side.isMultiple(of: 2) else {
        throw InputError(
          "images that cannot be halved", at: .words(name), found: "side \(side)", wanted: "images of bytes and even side")
      }
      return Split(
        pixels: .bytes(Self.halved(bytes, planes: split.count * storedChannels, side: side)), labels: split.labels)
    }
    return try ImageDataset(
      name: name, classes: classes, side: side / 2, storedChannels: storedChannels, training: halved(training),
      validation: validation.map(halved), test: test.map(halved), normalisation: normalisation, classNames: classNames,
      augmentation: augmentation)
  }

  private static func halved(_ bytes: [UInt8], planes: Int, side: Int) -> [UInt8] {
    let half = side / 2
    return [UInt8](unsafeUninitializedCapacity: planes * half * half) { target, count in
      bytes.withUnsafeBufferPointer { source in
        for row in 0..<planes * half {
          for column in 0..<half {
            let at = 2 * row * side + 2 * column
            let sum = Int(source[at]) + Int(source[at + 1]) + Int(source[at + side]) + Int(source[at + side + 1])
            target.initializeElement(at: row * half + column, to: UInt8((sum + 2) / 4))
          }
        }
      }
      count = planes * half * half
    }
  }
}
