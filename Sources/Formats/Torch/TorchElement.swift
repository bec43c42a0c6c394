/// Element types of PyTorch's storages that can be read.
package enum TorchElement: String, CaseIterable, Sendable {
  case double = "DoubleStorage"
  case float = "FloatStorage"
  case half = "HalfStorage"
  case brainFloat = "BFloat16Storage"
  case long = "LongStorage"
  case int = "IntStorage"
  case short = "ShortStorage"
  case char = "CharStorage"
  case byte = "ByteStorage"
  case bool = "BoolStorage"
  /// Bytes whose type tensors say.
  case untyped = "UntypedStorage"

  /// - Parameter name: of the global, `torch.FloatStorage`; nil for another.
  init?(storageName name: String) {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard let last = parts.last, let element = Self(rawValue: String(last)) else { return nil }
    let modules = element == .untyped ? ["torch", "torch.storage"] : ["torch"]
    guard modules.contains(parts.dropLast().joined(separator: ".")) else { return nil }
    self = element
  }

  /// Bytes of an element.
  var size: Int {
    switch self {
    case .double, .long: 8
    case .float, .int: 4
    case .half, .brainFloat, .short: 2
    case .char, .byte, .bool, .untyped: 1
    }
  }

  /// 16-bit floats are widened to float32 and integers to int64, exactly; BOOL and bytes are read as uint8.
  ///
  /// - Parameters:
  ///   - count: number of values.
  ///   - place: of each value, in elements.
  func values(
    _ raw: UnsafeRawBufferPointer, isBigEndian: Bool, count: Int, at place: (Int) -> Int
  ) -> NamedTensor.Values {
    func load<Stored: FixedWidthInteger, Value>(_ type: Stored.Type, _ convert: (Stored) -> Value) -> [Value] {
      [Value](unsafeUninitializedCapacity: count) { buffer, initialized in
        for index in 0..<count {
          let stored = raw.loadUnaligned(fromByteOffset: place(index) * MemoryLayout<Stored>.size, as: Stored.self)
          let value = convert(isBigEndian ? Stored(bigEndian: stored) : Stored(littleEndian: stored))
          (buffer.baseAddress! + index).initialize(to: value)
        }
        initialized = count
      }
    }
    switch self {
    case .double: return .float64(load(UInt64.self) { Double(bitPattern: $0) })
    case .float: return .float32(load(UInt32.self) { Float(bitPattern: $0) })
    case .half: return .float32(load(UInt16.self) { HalfPrecision.float(fromHalf: $0) })
    case .brainFloat: return .float32(load(UInt16.self) { HalfPrecision.float(fromBrain: $0) })
    case .long: return .int64(load(Int64.self) { $0 })
    case .int: return .int64(load(Int32.self) { Int64($0) })
    case .short: return .int64(load(Int16.self) { Int64($0) })
    case .char: return .int64(load(Int8.self) { Int64($0) })
    case .byte, .bool, .untyped: return .uint8(load(UInt8.self) { $0 })
    }
  }

  /// Bytes of a value once it is read.
  var widenedSize: Int {
    switch self {
    case .double, .long, .int, .short, .char: 8
    case .float, .half, .brainFloat: 4
    case .byte, .bool, .untyped: 1
    }
  }
}

/// A piece of memory that tensors are views of.
struct TorchStorage: Equatable, Sendable {
  /// Of its bytes among the file's records.
  let key: String
  let element: TorchElement
  /// Number of elements.
  let count: Int
}

/// A view of a storage: element (i, j, …) is that at offset + i·strides[0] + j·strides[1] + ….
struct TorchTensor: Equatable, Sendable {
  let storage: TorchStorage
  let offset: Int
  let shape: [Int]
  let strides: [Int]

  /// One more than the last element that is seen; nil where that, or the number of values, overflows.
  var end: Int? {
    guard let count = NamedTensor.count(of: shape) else { return nil }
    guard count > 0 else { return offset }
    var last = offset
    for (extent, stride) in zip(shape, strides) {
      let step = (extent - 1).multipliedReportingOverflow(by: stride)
      let sum = last.addingReportingOverflow(step.partialValue)
      guard !step.overflow, !sum.overflow else { return nil }
      last = sum.partialValue
    }
    let end = last.addingReportingOverflow(1)
    return end.overflow ? nil : end.partialValue
  }

  /// Where each value is, row-major, in elements of the storage.
  func place(of index: Int) -> Int {
    var (rest, place) = (index, offset)
    for axis in shape.indices.reversed() {
      place += rest % shape[axis] * strides[axis]
      rest /= shape[axis]
    }
    return place
  }

  /// Whether values lie one after the other, row-major.
  var isContiguous: Bool {
    var expected = 1
    for axis in shape.indices.reversed() where shape[axis] != 1 {
      guard strides[axis] == expected else { return false }
      expected *= shape[axis]
    }
    return true
  }
}
