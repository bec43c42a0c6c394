import Formats

/// Fashion-MNIST (Xiao, Rasul, Vollgraf, 2017, arXiv 1708.07747): 28×28 grey images of ten kinds of clothing.
///
/// Images are zero-padded by 2 pixels on each side to 32×32 and repeated in three channels. Mean and deviation are those
/// of the padded training images, padding counted, because that is what the network is given.
public enum FashionMNIST {
  /// Where Debian's `dataset-fashion-mnist` puts the files.
  public static let systemFolder = "/usr/share/datasets/fashion-mnist"
  public static let classes = 10
  /// As its makers call them.
  static let classNames = [
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
  ]
  static let storedSide = 28
  static let side = 32

  /// The folder that holds the files: the one that is given, or within it where torchvision puts them, `FashionMNIST/raw`
  /// below its root.
  ///
  /// - Throws: `InputError` that says what was looked for where none of the four files is in any of them.
  static func place(in root: String) throws -> String {
    let folders = [root, "\(root)/FashionMNIST/raw", "\(root)/raw"]
    let found = folders.first { folder in
      fileNames.contains { IDXFile.path(folder: folder, name: $0) != nil }
    }
    if let found { return found }
    let entries = try DatasetFiles.entries(of: root, expected: hint)
    throw InputError(
      "there is no Fashion-MNIST", at: .file(root),
      found: entries.isEmpty ? "an empty folder" : entries.prefix(3).joined(separator: ", "),
      wanted: "\(fileNames.joined(separator: ", ")), each as .gz or unpacked, in it, in FashionMNIST/raw or in raw; or "
        + hint)
  }

  /// The files without the ending `.gz`, in the order in which they are read.
  static let fileNames = ["train", "t10k"].flatMap { ["\($0)-images-idx3-ubyte", "\($0)-labels-idx1-ubyte"] }

  private static let hint = "the Debian package dataset-fashion-mnist, or fashion-mnist:DIR with the four IDX files in DIR"

  /// Reads the four IDX files, gzipped or plain, of a folder or of torchvision's root.
  ///
  /// - Throws: `InputError` when a file is absent, truncated, corrupt or mislabelled.
  public static func load(folder root: String = systemFolder) throws -> ImageDataset {
    let folder = try place(in: root)
    let training = try split(folder: folder, prefix: "train")
    let test = try split(folder: folder, prefix: "t10k")
    guard let normalisation = Normalisation(measuringGrey: training.bytes) else {
      throw InputError("all pixels have the same value", at: .file("\(folder)/train-images-idx3-ubyte.gz"))
    }
    return try ImageDataset(
      name: "fashion-mnist", classes: classes, side: side, storedChannels: 1,
      training: .init(pixels: .bytes(training.bytes), labels: training.labels),
      test: .init(pixels: .bytes(test.bytes), labels: test.labels), normalisation: normalisation,
      classNames: classNames)
  }

  private static func split(folder: String, prefix: String) throws -> (bytes: [UInt8], labels: [Int32]) {
    let images = try IDXFile(folder: folder, name: "\(prefix)-images-idx3-ubyte", dimensions: 3, hint: hint)
    let labels = try IDXFile(folder: folder, name: "\(prefix)-labels-idx1-ubyte", dimensions: 1, hint: hint)
    guard images.extents[1...] == [storedSide, storedSide] else {
      throw InputError(
        "wrong image size", at: .file(images.path), found: "\(images.extents[1])×\(images.extents[2])",
        wanted: "\(storedSide)×\(storedSide)")
    }
    let count = images.extents[0]
    guard count > 0 else { throw InputError("no images", at: .file(images.path)) }
    guard labels.extents[0] == count else {
      throw InputError(
        "as many labels as images are needed", at: .file(labels.path), found: "\(labels.extents[0]) labels",
        wanted: "\(count), as in \(images.path)")
    }
    if let index = labels.values.firstIndex(where: { $0 >= classes }) {
      throw InputError(
        "label \(index - labels.values.startIndex) is no class", at: .file(labels.path), found: "\(labels.values[index])",
        wanted: "0 to \(classes - 1)")
    }
    return (pad(images.values, count: count), labels.values.map(Int32.init))
  }

  private static func pad(_ pixels: ArraySlice<UInt8>, count: Int) -> [UInt8] {
    let margin = (side - storedSide) / 2
    var padded = [UInt8](repeating: 0, count: count * side * side)
    pixels.withUnsafeBufferPointer { source in
      padded.withUnsafeMutableBufferPointer { target in
        for image in 0..<count {
          for row in 0..<storedSide {
            let from = source.baseAddress! + (image * storedSide + row) * storedSide
            let to = target.baseAddress! + (image * side + row + margin) * side + margin
            to.update(from: from, count: storedSide)
          }
        }
      }
    }
    return padded
  }
}

extension DatasetKind {
  static let fashionMNIST = DatasetKind(
    name: "fashion-mnist", place: "DIR", usualPath: FashionMNIST.systemFolder, mayBeHalved: true,
    counts: (60_000, 10_000),
    load: { try FashionMNIST.load(folder: $0.location) },
    files: { specification in
      let folder = try FashionMNIST.place(in: specification.location)
      return try FashionMNIST.fileNames.map { name in
        try CheckedFile(reading: IDXFile.path(folder: folder, name: name) ?? "\(folder)/\(name).gz")
      }
    })
}

extension DatasetSpecification {
  public static func fashionMNIST(folder: String) -> DatasetSpecification { .init(.fashionMNIST, at: folder) }
}
