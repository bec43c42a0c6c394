import Formats
import Foundation

/// Events as a reader of event files sees them: enough of the wire format to check what a search wrote.
package struct ReadEvent: Equatable {
  package var step = 0
  package var isRestart = false
  package var version: String?
  package var scalars: [String: Float] = [:]
  package var texts: [String: String] = [:]
  package var histograms: [String] = []

  /// The events of a folder in the readers' order, without those that a later restart voids.
  package static func surviving(in folder: OutputFolder) throws -> [ReadEvent] {
    var result: [ReadEvent] = []
    for name in EventFile.names(in: folder) {
      for event in try read(folder.file(name)) {
        if event.isRestart { result.removeAll { $0.step >= event.step } }
        if event.version == nil, !event.isRestart { result.append(event) }
      }
    }
    return result
  }

  package static func read(_ path: String) throws -> [ReadEvent] {
    var bytes = try FileBytes.read(path)[...]
    var result: [ReadEvent] = []
    while !bytes.isEmpty {
      guard bytes.count >= 16 else { throw TestFailure("\(path): torn record") }
      let length = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
      let data = Array(bytes.dropFirst(12).prefix(length))
      guard Array(bytes.prefix(length + 16)) == EventFile.record(data) else { throw TestFailure("\(path): damaged record") }
      result.append(ReadEvent(data))
      bytes = bytes.dropFirst(length + 16)
    }
    return result
  }

  private init(_ data: [UInt8]) {
    for field in Self.fields(data) {
      switch field.number {
      case 2: step = Int(field.value)
      case 3: version = String(decoding: field.data, as: UTF8.self)
      case 7: isRestart = Self.fields(field.data).first { $0.number == 1 }?.value == 1
      case 5: Self.fields(field.data).forEach { add(Self.fields($0.data)) }
      default: break
      }
    }
  }

  private mutating func add(_ value: [Field]) {
    let tag = value.first { $0.number == 1 }.map { String(decoding: $0.data, as: UTF8.self) } ?? ""
    for field in value {
      switch field.number {
      case 2: scalars[tag] = Float(bitPattern: UInt32(field.value))
      case 5: histograms.append(tag)
      case 8: texts[tag] = Self.fields(field.data).first { $0.number == 8 }.map { String(decoding: $0.data, as: UTF8.self) }
      default: break
      }
    }
  }

  private struct Field {
    var number: Int
    var value: UInt64 = 0
    var data: [UInt8] = []
  }

  private static func fields(_ data: [UInt8]) -> [Field] {
    var (result, place): ([Field], Int) = ([], 0)
    func varint() -> UInt64 {
      var (value, shift) = (UInt64(0), UInt64(0))
      while true {
        let byte = data[place]
        place += 1
        value |= UInt64(byte & 0x7F) << shift
        if byte < 0x80 { return value }
        shift += 7
      }
    }
    func fixed(_ size: Int) -> UInt64 {
      defer { place += size }
      return data[place..<place + size].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    while place < data.count {
      let key = varint()
      var field = Field(number: Int(key >> 3))
      switch key & 7 {
      case 0: field.value = varint()
      case 1: field.value = fixed(8)
      case 5: field.value = fixed(4)
      default:
        let length = Int(varint())
        field.data = Array(data[place..<place + length])
        place += length
      }
      result.append(field)
    }
    return result
  }
}
