import Compute

/// What was found on one batch, as it travels: a mean over its examples, and how many they are.
package struct BatchMean: Equatable, Sendable {
  package var values: [Double]
  package var count: Int

  package init(values: [Double], count: Int) { (self.values, self.count) = (values, count) }

  package var bytes: [UInt8] {
    var writer = MessageWriter()
    writer.write(values)
    writer.write(count)
    return writer.bytes
  }

  /// - Throws: `TruncatedMessage`.
  package init(from reader: inout MessageReader) throws {
    values = try reader.doubles()
    count = try reader.int()
  }
}
