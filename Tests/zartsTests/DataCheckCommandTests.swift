import Foundation
import TestSupport
import Testing

@Suite("zarts data check")
struct DataCheckCommandTests {
  private let scratch: ScratchFolder
  private var folder: String { scratch.path }

  init() throws { scratch = try ScratchFolder() }

  /// Records of CIFAR-10's binary layout; the third repeats the first under another label.
  private func writeRecords(_ name: String, salt: Int) throws {
    let images = (0..<2).map { image in
      [UInt8](unsafeUninitializedCapacity: 3072) { pixels, count in
        for place in 0..<3072 { pixels[place] = UInt8((place * 7 + image * 91 + salt) % 256) }
        count = 3072
      }
    }
    let bytes = [UInt8(0)] + images[0] + [UInt8(5)] + images[1] + [UInt8(9)] + images[0]
    try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
  }

  @Test("A dataset is reported, with its labels as a table and its images on a sheet")
  func report() throws {
    try writeRecords("data_batch_1.bin", salt: 0)
    try writeRecords("test_batch.bin", salt: 13)
    let out = "\(folder)/out"
    let result = try CommandLineRunner.run(["data", "check", "cifar10:\(folder)", "--out", out])
    #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
    #expect(result.output.contains("data_batch_1.bin") && result.output.contains("no published checksum known"))
    let rows = result.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    #expect(rows.contains(["training", "3", "3", "of", "10", "32×32", "1", "-", "1"]))
    #expect(rows.contains(["test", "3", "3", "of", "10", "32×32", "1", "0", "1"]))
    #expect(rows.contains(["5", "-", "1", "1"]) && rows.contains(["6", "-", "0", "0"]))
    let labels = try String(contentsOfFile: "\(out)/labels.csv", encoding: .utf8)
    #expect(labels.hasPrefix("label,class,training,test\n0,,1,1\n1,,0,0\n") && labels.hasSuffix("9,,1,1\n"))
    #expect(try String(contentsOfFile: "\(out)/report.txt", encoding: .utf8).contains("deviation of channels"))
    let sheet = try Data(contentsOf: URL(fileURLWithPath: "\(out)/contact-sheet.png"))
    #expect(sheet.starts(with: [0x89, 0x50, 0x4E, 0x47]) && sheet.count > 2000)
    let again = try CommandLineRunner.run(["data", "check", "cifar10:\(folder)", "--out", out])
    #expect(again.status != 0 && again.errors.contains("holds results already"))
  }

  @Test("Damage ends with a status and a message that names the file")
  func damaged() throws {
    try writeRecords("data_batch_1.bin", salt: 0)
    try Data([1, 2, 3]).write(to: URL(fileURLWithPath: "\(folder)/test_batch.bin"))
    let result = try CommandLineRunner.run(["data", "check", "cifar10:\(folder)"])
    #expect(result.status != 0 && result.errors.contains("test_batch.bin: truncated") && result.errors.contains("3 bytes"))
    #expect(result.output.contains("data_batch_1.bin"), "what was found before is told")
    let none = try CommandLineRunner.run(["data", "check", "svhn:\(folder)"])
    #expect(none.status != 0 && none.errors.contains("train_32x32.mat"))
    let unknown = try CommandLineRunner.run(["data", "check", "mnist"])
    #expect(unknown.status != 0 && unknown.errors.contains("no such dataset"))
  }

  @Test("A search stops at a damaged image, names it and keeps nothing of that step")
  func search() throws {
    let pixel = try #require(Data(base64Encoded: Self.pixel))
    for name in ["a", "b"] {
      try FileManager.default.createDirectory(atPath: "\(folder)/i/\(name)", withIntermediateDirectories: true)
      for index in 0..<8 { try pixel.write(to: URL(fileURLWithPath: "\(folder)/i/\(name)/\(index).png")) }
    }
    func run(_ out: String) throws -> CommandLineRunner.Result {
      try CommandLineRunner.run([
        "search", "--method", "darts1", "--space", "s2", "--dataset", "images:\(folder)/i?size=16", "--epochs", "1",
        "--channels", "4", "--layers", "3", "--batch", "4", "--out", "\(folder)/\(out)",
      ])
    }
    let sound = try run("sound")
    #expect(sound.status == 0, "\(sound.errors)")
    try pixel.dropLast(20).write(to: URL(fileURLWithPath: "\(folder)/i/b/5.png"))
    let result = try run("damaged")
    #expect(result.status != 0 && result.errors.contains("i/b/5.png: a damaged PNG image"), "\(result.errors)")
    #expect(!FileManager.default.fileExists(atPath: "\(folder)/damaged/checkpoints/epoch-001.safetensors"))
  }

  /// A PNG file of one grey pixel.
  private static let pixel =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="

  @Test("A damaged image of a folder is listed, and the status says so")
  func damagedImage() throws {
    try FileManager.default.createDirectory(atPath: "\(folder)/a", withIntermediateDirectories: true)
    let pixel = try #require(Data(base64Encoded: Self.pixel))
    try pixel.write(to: URL(fileURLWithPath: "\(folder)/a/1.png"))
    try pixel.dropLast(20).write(to: URL(fileURLWithPath: "\(folder)/a/2.png"))
    let result = try CommandLineRunner.run(["data", "check", "images:\(folder)?size=8"])
    #expect(result.status == 1)
    #expect(result.output.contains("1 damaged image, left out") && result.output.contains("a/2.png: a damaged PNG image"))
  }
}
