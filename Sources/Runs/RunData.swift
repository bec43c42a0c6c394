import Datasets
import Formats

/// The data that something was computed from: what they are, what they hold and, for messages, where they are.
///
/// Where data lie is not what a run is. Its checkpoints hold the kind, the options and the checksum of its data, and no path;
/// config.yaml holds the path.
public struct RunData: Equatable, Sendable {
  /// What `DatasetSpecification` parses, or its kind alone.
  public var dataset: String
  /// `BilevelProblem.dataChecksum`; nil where there is none, as in files of versions that wrote none.
  public var checksum: String?

  public init(dataset: String, checksum: String?) {
    self.dataset = dataset
    self.checksum = checksum
  }

  /// Of a checkpoint; nil in a file that says nothing of its data.
  public init?(metadata: [String: String]) {
    guard let dataset = metadata["dataset"] else { return nil }
    self.init(dataset: dataset, checksum: metadata[Self.checksumKey])
  }

  /// The key of the checksum in metadata of checkpoints and in settings of landscapes and studies.
  public static let checksumKey = "dataset_crc32c"

  /// What a checkpoint says of its data.
  package var metadata: [String: String] {
    let kind = ["dataset": DatasetSpecification.kind(of: dataset)]
    return checksum.map { kind.merging([Self.checksumKey: $0]) { $1 } } ?? kind
  }

  /// Whether these are the same data, as far as either says.
  public func isSame(as other: RunData) -> Bool {
    guard DatasetSpecification.kind(of: dataset) == DatasetSpecification.kind(of: other.dataset) else { return false }
    // Without a checksum nothing tells data but their place. A closed form has neither.
    guard (checksum == nil) != (other.checksum == nil) else { return checksum == other.checksum }
    return DatasetSpecification.absolute(dataset) == DatasetSpecification.absolute(other.dataset)
  }

  /// - Parameters:
  ///   - earlier: what was begun with.
  ///   - path: the file that says so.
  /// - Throws: `InputError` with both where these are other data.
  public func require(sameAs earlier: RunData, from path: String) throws {
    guard !isSame(as: earlier) else { return }
    let isSilent = earlier.checksum == nil && checksum != nil
    throw InputError(
      isSilent ? "no checksum tells whether these are the data that the checkpoint was made with" : "other data",
      at: "setting dataset", found: description,
      wanted: "\(earlier.description), as in \(path)" + (isSilent ? ", where it was" : ""))
  }

  private var description: String { "'\(dataset)'" + (checksum.map { " of CRC-32C \($0)" } ?? "") }
}
