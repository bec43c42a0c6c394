import Formats

/// A kind of dataset: how `--dataset` writes it, its options, and how it is read.
///
/// A kind is declared in the file of its loader and listed in `declared`; whoever parses, loads, checks or moves data asks it.
public struct DatasetKind: Sendable {
  /// What stands before the path.
  package let name: String
  /// What the path is, for help and messages: `DIR`.
  let place: String
  /// How help writes it.
  let form: String
  /// Where the data are when no path is given; nil where one has to be.
  let usualPath: String?
  /// Whether its images are of 32×32, which `side=16` halves.
  let mayBeHalved: Bool
  /// Training and test images as published, with options as usual; nil where every such dataset has its own.
  let counts: (training: Int, test: Int)?
  /// In the order in which they are written.
  let options: [DatasetOption]
  /// Reads it; of a folder of images, the names.
  let load: @Sendable (DatasetSpecification) throws -> ImageDataset
  /// Digests of the files that it is read from, in the order of reading; an archive comes before what it holds.
  let files: @Sendable (DatasetSpecification) throws -> [CheckedFile]

  package init(
    name: String, place: String, form: String? = nil, usualPath: String? = nil, mayBeHalved: Bool = false,
    counts: (training: Int, test: Int)? = nil, options: [DatasetOption] = [],
    load: @escaping @Sendable (DatasetSpecification) throws -> ImageDataset,
    files: @escaping @Sendable (DatasetSpecification) throws -> [CheckedFile]
  ) {
    (self.name, self.place, self.usualPath, self.mayBeHalved) = (name, place, usualPath, mayBeHalved)
    self.form = form ?? (usualPath == nil ? "" : "\(name), ") + "\(name):\(place)"
    (self.counts, self.options, self.load, self.files) = (counts, options, load, files)
  }

  /// One line a kind; its file says the rest.
  private static let declared: [DatasetKind] = [.fashionMNIST, .cifar10, .cifar100, .svhn, .images, .tensors]

  /// Kinds beside the declared ones while a task runs: of tests.
  @TaskLocal package static var guests: [DatasetKind] = []

  static var all: [DatasetKind] { declared + guests }

  /// Every form, for help texts and messages.
  static var forms: String {
    let (halved, others) = (all.filter(\.mayBeHalved).map(\.form), all.filter { !$0.mayBeHalved }.map(\.form))
    return halved.joined(separator: ", ") + ", each with ?side=16 where wanted, "
      + others.dropLast().map { $0 + ", " }.joined().dropLast(2) + " or " + (others.last ?? "")
  }
}

/// An option of a kind of dataset, `key=value` after a question mark.
package struct DatasetOption: Sendable {
  let key: String
  /// The value where it is not given, which is not written either.
  let usual: String
  let wanted: String
  /// The value as it is written; nil where it is none.
  let read: @Sendable (String) -> String?

  package init(key: String, usual: String, wanted: String, read: @escaping @Sendable (String) -> String?) {
    (self.key, self.usual, self.wanted, self.read) = (key, usual, wanted, read)
  }

  /// One of several words, the first of which is the usual one.
  package static func choice(_ key: String, of words: [String]) -> DatasetOption {
    DatasetOption(key: key, usual: words[0], wanted: words.joined(separator: ", ")) { words.contains($0) ? $0 : nil }
  }

  /// Half the side of images of 32×32.
  static let side = choice("side", of: ["32", "16"])
}
