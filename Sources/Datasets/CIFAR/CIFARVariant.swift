/// What tells CIFAR-10 and CIFAR-100 (Krizhevsky, 2009) apart: numbers and the names that their makers gave the files.
struct CIFARVariant: Equatable, Sendable {
  /// As messages call it.
  var title: String
  /// As logs and figures call it.
  var name: String
  var classes: Int
  var normalisation: Normalisation
  /// Bytes of labels before the pixels of a binary record; the last one is the class.
  var labelBytes: Int
  var binary: Layout
  var python: Layout
  /// The key of the labels in the Python layout, and of the class names in its meta file.
  var labelKey: String
  var nameKey: String

  /// A layout as it is published.
  struct Layout: Equatable, Sendable {
    /// The folder that unpacking makes.
    var folder: String
    var archive: String
    var training: Training
    var test: String
    /// Names of the classes, in their order.
    var meta: String
  }

  enum Training: Equatable, Sendable {
    case file(String)
    /// Files numbered from 1.
    case numbered(prefix: String, suffix: String)

    /// The first of the files, for messages.
    var first: String {
      switch self {
      case .file(let name): name
      case .numbered(let prefix, let suffix): "\(prefix)1\(suffix)"
      }
    }
  }

  static let ten = CIFARVariant(
    title: "CIFAR-10", name: "cifar10", classes: 10, normalisation: .cifar10, labelBytes: 1,
    binary: Layout(
      folder: "cifar-10-batches-bin", archive: "cifar-10-binary.tar.gz",
      training: .numbered(prefix: "data_batch_", suffix: ".bin"), test: "test_batch.bin", meta: "batches.meta.txt"),
    python: Layout(
      folder: "cifar-10-batches-py", archive: "cifar-10-python.tar.gz",
      training: .numbered(prefix: "data_batch_", suffix: ""), test: "test_batch", meta: "batches.meta"),
    labelKey: "labels", nameKey: "label_names")

  static let hundred = CIFARVariant(
    title: "CIFAR-100", name: "cifar100", classes: 100, normalisation: .cifar100, labelBytes: 2,
    binary: Layout(
      folder: "cifar-100-binary", archive: "cifar-100-binary.tar.gz", training: .file("train.bin"), test: "test.bin",
      meta: "fine_label_names.txt"),
    python: Layout(
      folder: "cifar-100-python", archive: "cifar-100-python.tar.gz", training: .file("train"), test: "test", meta: "meta"),
    labelKey: "fine_labels", nameKey: "fine_label_names")
}
