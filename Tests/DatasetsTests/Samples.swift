import CZlib
import Datasets
import Formats
import Foundation
import TestSupport
import Testing

/// Pixels that differ from neighbour to neighbour, image to image and channel to channel; none of them zero.
func samplePixels(_ count: Int, salt: Int) -> [UInt8] {
  (0..<count).map { UInt8(1 + (($0 * 7919 + salt * 104_729 + ($0 / 251) * 31) % 255)) }
}

func sampleLabels(_ count: Int, salt: Int = 0) -> [UInt8] { (0..<count).map { UInt8(($0 * 3 + salt) % 10) } }

func gzip(_ bytes: [UInt8]) throws -> [UInt8] {
  var stream = z_stream()
  let started = deflateInit2_(
    &stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
  try #require(started == Z_OK)
  defer { deflateEnd(&stream) }
  var input = bytes
  var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(bytes.count))))
  let status = input.withUnsafeMutableBufferPointer { source in
    output.withUnsafeMutableBufferPointer { target in
      stream.next_in = source.baseAddress
      stream.avail_in = UInt32(source.count)
      stream.next_out = target.baseAddress
      stream.avail_out = UInt32(target.count)
      return deflate(&stream, Z_FINISH)
    }
  }
  try #require(status == Z_STREAM_END)
  return Array(output[..<Int(stream.total_out)])
}

/// An IDX file's bytes.
func idx(magic: UInt32, extents: [Int], values: [UInt8]) -> [UInt8] {
  let words = [magic] + extents.map { UInt32($0) }
  let header = words.flatMap { word -> [UInt8] in
    (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(24 - 8 * $0)) }
  }
  return header + values
}

/// Small Fashion-MNIST files: `training` and `test` images, gzipped.
func writeFashion(to folder: ScratchFolder, training: Int, test: Int) throws {
  for (prefix, count, salt) in [("train", training, 1), ("t10k", test, 2)] {
    let images = idx(magic: 0x803, extents: [count, 28, 28], values: samplePixels(count * 784, salt: salt))
    let labels = idx(magic: 0x801, extents: [count], values: sampleLabels(count, salt: salt))
    try folder.write(gzip(images), to: "\(prefix)-images-idx3-ubyte.gz")
    try folder.write(gzip(labels), to: "\(prefix)-labels-idx1-ubyte.gz")
  }
}

/// CIFAR-10 records: label, then 3,072 pixels.
func cifarRecords(_ count: Int, salt: Int) -> [UInt8] {
  let pixels = samplePixels(count * 3072, salt: salt)
  let labels = sampleLabels(count, salt: salt)
  var records: [UInt8] = []
  for index in 0..<count {
    records.append(labels[index])
    records += pixels[index * 3072..<(index + 1) * 3072]
  }
  return records
}

/// Two training batches of 3 and 5 records, and 4 test records.
func writeCIFAR(to folder: ScratchFolder) throws {
  try folder.write(cifarRecords(3, salt: 1), to: "data_batch_1.bin")
  try folder.write(cifarRecords(5, salt: 2), to: "data_batch_2.bin")
  try folder.write(cifarRecords(4, salt: 3), to: "test_batch.bin")
}

/// Byte images of a side, with labels that tell their position.
func byteDataset(count: Int, test: Int = 0, side: Int = 8) throws -> ImageDataset {
  func split(_ count: Int, salt: Int) -> ImageDataset.Split {
    .init(pixels: .bytes(samplePixels(count * 3 * side * side, salt: salt)), labels: (0..<count).map { Int32($0) })
  }
  return try ImageDataset(
    name: "sample", classes: max(count, test), side: side, training: split(count, salt: 5),
    test: test > 0 ? split(test, salt: 6) : nil, normalisation: .cifar10)
}

/// Tensors of a `tensors:` file: images that count up, and labels.
func tensorSample(training: Int = 4, validation: Int = 3, side: Int = 4) -> [NamedTensor] {
  func images(_ count: Int, _ start: Float) -> NamedTensor.Values {
    .float32((0..<count * 3 * side * side).map { start + Float($0) / 8 })
  }
  return [
    NamedTensor(name: "train.images", shape: [training, 3, side, side], values: images(training, -1)),
    NamedTensor(name: "train.labels", shape: [training], values: .int64((0..<training).map { Int64($0 % 10) })),
    NamedTensor(name: "valid.images", shape: [validation, 3, side, side], values: images(validation, 100)),
    NamedTensor(
      name: "valid.labels", shape: [validation], values: .int64((0..<validation).map { Int64(($0 + 5) % 10) })),
  ]
}

extension ImageDataset.Split {
  var bytes: [UInt8] { if case .bytes(let values) = pixels { values } else { [] } }
  var floats: [Float] { if case .floats(let values) = pixels { values } else { [] } }
}
