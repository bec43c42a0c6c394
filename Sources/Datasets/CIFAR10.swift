import Formats
import Foundation

/// CIFAR-10 (Krizhevsky, 2009) in its official binary layout: records of a label and 32×32 red, green and blue bytes.
///
/// Training images are those of data_batch_1.bin, data_batch_2.bin, …, of any number of records each, in that order; test
/// images those of test_batch.bin. Normalised with the constants of the DARTS repository.
public enum CIFAR10 {
  public static let classes = 10
  static let side = 32
  static let recordSize = 1 + ImageDataset.channels * side * side

  /// Reads the binary files of a folder.
  ///
  /// - Throws: `DatasetError` or `FormatError` when a file is absent, truncated or mislabelled.
  public static func load(folder: String) throws -> ImageDataset {
    var bytes: [UInt8] = []
    var labels: [Int32] = []
    for file in try trainingFiles(folder) { try append(file, bytes: &bytes, labels: &labels) }
    var testBytes: [UInt8] = []
    var testLabels: [Int32] = []
    let testFile = "\(folder)/test_batch.bin"
    guard FileManager.default.fileExists(atPath: testFile) else {
      throw DatasetError(
        source: testFile, problem: "there is no such file", expected: "the test records of the binary version of CIFAR-10")
    }
    try append(testFile, bytes: &testBytes, labels: &testLabels)
    return try ImageDataset(
      name: "cifar10", classes: classes, side: side, training: .init(pixels: .bytes(bytes), labels: labels),
      test: .init(pixels: .bytes(testBytes), labels: testLabels), normalisation: .cifar10)
  }

  /// data_batch_1.bin to the last one; a hole in the numbers is a lost file.
  private static func trainingFiles(_ folder: String) throws -> [String] {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
      throw DatasetError(
        source: folder, problem: "there is no such folder", expected: "the folder of the binary version of CIFAR-10")
    }
    let entries: [String]
    do {
      entries = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    } catch {
      throw DatasetError(source: folder, problem: "the folder cannot be listed", found: error.localizedDescription)
    }
    let names = entries.filter { $0.hasPrefix("data_batch_") && $0.hasSuffix(".bin") }
    let numbers = try names.map { name in
      let middle = name.dropFirst("data_batch_".count).dropLast(".bin".count)
      guard let number = Int(middle), number > 0, String(number) == middle else {
        throw DatasetError(
          source: "\(folder)/\(name)", problem: "unexpected name of a batch",
          expected: "data_batch_1.bin, data_batch_2.bin, …")
      }
      return number
    }
    guard let last = numbers.max() else {
      let isPython = entries.contains("data_batch_1")
      let hint = isPython ? "the Python version of CIFAR-10" : entries.prefix(3).joined(separator: ", ")
      throw DatasetError(
        source: folder, problem: "there is no data_batch_1.bin", found: hint.isEmpty ? "an empty folder" : hint,
        expected: "data_batch_*.bin and test_batch.bin of the binary version of CIFAR-10")
    }
    if let lost = (1...last).first(where: { !numbers.contains($0) }) {
      throw DatasetError(
        source: "\(folder)/data_batch_\(lost).bin", problem: "there is no such file", found: "data_batch_\(last).bin",
        expected: "every batch from 1 to \(last)")
    }
    return (1...last).map { "\(folder)/data_batch_\($0).bin" }
  }

  private static func append(_ file: String, bytes: inout [UInt8], labels: inout [Int32]) throws {
    let content = try FileBytes.read(file)
    guard content.count % recordSize == 0, !content.isEmpty else {
      throw DatasetError(
        source: file, problem: "truncated, or not CIFAR-10's binary layout", found: "\(content.count) bytes",
        expected: "a multiple of \(recordSize)")
    }
    let count = content.count / recordSize
    bytes.reserveCapacity(bytes.count + count * (recordSize - 1))
    for record in 0..<count {
      let start = record * recordSize
      guard content[start] < classes else {
        throw DatasetError(
          source: file, problem: "the label of record \(record) is no class", found: "\(content[start])",
          expected: "0 to \(classes - 1)")
      }
      labels.append(Int32(content[start]))
      bytes += content[start + 1..<start + recordSize]
    }
  }
}
