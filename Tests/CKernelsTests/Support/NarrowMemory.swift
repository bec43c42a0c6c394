import CKernels

/// A block in memory, whose pixels have as many channels as the bench says; tests see 16 of them everywhere.
extension Bench {
  var lanes: Int32 { Int32(memoryLanes) }

  /// The last of `blocks` blocks of 16 channels a pixel, made as narrow as memory is.
  private func narrowed(_ values: [Float], blocks: Int) -> [Float] {
    let wide = values.count / blocks * (blocks - 1)
    return values.indices.filter { $0 < wide || $0 % 16 < memoryLanes }.map { values[$0] }
  }

  /// Memory that the kernel may only read.
  func memory(_ values: [Float], blocks: Int = 1) -> UnsafePointer<Float> { input(narrowed(values, blocks: blocks)) }
  func memory(_ values: [Float]?) -> UnsafePointer<Float>? { values.map { memory($0) } }

  /// Memory that the kernel may write, with what it finds there.
  func writable(_ values: [Float], blocks: Int = 1) -> UnsafeMutablePointer<Float> {
    output(narrowed(values, blocks: blocks))
  }

  /// Memory of `count` floats, if it were wide, that the kernel must write before it reads.
  func unwritten(_ count: Int, blocks: Int = 1) -> UnsafeMutablePointer<Float> {
    writable([Float](repeating: .nan, count: count), blocks: blocks)
  }

  /// What memory holds, `count` floats with zero in the lanes that it lacks.
  func readMemory(_ pointer: UnsafeMutablePointer<Float>, _ count: Int, blocks: Int = 1) -> [Float] {
    let wide = count / blocks * (blocks - 1)
    return (0..<count).map { index in
      if index < wide { return pointer[index] }
      let (pixel, lane) = ((index - wide) / 16, index % 16)
      return lane < memoryLanes ? pointer[wide + pixel * memoryLanes + lane] : 0
    }
  }
}
