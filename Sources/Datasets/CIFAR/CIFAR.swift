import Formats

/// CIFAR-10 and CIFAR-100 (Krizhevsky, *Learning multiple layers of features from tiny images*, 2009): 32×32 colour images
/// in the binary or the Python layout, as a folder or as an archive.
///
/// The Python layout is what torchvision leaves on disk. Its pickles are read as data and never executed.
public enum CIFAR {
  static let side = 32
  static let imageSize = ImageDataset.channels * side * side

  /// CIFAR-10 of a folder or archive, normalised with the constants of the DARTS repository.
  ///
  /// - Throws: `InputError` when a file is absent, truncated, corrupt or mislabelled.
  public static func load10(_ path: String) throws -> ImageDataset { try load(path, .ten) }

  /// CIFAR-100 (its 100 fine classes) of a folder or archive, normalised with the constants of the RobustDARTS repository.
  ///
  /// - Throws: `InputError` when a file is absent, truncated, corrupt or mislabelled.
  public static func load100(_ path: String) throws -> ImageDataset { try load(path, .hundred) }

  private static func load(_ path: String, _ variant: CIFARVariant) throws -> ImageDataset {
    let source = try CIFARSource(path, of: variant)
    var training = CIFARImages()
    for name in try source.trainingFiles() { try training.append(name, of: source, variant) }
    guard source.files.contains(source.layout.test) else {
      throw InputError(
        "there is no such file", at: .file(source.files.source(source.layout.test)),
        wanted: "the test images of \(variant.title)")
    }
    var test = CIFARImages()
    try test.append(source.layout.test, of: source, variant)
    return try ImageDataset(
      name: variant.name, classes: variant.classes, side: side,
      training: .init(pixels: .bytes(training.bytes), labels: training.labels),
      test: .init(pixels: .bytes(test.bytes), labels: test.labels), normalisation: variant.normalisation,
      classNames: try classNames(source, variant))
  }

  /// The names of the meta file; nil where there is none.
  ///
  /// - Throws: `InputError` where it is there but damaged or of another number of classes.
  private static func classNames(_ source: CIFARSource, _ variant: CIFARVariant) throws -> [String]? {
    let name = source.layout.meta
    guard source.files.contains(name) else { return nil }
    let bytes = try source.files.bytes(name)
    let names: [String]
    if source.isPython {
      let pickle = try PickleFile(bytes, source: source.files.source(name))
      names = try pickle.entry(variant.nameKey).flatMap(pickle.texts) ?? []
    } else {
      names = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).map(String.init)
    }
    guard names.count == variant.classes else {
      throw InputError(
        "wrong number of class names", at: .file(source.files.source(name)), found: "\(names.count)",
        wanted: "\(variant.classes)")
    }
    return names
  }
}

/// Images and labels of a split as its files are read.
struct CIFARImages {
  var bytes: [UInt8] = []
  var labels: [Int32] = []

  mutating func append(_ name: String, of source: CIFARSource, _ variant: CIFARVariant) throws {
    let content = try source.files.bytes(name)
    if source.isPython {
      try append(pickle: PickleFile(content, source: source.files.source(name)), variant)
    } else {
      try append(records: content, source: source.files.source(name), variant)
    }
  }

  /// Records of label bytes and red, green and blue planes.
  private mutating func append(records: [UInt8], source: String, _ variant: CIFARVariant) throws {
    let recordSize = variant.labelBytes + CIFAR.imageSize
    guard records.count.isMultiple(of: recordSize), !records.isEmpty else {
      throw InputError(
        "truncated, or not \(variant.title)'s binary layout", at: .file(source), found: "\(records.count) bytes",
        wanted: "a multiple of \(recordSize)")
    }
    let count = records.count / recordSize
    bytes.reserveCapacity(bytes.count + count * CIFAR.imageSize)
    for record in 0..<count {
      let start = record * recordSize
      try append(label: Int(records[start + variant.labelBytes - 1]), source: source, item: "record \(record)", variant)
      bytes += records[start + variant.labelBytes..<start + recordSize]
    }
  }

  /// A dictionary of `data`, uint8 [count, 3072], and labels.
  private mutating func append(pickle: PickleFile, _ variant: CIFARVariant) throws {
    func required(_ key: String) throws -> PickleValue {
      if let value = try pickle.entry(key) { return value }
      let keys = pickle.keys
      throw InputError(
        "there is no entry \"\(key)\"", at: .file(pickle.source),
        found: keys.isEmpty ? "none" : keys.prefix(8).joined(separator: ", "), wanted: "a batch of \(variant.title)")
    }
    let array = try pickle.array(required("data"), of: "data")
    guard array.shape.count == 2, array.shape[1] == CIFAR.imageSize, array.shape[0] > 0, array.element.size == 1,
      !array.element.isSigned, let pixels = pickle.bytes(array.data)
    else {
      throw InputError(
        "wrong shape or type", at: .file(pickle.source, "data"),
        found: "\(array.shape) of \(array.element.size)-byte integers", wanted: "[count, \(CIFAR.imageSize)] of uint8")
    }
    let count = array.shape[0]
    let found = try pickle.integers(required(variant.labelKey), of: variant.labelKey)
    guard found.count == count else {
      throw InputError(
        "as many labels as images are needed", at: .file(pickle.source, variant.labelKey), found: "\(found.count)",
        wanted: "\(count)")
    }
    for (index, label) in found.enumerated() {
      try append(label: label, source: pickle.source, item: "image \(index)", variant)
    }
    if array.isColumnMajor {
      bytes.reserveCapacity(bytes.count + pixels.count)
      for image in 0..<count {
        for place in 0..<CIFAR.imageSize { bytes.append(pixels[pixels.startIndex + place * count + image]) }
      }
    } else {
      bytes += pixels
    }
  }

  private mutating func append(label: Int, source: String, item: String, _ variant: CIFARVariant) throws {
    guard (0..<variant.classes).contains(label) else {
      throw InputError(
        "the label of \(item) is no class", at: .file(source), found: "\(label)", wanted: "0 to \(variant.classes - 1)")
    }
    labels.append(Int32(label))
  }
}

extension DatasetKind {
  static let cifar10 = cifar("cifar10", .ten, CIFAR.load10)
  static let cifar100 = cifar("cifar100", .hundred, CIFAR.load100)

  private static func cifar(
    _ name: String, _ variant: CIFARVariant, _ load: @escaping @Sendable (String) throws -> ImageDataset
  ) -> DatasetKind {
    DatasetKind(
      name: name, place: "PATH", mayBeHalved: true, counts: (50_000, 10_000), load: { try load($0.location) }
    ) { specification in
      let source = try CIFARSource(specification.location, of: variant)
      let names = try source.trainingFiles() + [source.layout.test, source.layout.meta].filter(source.files.contains)
      return try (source.archive.map { [try CheckedFile(reading: $0)] } ?? [])
        + names.map { try CheckedFile(source: source.files.source($0), name: $0, bytes: source.files.bytes($0)) }
    }
  }
}

extension DatasetSpecification {
  /// A folder or an archive, in either layout.
  public static func cifar10(path: String) -> DatasetSpecification { .init(.cifar10, at: path) }
  /// A folder or an archive, in either layout.
  public static func cifar100(path: String) -> DatasetSpecification { .init(.cifar100, at: path) }
}
