import CMatIO
import Compute
import Datasets
import Foundation
import TestSupport
import Testing

@Suite("SVHN")
struct SVHNTests {
  let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  func load(extra: Bool = false) throws -> ImageDataset {
    try DatasetSpecification(parsing: "svhn:\(folder.path)\(extra ? "?extra=yes" : "")").load()
  }

  /// A MATLAB file with the given variables, by libmatio itself.
  func write(_ name: String, images count: Int, labels: [Double]?, extents: [Int]? = nil, x: String = "X") throws {
    let file = try #require(Mat_CreateVer(folder.file(name), nil, MAT_FT_MAT5))
    defer { Mat_Close(file) }
    var pixels = transposed(samplePixels(count * 3072, salt: 4), count: count)
    var sizes = extents ?? [32, 32, 3, count]
    let images = Mat_VarCreate(x, MAT_C_UINT8, MAT_T_UINT8, Int32(sizes.count), &sizes, &pixels, 0)
    Mat_VarWrite(file, images, MAT_COMPRESSION_ZLIB)
    Mat_VarFree(images)
    guard var labels else { return }
    var rows = [labels.count, 1]
    let numbers = Mat_VarCreate("y", MAT_C_DOUBLE, MAT_T_DOUBLE, 2, &rows, &labels, 0)
    Mat_VarWrite(file, numbers, MAT_COMPRESSION_NONE)
    Mat_VarFree(numbers)
  }

  /// [image, channel, row, column] to MATLAB's [row, column, channel, image], the first index fastest.
  func transposed(_ pixels: [UInt8], count: Int) -> [UInt8] {
    var result = pixels
    for image in 0..<count {
      for channel in 0..<3 {
        for row in 0..<32 {
          for column in 0..<32 {
            result[row + 32 * (column + 32 * (channel + 3 * image))] =
              pixels[((image * 3 + channel) * 32 + row) * 32 + column]
          }
        }
      }
    }
    return result
  }

  @Test("Files of SciPy and of libmatio hold images row by row, and label 10 is the digit 0")
  func images() throws {
    try folder.write(Fixtures.bytes("svhn"), to: "train_32x32.mat")
    try folder.write(Fixtures.bytes("svhn.double"), to: "test_32x32.mat")
    let dataset = try load()
    for split in [dataset.training, try #require(dataset.test)] {
      #expect(split.bytes == samplePixels(3 * 3072, salt: 9) && split.labels == [0, 1, 9])
    }
    #expect(dataset.classes == 10 && dataset.normalisation == .svhn && dataset.augmentation == .darts)
    try write("train_32x32.mat", images: 1, labels: [10])
    try write("extra_32x32.mat", images: 2, labels: [3, 4])
    let more = try load(extra: true)
    #expect(more.training.labels == [0, 3, 4])
    #expect(more.training.bytes == samplePixels(3072, salt: 4) + samplePixels(6144, salt: 4))
    #expect(try load().training.labels == [0])
  }

  @Test("A file without X or y, of another shape or with a label that is no digit, is named")
  func refused() throws {
    func refusal(_ write: () throws -> Void) throws -> String {
      try folder.write(Fixtures.bytes("svhn"), to: "test_32x32.mat")
      try write()
      let text = message { _ = try load() } ?? "nothing thrown"
      #expect(text.contains(folder.path), "\(text)")
      return text
    }
    let name = "train_32x32.mat"
    #expect(try refusal { try write(name, images: 1, labels: [1], x: "Z") }.contains("there is no variable X: found Z, y"))
    #expect(try refusal { try write(name, images: 1, labels: nil) }.contains("there is no variable y: found X"))
    #expect(try refusal { try write(name, images: 2, labels: [1]) }.contains("found [1, 1], wanted [2, 1]"))
    for label in [0, 11, 1.5, -1, .nan] {
      let text = try refusal { try write(name, images: 2, labels: [1, label]) }
      #expect(text.contains("label 1 is no digit: found \(label), wanted 1 to 10"))
    }
    let flat = try refusal { try write(name, images: 2, labels: [1, 2], extents: [32, 96, 2]) }
    #expect(flat.contains("X: wrong shape or type: found [32, 96, 2] of uint8, wanted [32, 32, 3, count]"))
    #expect(try refusal { try folder.remove(name) }.contains("\(name): there is no such file: found test_32x32.mat"))
    #expect(message { _ = try SVHN.load(folder: "/nowhere") }?.hasPrefix("/nowhere: there is no such folder") == true)
  }

  @Test("A file cut short anywhere is refused", arguments: ["svhn", "svhn.double"])
  func truncated(name: String) throws {
    try folder.write(Fixtures.bytes("svhn"), to: "test_32x32.mat")
    let bytes = try Fixtures.bytes(name)
    for count in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 60)) {
      try folder.write(Array(bytes[..<count]), to: "train_32x32.mat")
      #expect(message { _ = try load() }?.contains("train_32x32.mat") == true, "\(count) of \(bytes.count) bytes")
    }
  }

  /// Of a compressed file every byte but those of its header's text is under a checksum or says where elements lie.
  @Test("A damaged byte of a compressed file is refused, or what is read is the same")
  func mutations() throws {
    try folder.write(Fixtures.bytes("svhn"), to: "test_32x32.mat")
    let good = try Fixtures.bytes("svhn")
    try folder.write(good, to: "train_32x32.mat")
    let expected = try load().training
    var stream = RandomStream(seed: 24, purpose: .test)
    var refused = 0
    for index in 0..<600 {
      var bytes = good
      let place = stream.integer(below: bytes.count)
      switch index % 3 {
      case 0: bytes[place] ^= UInt8(1 << stream.integer(below: 8))
      case 1: bytes.removeLast(bytes.count - place)
      default:
        let end = min(bytes.count, place + 1 + stream.integer(below: 64))
        bytes.replaceSubrange(place..<end, with: [UInt8](repeating: 0, count: end - place))
      }
      try folder.write(bytes, to: "train_32x32.mat")
      do {
        let found = try load().training
        #expect(found.bytes == expected.bytes && found.labels == expected.labels, "mutation \(index) at \(place)")
      } catch {
        refused += 1
        #expect("\(error)".contains("train_32x32.mat"), "mutation \(index) at \(place): \(error)")
      }
    }
    #expect(refused > 500)
  }

  @Test("What is wrong with a file is said with its place")
  func places() throws {
    try folder.write(Fixtures.bytes("svhn"), to: "test_32x32.mat")
    func refusal(_ change: (inout [UInt8]) -> Void) throws -> String {
      var bytes = try Fixtures.bytes("svhn")
      change(&bytes)
      try folder.write(bytes, to: "train_32x32.mat")
      return message { _ = try load() } ?? "nothing thrown"
    }
    let corrupt = try refusal { $0[$0.count - 2] ^= 1 }
    #expect(corrupt.contains("train_32x32.mat: element at byte") && corrupt.contains("incorrect data check"), "\(corrupt)")
    #expect(try refusal { $0[126] = 0 }.contains("no MATLAB file"))
    #expect(try refusal { $0[128] = 9 }.contains("damaged at byte 128: found an element of type 9"))
    #expect(try refusal { $0 += [0, 0, 0] }.contains("bytes after its end"))
    #expect(try refusal { $0.removeLast() }.contains("cut short"))
  }
}
