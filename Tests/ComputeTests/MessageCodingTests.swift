import Compute
import Testing

@Suite("Messages between ranks") struct MessageCodingTests {
  @Test("values come back with their bits, in the order in which they were written") func roundTrip() throws {
    let ints = [0, -1, 1, .min, .max]
    let doubles: [Double] = [
      0, -0.0, 1.0 / 3, .infinity, -.infinity, .leastNonzeroMagnitude, Double(bitPattern: 0x7ff8_0000_dead_beef),
    ]
    let floats: [Float] = [-0.0, 0.1, .greatestFiniteMagnitude, Float(bitPattern: 0x7fc0_1234)]
    let text = "rank 1, α → ω 🜁\0 end"
    var writer = MessageWriter()
    for value in ints { writer.write(value) }
    for value in doubles { writer.write(value) }
    writer.write(true)
    writer.write(false)
    writer.write(text)
    writer.write("")
    writer.write(doubles)
    writer.write([Double]())
    writer.write(floats)
    writer.write([Float]())
    writer.write([UInt8]([0, 255, 7]))
    floats.withUnsafeBytes { writer.write($0) }
    var reader = MessageReader(writer.bytes)
    for value in ints { #expect(try reader.int() == value) }
    for value in doubles { #expect(try reader.double().bitPattern == value.bitPattern) }
    #expect(try reader.bool())
    #expect(try !reader.bool())
    #expect(try reader.text() == text)
    #expect(try reader.text().isEmpty)
    #expect(try reader.doubles().map(\.bitPattern) == doubles.map(\.bitPattern))
    #expect(try reader.doubles().isEmpty)
    #expect(try reader.floats().map(\.bitPattern) == floats.map(\.bitPattern))
    #expect(try reader.floats().isEmpty)
    #expect(try Array(reader.octets()) == [0, 255, 7])
    #expect(try reader.octets().count == 4 * floats.count)
    #expect(reader.isAtEnd && reader.rest.isEmpty)
    #expect(throws: TruncatedMessage()) { try reader.int() }
  }

  @Test("numbers are little-endian words of eight bytes") func layout() {
    var writer = MessageWriter()
    writer.write(0x0102_0304)
    writer.write([UInt8]([9]))
    #expect(writer.bytes == [4, 3, 2, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9])
  }

  @Test("a count that can't be is refused before anything is made of it", arguments: [-1, Int.min, Int.max, 1 << 61, 2])
  func counts(count: Int) {
    var writer = MessageWriter()
    writer.write(count)
    // Seven bytes: one byte or no number of each size, where two are promised.
    let bytes = writer.bytes + (count == 2 ? [1] : [1, 2, 3, 4, 5, 6, 7])
    for read in [
      { _ = try $0.octets() }, { _ = try $0.text() }, { _ = try $0.doubles() }, { _ = try $0.floats() },
    ] as [(inout MessageReader) throws -> Void] {
      var reader = MessageReader(bytes)
      #expect(throws: TruncatedMessage()) { try read(&reader) }
    }
  }

  private static let all: [CrewMessage] = [
    .arrival(workers: 3, host: "node-17"), .context([1, 2, 3]), .context([]), .request(worker: 1, index: 1 << 40, [5]),
    .answer(worker: 0, index: 7, []), .failure(worker: 2, index: 9, "no data in /ä"), .stop(signal: 15), .dismissal,
    .report([6, 6]), .peak(1 << 33), .recall, .returned(worker: 1, index: 12),
  ]

  @Test("what ranks say to each other comes back, and no part of it is taken for the whole") func crewMessages() throws {
    for message in Self.all {
      let bytes = message.bytes
      #expect(try CrewMessage(bytes) == message)
      for length in 0..<bytes.count {
        #expect(throws: TruncatedMessage()) { try CrewMessage(Array(bytes.prefix(length))) }
      }
    }
    var unknown = MessageWriter()
    unknown.write(7)
    #expect(throws: TruncatedMessage()) { try CrewMessage(unknown.bytes) }
  }
}
