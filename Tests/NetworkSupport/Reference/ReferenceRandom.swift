import CKernels
import Compute

/// The random numbers that a network draws by itself. They are inputs of it, so the reference takes the engine's.
struct ReferenceRandom {
  let key: UInt64
  let images: Int

  /// What belongs to (image, channel, pixel), each block of 16 channels having a stream of its own.
  private func values(
    channels: Int, pixels: Int, _ block: (_ image: UInt32, _ block: UInt32) -> [Double]
  ) -> [Double] {
    var result: [Double] = []
    for image in 0..<images {
      let blocks = (0..<(channels + 15) / 16).map { block(UInt32(image), UInt32($0)) }
      for channel in 0..<channels {
        result += (0..<pixels).map { blocks[channel / 16][$0 * 16 + channel % 16] }
      }
    }
    return result
  }

  /// Standard normal values [images, channels, pixels] of the operation `noise`.
  func normals(channels: Int, pixels: Int, stream: UInt32, kernels: KernelSet) -> [Double] {
    values(channels: channels, pixels: pixels) { image, block in
      // Kernels store whole registers, which a vector is aligned for.
      let buffer = ParameterVector(count: 16 * pixels, kernels: kernels)
      kernels.table.pointee.normal_fill(
        buffer.storage, 16, Int32(pixels), 16, ck_words(key: key, image: image, stream: stream + block))
      return buffer.values.map(Double.init)
    }
  }

  /// 0 where a value is dropped, 1 / (1 − rate) elsewhere.
  func kept(channels: Int, pixels: Int, stream: UInt32, rate: Double) -> [Double] {
    let threshold = UInt32(min(Double(UInt32.max), (rate * 0x1p32).rounded()))
    return values(channels: channels, pixels: pixels) { image, block in
      (0..<pixels * 16).map { index in
        let (pixel, lane) = (index / 16, index % 16)
        let words = Philox.words(
          counter: (UInt32(pixel / 4 * 4), UInt32(lane), image, stream + block),
          key: (UInt32(truncatingIfNeeded: key), UInt32(key >> 32)))
        let word = [words.0, words.1, words.2, words.3][pixel % 4]
        return word >= threshold ? 1 / (1 - rate) : 0
      }
    }
  }
}
