import CKernels
import Testing

/// What a kernel left behind, in the order in which its wrapper reads it.
struct Results {
  var floats: [[Float]] = []
  var doubles: [[Double]] = []
  var bytes: [[UInt8]] = []

  /// Every value as bits, so that −0 differs from 0 and NaN equals itself.
  var bits: [UInt64] {
    floats.flatMap { $0.map { UInt64($0.bitPattern) } } + doubles.flatMap { $0.map(\.bitPattern) }
      + bytes.flatMap { $0.map(UInt64.init) }
  }
}

/// One instruction set with the memory that a test hands to its kernels.
///
/// A buffer is aligned to 64 bytes and lies between guards of NaN: a read beyond its ends shows in a result, a write is
/// found afterwards. Inputs must come back as they were.
final class Bench {
  let kernels: ck_kernels
  let name: String
  /// Channels that a pixel of the last block has where a kernel takes memory rather than scratch.
  let memoryLanes: Int
  private var buffers: [Buffer] = []

  private struct Buffer {
    let base: UnsafeMutableRawPointer
    let count: Int
    let original: [UInt8]?

    var payload: UnsafeMutableRawPointer { base + Bench.guardBytes }
    var guards: [UInt8] {
      let bytes = UnsafeRawBufferPointer(start: base, count: count + 2 * Bench.guardBytes)
      return Array(bytes[..<Bench.guardBytes]) + Array(bytes[(Bench.guardBytes + count)...])
    }
  }

  private static let guardBytes = 512
  private static let guardByte: UInt8 = 0xFF

  init(_ table: ck_kernels, memoryLanes: Int = 16) {
    kernels = table
    self.memoryLanes = memoryLanes
    name = String(cString: table.name)
  }

  deinit {
    for buffer in buffers { buffer.base.deallocate() }
  }

  private func place<T: BitwiseCopyable>(_ values: [T], isInput: Bool) -> UnsafeMutablePointer<T> {
    values.withUnsafeBytes { bytes in
      let base = UnsafeMutableRawPointer.allocate(byteCount: bytes.count + 2 * Self.guardBytes, alignment: 64)
      base.initializeMemory(as: UInt8.self, repeating: Self.guardByte, count: bytes.count + 2 * Self.guardBytes)
      let buffer = Buffer(base: base, count: bytes.count, original: isInput ? Array(bytes) : nil)
      if let source = bytes.baseAddress { buffer.payload.copyMemory(from: source, byteCount: bytes.count) }
      buffers.append(buffer)
      return buffer.payload.bindMemory(to: T.self, capacity: values.count)
    }
  }

  /// Memory that the kernel may only read.
  func input<T: BitwiseCopyable>(_ values: [T]) -> UnsafePointer<T> { UnsafePointer(place(values, isInput: true)) }

  /// Memory that the kernel may write, with what it finds there.
  func output<T: BitwiseCopyable>(_ values: [T]) -> UnsafeMutablePointer<T> { place(values, isInput: false) }

  /// Memory that the kernel must write before it reads: it holds NaN.
  func scratch(_ count: Int) -> UnsafeMutablePointer<Float> { output([Float](repeating: .nan, count: count)) }

  func read<T: BitwiseCopyable>(_ pointer: UnsafePointer<T>, _ count: Int) -> [T] {
    Array(UnsafeBufferPointer(start: pointer, count: count))
  }

  func read<T: BitwiseCopyable>(_ pointer: UnsafeMutablePointer<T>, _ count: Int) -> [T] {
    read(UnsafePointer(pointer), count)
  }

  fileprivate func verify(_ what: String, _ location: SourceLocation) {
    for (index, buffer) in buffers.enumerated() {
      let intact = buffer.guards.allSatisfy { $0 == Self.guardByte }
      #expect(intact, "\(what): \(name) wrote beyond buffer \(index)", sourceLocation: location)
      guard let original = buffer.original else { continue }
      let unchanged = original.elementsEqual(UnsafeRawBufferPointer(start: buffer.payload, count: buffer.count))
      #expect(unchanged, "\(what): \(name) changed its input, buffer \(index)", sourceLocation: location)
    }
  }
}

/// Runs `body` on every instruction set that this processor has, expects the same bits of all, and returns the first's.
func onEverySet(
  _ what: String, memoryLanes: Int = 16, sourceLocation: SourceLocation = #_sourceLocation, _ body: (Bench) -> Results
) -> Results {
  var reference: (name: String, results: Results)?
  for index in 0..<ck_available() {
    guard let table = ck_get(index) else {
      Issue.record("instruction set \(index) of \(ck_available()) is missing", sourceLocation: sourceLocation)
      continue
    }
    let bench = Bench(table.pointee, memoryLanes: memoryLanes)
    let results = withExtendedLifetime(bench) { body(bench) }
    bench.verify(what, sourceLocation)
    if let reference {
      let (found, expected) = (results.bits, reference.results.bits)
      let difference = zip(found, expected).enumerated().first { $0.element.0 != $0.element.1 }?.offset
      #expect(
        difference == nil && found.count == expected.count,
        "\(what): value \(difference ?? -1) of \(expected.count) differs between \(bench.name) and \(reference.name)",
        sourceLocation: sourceLocation)
    } else {
      reference = (bench.name, results)
    }
  }
  return reference?.results ?? Results()
}

/// Expects |found − expected| ≤ tolerance · scale everywhere; scale is the largest expected magnitude unless given.
func expectClose(
  _ found: [Double], _ expected: [Double], scale: Double? = nil, tolerance: Double = 1e-5, _ what: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  guard found.count == expected.count else {
    Issue.record("\(what): \(found.count) values instead of \(expected.count)", sourceLocation: sourceLocation)
    return
  }
  let limit = tolerance * (scale ?? expected.reduce(0) { max($0, abs($1)) })
  // Not ≤ rather than >: NaN fails.
  if let worst = found.indices.first(where: { !(abs(found[$0] - expected[$0]) <= limit) }) {
    Issue.record(
      "\(what): value \(worst) of \(expected.count) is \(found[worst]), not \(expected[worst]) within \(limit)",
      sourceLocation: sourceLocation)
  }
}

/// Expects the same numbers; −0 equals 0.
func expectEqual<T: Equatable>(
  _ found: [T], _ expected: [T], _ what: String, sourceLocation: SourceLocation = #_sourceLocation
) {
  guard found.count == expected.count else {
    Issue.record("\(what): \(found.count) values instead of \(expected.count)", sourceLocation: sourceLocation)
    return
  }
  if let first = found.indices.first(where: { found[$0] != expected[$0] }) {
    Issue.record(
      "\(what): value \(first) of \(expected.count) is \(found[first]), not \(expected[first])",
      sourceLocation: sourceLocation)
  }
}
