import Formats
import Foundation

/// What a check keeps of one image: enough for means, deviations and duplicates.
struct ImageFacts {
  /// Sums over the pixels of each channel, of bytes or of final values.
  var sums = SIMD3<Double>()
  var squares = SIMD3<Double>()
  var pixels = 0
  var width = 0
  var height = 0
  /// Of size and pixels, cut off to 128 bits: equal for equal images alone, as far as anyone knows.
  var digest = SIMD2<UInt64>()
  /// Of the file, where there is one.
  var fileDigest: [UInt8] = []

  /// - Parameter planes: Bytes [channels, height, width]; one plane counts for all three.
  init(planes: some Collection<UInt8>, channels: Int, width: Int, height: Int) throws {
    self.init(width: width, height: height)
    var (sum, square) = ([Int](repeating: 0, count: 3), [Int](repeating: 0, count: 3))
    var index = 0
    for byte in planes {
      sum[index / pixels] += Int(byte)
      square[index / pixels] += Int(byte) * Int(byte)
      index += 1
    }
    // Sums of bytes are whole numbers far below 2⁵³, so doubles hold them exactly.
    for channel in 0..<3 {
      let from = channels == 1 ? 0 : channel
      (sums[channel], squares[channel]) = (Double(sum[from]), Double(square[from]))
    }
    try setDigest(Array(planes))
  }

  /// - Parameter values: Final values [3, height, width].
  init(values: ArraySlice<Float>, width: Int, height: Int) throws {
    self.init(width: width, height: height)
    for (index, value) in values.enumerated() {
      sums[index / pixels] += Double(value)
      squares[index / pixels] += Double(value) * Double(value)
    }
    try values.withUnsafeBytes { try setDigest(Array($0)) }
  }

  /// - Throws: `InputError` where the file is gone or damaged.
  init(file path: String) throws {
    let bytes = try FileBytes.read(path)
    let image = try ImageDecoder.decode(bytes, source: path)
    self.init(width: image.width, height: image.height)
    image.pixels.withUnsafeBufferPointer { values in
      var (sum, square) = (SIMD3<Int>(), SIMD3<Int>())
      for start in stride(from: 0, to: values.count, by: 3) {
        let pixel = SIMD3(Int(values[start]), Int(values[start + 1]), Int(values[start + 2]))
        sum &+= pixel
        square &+= pixel &* pixel
      }
      (sums, squares) = (SIMD3<Double>(sum), SIMD3<Double>(square))
    }
    try setDigest(image.pixels)
    fileDigest = try Digest.bytes(.sha256, of: bytes)
  }

  private init(width: Int, height: Int) {
    self.width = width
    self.height = height
    pixels = width * height
  }

  private mutating func setDigest(_ bytes: [UInt8]) throws {
    let sizes = [width, height].flatMap { size in (0..<4).map { UInt8(truncatingIfNeeded: size >> (8 * $0)) } }
    let digest = try Digest.bytes(.sha256, of: sizes + bytes)
    for half in 0..<2 { self.digest[half] = digest[8 * half..<8 * half + 8].reduce(0) { $0 << 8 | UInt64($1) } }
  }
}
