import CKernels
import Compute

// What kernels take, made of the engine's own values.

extension ck_blocks {
  /// Blocks of a shape, `stride` floats apart: `count` of them where they are of several tensors.
  init(of shape: PlaneShape, stride: Int, count: Int? = nil) {
    self.init(
      stride: Int64(stride), count: Int32(count ?? shape.blocks), period: Int32(shape.blocks),
      lastLanes: Int32(shape.lastLanes))
  }
}

extension ck_plane {
  init(of shape: PlaneShape, pad: Int, memoryLanes: Int32) {
    self.init(height: Int32(shape.height), width: Int32(shape.width), pad: Int32(pad), memoryLanes: memoryLanes)
  }
}

extension ck_map {
  /// The map of a block's lanes from x to y; none where there is no norm.
  init(of norm: BatchNorm?, block: Int) {
    self.init(scale: norm.map { $0.scale + block * Lanes.count }, shift: norm.map { $0.shift + block * Lanes.count })
  }
}

extension BatchNorm {
  /// How the gradient of a block's y flows back to x.
  ///
  /// - Parameter scale: in place of `gradientScale`, what an image's own is.
  func gradientMap(_ block: Int, scale: UnsafePointer<Float>? = nil) -> ck_gradient_map {
    let lanes = block * Lanes.count
    return ck_gradient_map(
      gradient: (scale ?? UnsafePointer(gradientScale)) + lanes, output: outputScale + lanes, shift: gradientShift + lanes)
  }
}

extension ck_dropout {
  /// weight · x ⊙ mask / (1 − rate), as nn.Dropout scales. The mask depends on key, image, stream and place alone.
  init(rate: Double, weight: Float = 1, key: UInt64, image: Int, stream: UInt32) {
    self.init(
      scale: Float(Double(weight) / (1 - rate)), threshold: UInt32(min(Double(UInt32.max), (rate * 0x1p32).rounded())),
      words: ck_words(key: key, image: UInt32(image), stream: stream))
  }
}

extension ck_terms {
  /// The first `count` pointers of a worker's list.
  init(_ scratch: WorkerScratch, count: Int) { self.init(blocks: scratch.terms, count: Int32(count)) }
}

extension ck_rows {
  /// - Parameter stride: floats from a part of the tile to the next.
  init(from row: Int, count: Int, stride: Int) {
    self.init(stride: Int64(stride), first: Int32(row), count: Int32(count))
  }
}
