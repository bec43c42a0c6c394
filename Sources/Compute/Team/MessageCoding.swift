/// Writes values one behind another, little-endian, to be read back in the same order. Numbers keep their bits.
package struct MessageWriter {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  package mutating func write(_ value: Int) { write(word: UInt64(bitPattern: Int64(value))) }
  package mutating func write(_ value: Double) { write(word: value.bitPattern) }
  package mutating func write(_ value: Bool) { write(value ? 1 : 0) }
  package mutating func write(_ text: String) { write(Array(text.utf8)) }

  package mutating func write(_ values: [UInt8]) {
    write(values.count)
    bytes += values
  }

  package mutating func write(_ values: [Double]) {
    write(values.count)
    for value in values { write(value) }
  }

  package mutating func write(_ values: [Float]) {
    write(values.count)
    values.withUnsafeBytes { bytes += $0 }
  }

  /// Of raw memory, as a vector of weights has it.
  package mutating func write(_ memory: UnsafeRawBufferPointer) {
    write(memory.count)
    bytes += memory
  }

  private mutating func write(word: UInt64) { withUnsafeBytes(of: word.littleEndian) { bytes += $0 } }
}

/// Reads what a `MessageWriter` wrote.
///
/// Each function throws `TruncatedMessage` where there is less than it wants: then the ranks don't run the same program.
package struct MessageReader {
  private let bytes: ArraySlice<UInt8>
  private var place: Int

  package init(_ bytes: [UInt8]) { self.init(bytes[...]) }

  package init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    place = bytes.startIndex
  }

  package var isAtEnd: Bool { place == bytes.endIndex }
  /// What has not been read.
  package var rest: ArraySlice<UInt8> { bytes[place...] }

  package mutating func int() throws -> Int { Int(Int64(bitPattern: try word())) }
  package mutating func double() throws -> Double { Double(bitPattern: try word()) }
  package mutating func bool() throws -> Bool { try int() != 0 }
  package mutating func text() throws -> String { String(decoding: try slice(count()), as: UTF8.self) }
  package mutating func octets() throws -> ArraySlice<UInt8> { try slice(count()) }

  package mutating func doubles() throws -> [Double] {
    let count = try count(of: 8)
    return try (0..<count).map { _ in try double() }
  }

  package mutating func floats() throws -> [Float] {
    let count = try count(of: 4)
    let raw = try slice(count * 4)
    return [Float](unsafeUninitializedCapacity: count) { buffer, initialised in
      raw.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
      initialised = count
    }
  }

  private mutating func count(of size: Int = 1) throws -> Int {
    let count = try int()
    guard count >= 0, count <= (bytes.endIndex - place) / size else { throw TruncatedMessage() }
    return count
  }

  private mutating func slice(_ count: Int) throws -> ArraySlice<UInt8> {
    guard count <= bytes.endIndex - place else { throw TruncatedMessage() }
    defer { place += count }
    return bytes[place..<place + count]
  }

  private mutating func word() throws -> UInt64 {
    try slice(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}

/// A message between ranks that ends too early.
package struct TruncatedMessage: Error, Equatable, CustomStringConvertible {
  package init() {}
  package var description: String { "a message that ends too early: all ranks must run the same version of the program" }
}
