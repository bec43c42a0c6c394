import Formats
import Foundation

/// Names the content of a dataset, so that data are known again wherever they lie.
///
/// CRC-32C over the splits in the order training, validation, test: the name of the split, the number of its images, their
/// labels (32-bit, little-endian), and what they are made of. For images in memory that is every pixel as batches take it
/// (after padding and halving); for a folder of images, which is not read as a whole, the name and the size in bytes of
/// every file.
enum DatasetChecksum {
  /// - Throws: `InputError` for an image file that is gone.
  static func text(_ splits: [(name: String, split: ImageDataset.Split?)]) throws -> String {
    var check = CRC32C()
    for (name, split) in splits {
      guard let split else { continue }
      check.add(Array("\(name) \(split.count)\0".utf8))
      split.labels.withUnsafeBytes { check.add($0) }
      switch split.pixels {
      case .bytes(let values): values.withUnsafeBytes { check.add($0) }
      case .floats(let values): values.withUnsafeBytes { check.add($0) }
      case .files(let files):
        for position in 0..<files.count {
          check.add(Array("\(files.name(position))\0\(try files.byteCount(position))\0".utf8))
        }
      }
    }
    let digits = String(check.value, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}
