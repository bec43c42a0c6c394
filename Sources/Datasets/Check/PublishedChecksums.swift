import Formats

/// MD5 digests of dataset files as their makers publish them (the pages of CIFAR; the repository of Fashion-MNIST) or, for
/// the files within archives and for SVHN, as torchvision has checked downloads for years.
enum PublishedChecksums {
  /// By the name of the file. Files that are not in here have no published digest that is known here.
  static let md5: [String: String] = [
    "cifar-10-python.tar.gz": "c58f30108f718f92721af3b95e74349a",
    "cifar-10-binary.tar.gz": "c32a1d4ab5d03f1284b67883e8d87530",
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
    "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
    "cifar-100-python.tar.gz": "eb9058c3a382ffc7106e4002c42a8d85",
    "cifar-100-binary.tar.gz": "03b5dce01913d631647c71ecec9e9cb8",
    "train": "16019d7e3df5f24257cddd939b257f8d",
    "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
    "meta": "7973b15100ade9c7d40fb424638fde48",
    "train_32x32.mat": "e26dedcc434d2e4c54c9b2d4a06d8373",
    "test_32x32.mat": "eb5a983be6a315427106f1b164d9cef3",
    "extra_32x32.mat": "a93ce644f1a588dc4d68dda5feec44a7",
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
  ]
}

/// A file of a dataset with its digests.
public struct CheckedFile: Equatable, Sendable {
  public enum Verdict: String, Sendable {
    /// Its MD5 is the published one.
    case official = "official"
    /// A file of this name has a published MD5, and this is another.
    case other = "not an official file"
    case unknown = "no published checksum known"
  }

  /// Path, or archive and name within.
  public var source: String
  public var byteCount: Int
  public var md5: String
  public var sha256: String
  public var verdict: Verdict

  init(source: String, name: String, bytes: [UInt8]) throws {
    self.source = source
    byteCount = bytes.count
    let md5 = try Digest.text(.md5, of: bytes)
    self.md5 = md5
    sha256 = try Digest.text(.sha256, of: bytes)
    verdict = PublishedChecksums.md5[name].map { $0 == md5 ? .official : .other } ?? .unknown
  }
}
