import Formats

/// Images as float32 tensors in a safetensors file: `train.images`, `valid.images` [count, 3, side, side] and
/// `train.labels`, `valid.labels` [count]. Used as they are; other tensors of the file are left alone.
///
/// The number of classes is the metadata entry `classes` where there is one, else the length of `classifier.bias` where
/// the file also holds a network, else 10, or more where a label asks for it.
public enum TensorDataset {
  /// - Throws: `InputError` when the file is damaged, a tensor is missing or misshapen, a value is not finite, or a label is
  ///   no class.
  public static func load(file path: String) throws -> ImageDataset {
    let file = try TensorFile(readingFrom: path)
    let training = try split(file, "train")
    let validation = try split(file, "valid")
    guard training.side == validation.side else {
      throw InputError(
        "other size than train.images", at: .file(path, "valid.images"), found: "side \(validation.side)",
        wanted: "\(training.side)")
    }
    let largest = max(training.split.labels.max() ?? 0, validation.split.labels.max() ?? 0)
    let classes = try classCount(file, largestLabel: Int(largest))
    for (name, labels) in [("train", training.split.labels), ("valid", validation.split.labels)] {
      if let index = labels.firstIndex(where: { $0 >= classes }) {
        throw InputError(
          "label \(index) is no class", at: .file(path, "\(name).labels"), found: "\(labels[index])",
          wanted: "0 to \(classes - 1)")
      }
    }
    return try ImageDataset(
      name: "tensors", classes: classes, side: training.side, training: training.split, validation: validation.split,
      normalisation: .identity)
  }

  private static func classCount(_ file: TensorFile, largestLabel: Int) throws -> Int {
    if let text = file.metadata["classes"] {
      guard let classes = Int(text), classes > 0, classes <= 1 << 24 else {
        throw InputError(
          "not a number of classes", at: .file(file.path, "metadata classes"), found: text, wanted: "a positive integer")
      }
      return classes
    }
    if let bias = file.tensors["classifier.bias"], bias.shape.count == 1, bias.shape[0] > 0 { return bias.shape[0] }
    return max(10, largestLabel + 1)
  }

  private static func split(_ file: TensorFile, _ name: String) throws -> (split: ImageDataset.Split, side: Int) {
    let source = "\(file.path), \(name).images"
    let images = try file.tensor("\(name).images")
    let shape = images.shape
    guard shape.count == 4, shape[1] == ImageDataset.channels, shape[2] == shape[3], shape[0] > 0, shape[2] > 0 else {
      throw InputError(
        "wrong shape", at: .file(source), found: "\(shape)", wanted: "[count, 3, side, side], none of them zero")
    }
    guard case .float32(let values) = images.values else {
      throw InputError("wrong type", at: .file(source), found: images.values.typeName, wanted: "float32")
    }
    if let index = values.firstIndex(where: { !$0.isFinite }) {
      throw InputError(
        "value \(index) is not finite", at: .file(source), found: "\(values[index])", wanted: "finite numbers")
    }
    let labelName = "\(name).labels"
    let labelShape = try file.tensor(labelName).shape
    guard labelShape == [shape[0]] else {
      throw InputError(
        "as many labels as images are needed", at: .file(file.path, labelName), found: "shape \(labelShape)",
        wanted: "[\(shape[0])]")
    }
    let labels = try file.integers(labelName).enumerated().map { index, label in
      guard label >= 0, label < 1 << 24 else {
        throw InputError(
          "label \(index) is no class", at: .file(file.path, labelName), found: "\(label)",
          wanted: "a non-negative class number")
      }
      return Int32(label)
    }
    return (.init(pixels: .floats(values), labels: labels), shape[2])
  }
}

extension DatasetKind {
  static let tensors = DatasetKind(
    name: "tensors", place: "FILE.safetensors", load: { try TensorDataset.load(file: $0.location) },
    files: { [try CheckedFile(reading: $0.location)] })
}

extension DatasetSpecification {
  public static func tensors(file: String) -> DatasetSpecification { .init(.tensors, at: file) }
}
