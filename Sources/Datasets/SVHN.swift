import Formats

/// SVHN (Netzer et al., *Reading digits in natural images with unsupervised feature learning*, 2011), cropped digits:
/// `train_32x32.mat` and `test_32x32.mat` with X, uint8 [32, 32, 3, count], and y, 1 to 10 of which 10 is the digit 0.
///
/// Normalised with the constants of the RobustDARTS repository.
public enum SVHN {
  public static let classes = 10
  static let side = 32

  /// Reads a folder.
  ///
  /// - Parameter includingExtra: Whether the images of `extra_32x32.mat` follow those of the training file.
  /// - Throws: `InputError` where a file is absent, damaged or mislabelled.
  public static func load(folder: String, includingExtra: Bool = false) throws -> ImageDataset {
    let names = try DatasetFiles.entries(of: folder, expected: "the folder with train_32x32.mat and test_32x32.mat")
    func path(_ name: String) throws -> String {
      guard names.contains(name) else {
        throw InputError(
          "there is no such file", at: .file("\(folder)/\(name)"),
          found: names.isEmpty ? "an empty folder" : names.prefix(3).joined(separator: ", "))
      }
      return "\(folder)/\(name)"
    }
    var training = try split(path("train_32x32.mat"))
    if includingExtra {
      let extra = try split(path("extra_32x32.mat"))
      training.bytes += extra.bytes
      training.labels += extra.labels
    }
    let test = try split(path("test_32x32.mat"))
    return try ImageDataset(
      name: "svhn", classes: classes, side: side, training: .init(pixels: .bytes(training.bytes), labels: training.labels),
      test: .init(pixels: .bytes(test.bytes), labels: test.labels), normalisation: .svhn,
      classNames: (0..<classes).map(String.init))
  }

  private static func split(_ path: String) throws -> (bytes: [UInt8], labels: [Int32]) {
    let file = try MATFile(path)
    let images = try file.variable("X")
    // MATLAB drops a last extent of 1.
    let extents = images.extents.count == 3 ? images.extents + [1] : images.extents
    guard extents.count == 4, Array(extents[..<3]) == [side, side, ImageDataset.channels], extents[3] > 0,
      case .bytes(let pixels) = images.values
    else {
      throw InputError(
        "wrong shape or type", at: .file(path, "X"), found: "\(images.extents) of \(images.values.kind)",
        wanted: "[32, 32, 3, count] of uint8")
    }
    let count = extents[3]
    let numbers = try file.variable("y")
    guard numbers.extents.reduce(1, *) == count, numbers.extents.allSatisfy({ $0 == 1 || $0 == count }) else {
      throw InputError(
        "as many labels as images are needed", at: .file(path, "y"), found: "\(numbers.extents)", wanted: "[\(count), 1]")
    }
    let labels = try numbers.values.numbers.enumerated().map { index, number in
      guard (1...10).contains(number), number == number.rounded() else {
        throw InputError(
          "label \(index) is no digit", at: .file(path, "y"), found: "\(number)", wanted: "1 to 10, 10 for 0")
      }
      return Int32(number) % 10
    }
    return (transposed(pixels, count: count), labels)
  }

  /// From [row, column, channel, image], the first index fastest, to [image, channel, row, column], the last one fastest.
  private static func transposed(_ pixels: [UInt8], count: Int) -> [UInt8] {
    let plane = side * side
    return [UInt8](unsafeUninitializedCapacity: pixels.count) { target, initialized in
      for start in stride(from: 0, to: count * ImageDataset.channels * plane, by: plane) {
        for row in 0..<side {
          for column in 0..<side { target[start + row * side + column] = pixels[start + column * side + row] }
        }
      }
      initialized = pixels.count
    }
  }
}

extension DatasetKind {
  static let svhn = DatasetKind(
    name: "svhn", place: "DIR", mayBeHalved: true, counts: (73_257, 26_032),
    options: [.choice("extra", of: ["no", "yes"])],
    load: { try SVHN.load(folder: $0.location, includingExtra: $0[option: "extra"] == "yes") },
    files: { specification in
      let extra = specification[option: "extra"] == "yes" ? ["extra_32x32.mat"] : []
      return try (["train_32x32.mat", "test_32x32.mat"] + extra).map {
        try CheckedFile(reading: "\(specification.location)/\($0)")
      }
    })
}

extension DatasetSpecification {
  public static func svhn(folder: String, includesExtra: Bool) -> DatasetSpecification {
    .init(.svhn, at: folder, ["extra": includesExtra ? "yes" : "no"])
  }
}
