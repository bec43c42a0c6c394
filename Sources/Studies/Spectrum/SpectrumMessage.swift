import Compute
import Formats

/// What another rank has found of a checkpoint, as it travels, with all bits.
package enum SpectrumAnswer: Equatable {
  case rows([SpectrumRow])
  /// A signal there ended the measurement.
  case stopped

  package var bytes: [UInt8] {
    var writer = MessageWriter()
    guard case .rows(let rows) = self else {
      writer.write(false)
      return writer.bytes
    }
    func write(_ value: Double?) {
      writer.write(value != nil)
      if let value { writer.write(value) }
    }
    writer.write(true)
    writer.write(rows.count)
    for row in rows {
      writer.write(row.epoch != nil)
      if let epoch = row.epoch { writer.write(epoch) }
      writer.write(row.quantity.rawValue)
      writer.write(row.index)
      writer.write(row.value)
      write(row.error)
      write(row.uncertainty)
    }
    return writer.bytes
  }

  /// - Throws: `InputError` where a quantity is unknown; `TruncatedMessage`.
  package init(from reader: inout MessageReader) throws {
    guard try reader.bool() else {
      self = .stopped
      return
    }
    func number() throws -> Double? { try reader.bool() ? try reader.double() : nil }
    var rows: [SpectrumRow] = []
    for _ in 0..<max(0, try reader.int()) {
      let epoch = try reader.bool() ? try reader.int() : nil
      let name = try reader.text()
      guard let quantity = SpectrumRow.Quantity(rawValue: name) else {
        throw InputError(
          "unknown", at: "quantity of an answer", found: name,
          wanted: SpectrumRow.Quantity.allCases.map(\.rawValue).joined(separator: ", "))
      }
      rows.append(
        SpectrumRow(
          epoch: epoch, quantity, index: try reader.int(), value: try reader.double(), error: try number(),
          uncertainty: try number()))
    }
    self = .rows(rows)
  }
}
