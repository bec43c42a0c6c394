import Formats
import Foundation
import TestSupport
import Testing

/// Bytes recorded from the protocol buffers and the record writer of TensorBoard 2.21 (Python), deterministic serialisation.
@Suite("TensorBoard event files")
struct EventFileTests {
  private static let time = 1_700_000_000.25

  private func hex(_ bytes: [UInt8]) -> String { bytes.map { String(format: "%02x", $0) }.joined() }

  @Test("The opening and the restart of a file are those of TensorFlow")
  func openings() {
    #expect(
      hex(TrainingEvent(wallTime: Self.time, step: 0, content: .fileVersion).bytes)
        == "0900001040fc54d9411a0d627261696e2e4576656e743a32")
    #expect(
      hex(TrainingEvent(wallTime: Self.time, step: 301, content: .restart).bytes)
        == "0900001040fc54d94110ad023a020801")
  }

  @Test("Scalars and texts have TensorFlow's bytes")
  func summary() {
    let event = TrainingEvent(
      wallTime: Self.time, step: 300, content: .summary([.scalar("loss/training", 2.25), .text("genotype", "α `x`")]))
    let expected =
      "0900001040fc54d94110ac022a3e0a140a0d6c6f73732f747261696e696e6715000010400a260a0867656e6f7479706542100807"
      + "1204120208014206ceb1206078604a080a060a0474657874"
    #expect(hex(event.bytes) == expected)
  }

  @Test("A histogram has TensorFlow's bytes, with each value in its bucket")
  func histogram() {
    let event = TrainingEvent(
      wallTime: Self.time, step: 1, content: .summary([.histogram("h", [-1, 0, 0.5, 2])]))
    let expected =
      "0900001040fc54d94110012a9c040a99040a01682a930409000000000000f0bf1100000000000000401900000000000010402100"
      + "0000000000f83f29000000000000154032f001cdccccccccccecbf9a9999999999e9bf666666666666e6bf333333333333e3bf00"
      + "0000000000e0bf989999999999d9bf323333333333d3bf989999999999c9bf989999999999b9bf0000000000000000a099999999"
      + "99b93fa09999999999c93f343333333333d33f9c9999999999d93f000000000000e03f343333333333e33f686666666666e63f9a"
      + "9999999999e93fceccccccccccec3f000000000000f03f9a9999999999f13f343333333333f33fceccccccccccf43f6866666666"
      + "66f63f000000000000f83f9a9999999999f93f343333333333fb3fceccccccccccfc3f686666666666fe3f00000000000000403a"
      + "f001000000000000f03f000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
      + "000000000000000000000000000000000000000000000000000000000000000000000000f03f0000000000000000000000000000"
      + "000000000000000000000000000000000000000000000000f03f0000000000000000000000000000000000000000000000000000"
      + "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
      + "0000000000000000000000000000000000000000000000000000000000000000f03f"
    #expect(hex(event.bytes) == expected)
  }

  @Test("Equal values and a negative zero step still give a histogram and a varint")
  func edges() {
    let same = TrainingEvent(wallTime: Self.time, step: 1, content: .summary([.histogram("h", [3, 3, 3])])).bytes
    // All three in one bucket: 3.0 occurs among the counts, which end the message.
    #expect(hex(Array(same.suffix(240))).contains("0000000000000840"))
    let long = TrainingEvent(wallTime: Self.time, step: 1 << 40, content: .restart).bytes
    #expect(hex(long) == "09" + "00001040fc54d941" + "10808080808020" + "3a020801")
  }

  @Test("Records are framed as TensorFlow frames them")
  func framing() {
    let version = TrainingEvent(wallTime: Self.time, step: 0, content: .fileVersion).bytes
    let expected =
      "1800000000000000a37f4b220900001040fc54d9411a0d627261696e2e4576656e743a32338d2fe9"
    #expect(hex(EventFile.record(version)) == expected)
    #expect(hex(EventFile.record([])) == "000000000000000029039807d8ea82a2")
  }

  @Test("A run that goes on writes behind its earlier file and says from where on that one is void")
  func restart() throws {
    let folder = try ScratchFolder()
    let output = try OutputFolder.existing(at: folder.path)
    let first = try EventFile(in: output) { Self.time }
    try first.append([.scalar("a", 1)], step: 5)
    // The clock went back in between.
    let second = try EventFile(in: output, restartingAt: 4) { Self.time - 1000 }
    try second.synchronise()
    #expect(EventFile.names(in: output).map(folder.file) == [first.path, second.path])
    let events: [TrainingEvent] = [
      TrainingEvent(wallTime: Self.time - 1000, step: 0, content: .fileVersion),
      TrainingEvent(wallTime: Self.time - 1000, step: 4, content: .restart),
    ]
    #expect(try FileBytes.read(second.path) == events.flatMap { EventFile.record($0.bytes) })
    let whole: [TrainingEvent] = [
      TrainingEvent(wallTime: Self.time, step: 0, content: .fileVersion),
      TrainingEvent(wallTime: Self.time, step: 5, content: .summary([.scalar("a", 1)])),
    ]
    #expect(try FileBytes.read(first.path) == whole.flatMap { EventFile.record($0.bytes) }, "written before it is closed")
    let gone = try OutputFolder.create(at: folder.file("gone"))
    try FileManager.default.removeItem(atPath: gone.path)
    #expect(refusal { try EventFile(in: gone) }?.hasPrefix(gone.path) == true)
  }
}
