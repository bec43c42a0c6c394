import Datasets
import Foundation
import TestSupport
import Testing

@Suite("Where data lie and what they are")
struct PlaceTests {
  let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  @Test(
    "A dataset's kind has its options and no path, and is its own kind",
    arguments: [
      ("fashion-mnist", "fashion-mnist"), ("fashion-mnist:/a/b", "fashion-mnist"), ("cifar10:x", "cifar10"),
      ("cifar100:~/x?side=16", "cifar100?side=16"), ("svhn:d?extra=yes", "svhn?extra=yes"),
      ("svhn:d?extra=yes&side=16", "svhn?extra=yes&side=16"), ("fashion-mnist?side=16", "fashion-mnist?side=16"),
      ("images:/i?size=32&crop=padded&normalise=cifar10", "images?size=32&crop=padded&normalise=cifar10"),
      ("tensors:a.safetensors", "tensors"), ("closed-form", "closed-form"),
    ])
  func kinds(text: String, kind: String) {
    #expect(DatasetSpecification.kind(of: text) == kind && DatasetSpecification.kind(of: kind) == kind)
  }

  @Test("A relative path is made one that leads to the data from any folder")
  func absolute() throws {
    let here = FileManager.default.currentDirectoryPath
    for (text, expected) in [
      ("cifar10:a/b", "cifar10:\(here)/a/b"), ("cifar10:./a", "cifar10:\(here)/a"), ("cifar10:.", "cifar10:\(here)"),
      ("cifar10:../a", "cifar10:\(here)/../a"), ("cifar10:/a/b", "cifar10:/a/b"), ("fashion-mnist", "fashion-mnist"),
      ("svhn:s?extra=yes&side=16", "svhn:\(here)/s?extra=yes&side=16"), ("images:i?size=9", "images:\(here)/i?size=9"),
      ("closed-form", "closed-form"),
    ] {
      #expect(DatasetSpecification.absolute(text) == expected)
      #expect(DatasetSpecification.absolute(expected) == expected)
    }
    #expect(try DatasetSpecification(parsing: "tensors:t").absolute(from: "/") == .tensors(file: "/t"))
  }

  @Test("A leading tilde is the home folder, another is a name")
  func tilde() throws {
    let home = ProcessInfo.processInfo.environment["HOME"] ?? NSHomeDirectory()
    #expect(try DatasetSpecification(parsing: "cifar10:~/data/c?side=16") == .halved(.cifar10(path: "\(home)/data/c")))
    #expect(try DatasetSpecification(parsing: "svhn:~") == .svhn(folder: home, includesExtra: false))
    #expect(try DatasetSpecification(parsing: "images:a~/b") == .images(folder: "a~/b", .init()))
    #expect(try DatasetSpecification(parsing: "cifar10:~b") == .cifar10(path: "~b"))
  }

  @Test("The checksum is of pixels and labels of all splits, wherever and in whatever layout they lie")
  func checksums() throws {
    try writeCIFAR(to: folder)
    func checksum(_ text: String) throws -> String { try DatasetSpecification(parsing: text).load().checksum }
    let first = try checksum("cifar10:\(folder.path)")
    #expect(first.count == 8)
    let other = try ScratchFolder()
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
      try FileManager.default.copyItem(atPath: folder.file(name), toPath: other.file(name))
    }
    #expect(try checksum("cifar10:\(other.path)") == first)
    #expect(try checksum("cifar10:\(other.path)?side=16") != first)
    var seen: Set = [first]
    // A label, a pixel of the first file, and one of the test images.
    for (name, place) in [("data_batch_1.bin", 0), ("data_batch_1.bin", 77), ("test_batch.bin", 5)] {
      let path = folder.file(name)
      var bytes = try Array(Data(contentsOf: URL(fileURLWithPath: path)))
      bytes[place] = (bytes[place] + 1) % 10
      try other.write(bytes, to: name)
      #expect(seen.insert(try checksum("cifar10:\(other.path)")).inserted)
    }
  }

  @Test("Of a folder of images the checksum is of names, sizes and labels")
  func folders() throws {
    func write(_ name: String, _ bytes: [UInt8]) throws {
      let path = folder.file(name)
      try FileManager.default.createDirectory(
        atPath: URL(fileURLWithPath: path).deletingLastPathComponent().path, withIntermediateDirectories: true)
      try folder.write(bytes, to: name)
    }
    let image = try Fixtures.bytes("rgb.png")
    for name in ["a/1.png", "a/2.png", "b/1.png"] { try write(name, image) }
    func checksum() throws -> String { try DatasetSpecification(parsing: "images:\(folder.path)?size=9").load().checksum }
    let first = try checksum()
    #expect(try checksum() == first)
    try write("b/1.png", image + [0])
    let longer = try checksum()
    #expect(longer != first)
    try write("b/1.png", image)
    try write("b/2.png", image)
    try folder.remove("a/2.png")
    #expect(try ![first, longer].contains(checksum()))
  }

  @Test("torchvision's roots are taken as they lie on disk", arguments: ["FashionMNIST/raw", "raw", "."])
  func torchvision(place: String) throws {
    try writeFashion(to: folder, training: 6, test: 4)
    let expected = try DatasetSpecification(parsing: "fashion-mnist:\(folder.path)").load()
    let root = try ScratchFolder()
    try FileManager.default.createDirectory(atPath: root.file(place), withIntermediateDirectories: true)
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
      try FileManager.default.copyItem(atPath: folder.file(name), toPath: root.file("\(place)/\(name)"))
    }
    let specification = try DatasetSpecification(parsing: "fashion-mnist:\(root.path)")
    let found = try specification.load()
    #expect(found.training.bytes == expected.training.bytes && found.checksum == expected.checksum)
    let sources = try specification.checkedFiles().map(\.source)
    #expect(sources.count == 4 && sources.allSatisfy { $0.contains(place == "." ? root.path : "\(place)/") })
  }

  @Test("Where there is no Fashion-MNIST the error lists what was looked for")
  func absent() throws {
    try folder.write([1], to: "notes.txt")
    let text = message { _ = try FashionMNIST.load(folder: folder.path) } ?? "nothing thrown"
    #expect(text.hasPrefix("\(folder.path): there is no Fashion-MNIST: found notes.txt"), "\(text)")
    #expect(text.contains("train-images-idx3-ubyte") && text.contains("FashionMNIST/raw"), "\(text)")
    let nowhere = message { _ = try FashionMNIST.load(folder: "/nowhere") }
    #expect(nowhere?.hasPrefix("/nowhere: there is no such folder") == true)
  }
}
