import CHDF5
import Foundation

/// Arrays of numbers in the root of an HDF5 file (The HDF Group), read and written by libhdf5.
public struct HDF5File: Equatable, Sendable {
  /// An array of at most two dimensions.
  public struct Dataset: Equatable, Sendable {
    public var name: String
    /// Empty for a single number.
    public var shape: [Int]
    /// Row-major. Numbers of any type are read as doubles, and written as 64-bit floats, little-endian.
    public var values: [Double]

    public init(name: String, shape: [Int], values: [Double]) {
      (self.name, self.shape, self.values) = (name, shape, values)
    }
  }

  /// In the order of the file, which for files that are read is that of the names.
  public var datasets: [Dataset]

  public init(datasets: [Dataset]) { self.datasets = datasets }

  /// The dataset of a name; nil where there is none.
  public subscript(name: String) -> Dataset? { datasets.first { $0.name == name } }

  /// The bytes that every file begins with, but for those with a block of a user's before them.
  static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

  /// libhdf5 takes two files in memory for one, and is not made for threads everywhere.
  private static let lock = NSLock()

  /// Most numbers that one array may have, so that a damaged file cannot fill the memory.
  private static let mostValues: UInt64 = 1 << 27
}

extension HDF5File {
  /// Reads every array of numbers of at most two dimensions; groups, texts and larger arrays are passed over.
  ///
  /// - Throws: `InputError` where the file is absent, is none of HDF5, is damaged, or an array has no plausible size.
  public init(readingFrom path: String) throws {
    let bytes = try FileBytes.read(path)
    datasets = try Self.lock.withLock {
      zarts_h5_be_quiet()
      let file = bytes.withUnsafeBytes { zarts_h5_open($0.baseAddress, $0.count) }
      guard file >= 0 else {
        throw bytes.starts(with: Self.signature)
          ? InputError("the HDF5 file is damaged", at: .file(path))
          : InputError("not an HDF5 file", at: .file(path), wanted: "a file that h5py or the like wrote")
      }
      defer { H5Fclose(file) }
      return try Self.names(in: file, path).compactMap { try Self.dataset($0, in: file, path) }
    }
  }

  private static func names(in file: hid_t, _ path: String) throws -> [String] {
    var result: [String] = []
    var buffer = [CChar](repeating: 0, count: 1024)
    while true {
      let count = zarts_h5_name(file, UInt64(result.count), &buffer, buffer.count)
      if count < 0 { return result }
      guard count < buffer.count else {
        throw InputError("a name of more than 1023 bytes", at: .file(path, "entry \(result.count + 1)"))
      }
      result.append(String(decoding: buffer.prefix(Int(count)).map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }
  }

  private static func dataset(_ name: String, in file: hid_t, _ path: String) throws -> Dataset? {
    var rank: Int32 = 0
    var extent: [UInt64] = [1, 1]
    guard zarts_h5_shape(file, name, &rank, &extent) == 1 else { return nil }
    let (count, isTooLarge) = extent[0].multipliedReportingOverflow(by: extent[1])
    // An empty array may have a side of any length.
    guard !isTooLarge, count <= mostValues, extent.allSatisfy({ $0 <= mostValues }) else {
      throw InputError(
        "an array of more values than can be right", at: .file(path, name), found: "\(extent[0]) × \(extent[1])",
        wanted: "at most \(mostValues)")
    }
    var values = [Double](repeating: 0, count: Int(count))
    guard count == 0 || zarts_h5_read(file, name, &values) == 0 else {
      throw InputError("the array cannot be read", at: .file(path, name), wanted: "one that h5py reads")
    }
    return Dataset(name: name, shape: extent.prefix(Int(rank)).map { Int($0) }, values: values)
  }
}

extension HDF5File {
  /// The file's bytes: the same arrays and texts give the same bytes with one version of the library.
  ///
  /// - Parameters:
  ///   - texts: attributes of the file, by name; empty ones are left out, and those of more than 60,000 bytes, which the format
  ///     has no room for.
  ///   - path: for messages.
  /// - Throws: `InputError` for a name that is empty, repeated or a path, for more than two dimensions and for values that
  ///   don't fill their shape.
  public func encoded(texts: [(name: String, text: String)] = [], for path: String) throws -> [UInt8] {
    var seen: Set<String> = []
    for dataset in datasets {
      let name = dataset.name
      guard !name.isEmpty, name != ".", !name.contains("/"), !name.contains("\0"), seen.insert(name).inserted else {
        throw InputError("not a name of an array, or one twice", at: .file(path, "'\(name)'"))
      }
      guard dataset.shape.count <= 2, dataset.shape.allSatisfy({ $0 > 0 }),
        dataset.shape.reduce(1, *) == dataset.values.count
      else {
        throw InputError(
          "values don't fill their shape", at: .file(path, name), found: "\(dataset.values.count) values",
          wanted: "those of \(dataset.shape), at most two dimensions of 1 or more")
      }
    }
    return try Self.lock.withLock {
      zarts_h5_be_quiet()
      let failure = InputError("libhdf5 cannot make the file", at: .file(path))
      let file = zarts_h5_create()
      guard file >= 0 else { throw failure }
      defer { H5Fclose(file) }
      for (name, text) in texts where (1...60_000).contains(text.utf8.count) {
        guard zarts_h5_write_text(file, name, text, text.utf8.count) == 0 else { throw failure }
      }
      for dataset in datasets {
        let shape = dataset.shape.map { UInt64($0) }
        guard zarts_h5_write(file, dataset.name, Int32(shape.count), shape, dataset.values) == 0 else { throw failure }
      }
      let count = zarts_h5_image(file, nil, 0)
      guard count > 0 else { throw failure }
      var bytes = [UInt8](repeating: 0, count: Int(count))
      guard zarts_h5_image(file, &bytes, bytes.count) == count else { throw failure }
      return bytes
    }
  }

  /// Writes the file, whole or not at all.
  public func write(to path: String) throws { try AtomicFile.write(encoded(for: path), to: path) }
}
