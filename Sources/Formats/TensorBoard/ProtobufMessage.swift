/// A protocol buffer message on its way to bytes: the wire format of the few messages that event files hold.
///
/// Written here rather than with swift-protobuf: six messages of a dozen fields are written and none is read, while the
/// library would bring TensorFlow's whole schema as generated code, and a compiler for it into the build.
struct ProtobufMessage: Equatable, Sendable {
  private(set) var bytes: [UInt8] = []

  /// int64, int32, enum: two's complement in base 128, least significant group first.
  mutating func integer(_ field: Int, _ value: Int64) {
    key(field, wireType: 0)
    varint(UInt64(bitPattern: value))
  }

  mutating func double(_ field: Int, _ value: Double) {
    key(field, wireType: 1)
    fixed(value.bitPattern)
  }

  mutating func float(_ field: Int, _ value: Float) {
    key(field, wireType: 5)
    fixed(value.bitPattern)
  }

  mutating func text(_ field: Int, _ value: String) { data(field, Array(value.utf8)) }

  mutating func message(_ field: Int, _ value: ProtobufMessage) { data(field, value.bytes) }

  /// A packed repeated field of doubles.
  mutating func doubles(_ field: Int, _ values: [Double]) {
    var packed = ProtobufMessage()
    for value in values { packed.fixed(value.bitPattern) }
    data(field, packed.bytes)
  }

  private mutating func data(_ field: Int, _ value: [UInt8]) {
    key(field, wireType: 2)
    varint(UInt64(value.count))
    bytes += value
  }

  private mutating func key(_ field: Int, wireType: UInt64) { varint(UInt64(field) << 3 | wireType) }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  private mutating func fixed<Value: FixedWidthInteger>(_ value: Value) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }
}
