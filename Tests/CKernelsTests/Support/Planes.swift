import Compute

/// Values by channel, row and column: the layout in which references are written. Every value is a float's.
struct Planes {
  let channels: Int
  let height: Int
  let width: Int
  var values: [Double]

  init(channels: Int, height: Int, width: Int, values: [Double]? = nil) {
    self.channels = channels
    self.height = height
    self.width = width
    self.values = values ?? [Double](repeating: 0, count: channels * height * width)
  }

  /// Standard normals.
  init(channels: Int, height: Int, width: Int, from stream: inout RandomStream) {
    self.init(channels: channels, height: height, width: width, values: stream.floats(channels * height * width))
  }

  subscript(channel: Int, row: Int, column: Int) -> Double {
    get { values[(channel * height + row) * width + column] }
    set { values[(channel * height + row) * width + column] = newValue }
  }

  /// Zero outside.
  func bounded(_ channel: Int, _ row: Int, _ column: Int) -> Double {
    row >= 0 && row < height && column >= 0 && column < width ? self[channel, row, column] : 0
  }

  func map(_ transform: (Double) -> Double) -> Planes {
    Planes(channels: channels, height: height, width: width, values: values.map(transform))
  }

  var rectified: Planes { map { max($0, 0) } }

  /// [block][row][column][16] with `pad` zero pixels around each plane.
  func blocked(pad: Int = 0) -> [Float] {
    let (rows, columns) = (height + 2 * pad, width + 2 * pad)
    var result = [Float](repeating: 0, count: blockCount(channels) * rows * columns * 16)
    for channel in 0..<channels {
      for row in 0..<height {
        for column in 0..<width {
          let pixel = ((channel / 16) * rows + row + pad) * columns + column + pad
          result[pixel * 16 + channel % 16] = Float(self[channel, row, column])
        }
      }
    }
    return result
  }

  /// What `blocked` wrote.
  init(blocked: [Float], channels: Int, height: Int, width: Int, pad: Int = 0) {
    self.init(channels: channels, height: height, width: width)
    let (rows, columns) = (height + 2 * pad, width + 2 * pad)
    for channel in 0..<channels {
      for row in 0..<height {
        for column in 0..<width {
          let pixel = ((channel / 16) * rows + row + pad) * columns + column + pad
          self[channel, row, column] = Double(blocked[pixel * 16 + channel % 16])
        }
      }
    }
  }
}

func blockCount(_ channels: Int) -> Int { (channels + 15) / 16 }
func lastLanes(_ channels: Int) -> Int { channels - (blockCount(channels) - 1) * 16 }

/// The nonzero values in lanes beyond the last channel of rows of 16 lanes, `perBlock` rows to a block.
func paddingValues(_ blocked: [Float], channels: Int, perBlock: Int) -> [Float] {
  blocked.indices.filter { ($0 / (16 * perBlock)) * 16 + $0 % 16 >= channels && blocked[$0] != 0 }.map { blocked[$0] }
}

/// One value a channel ↔ one a lane.
func lanes(_ values: [Double]) -> [Float] {
  values.map { Float($0) } + [Float](repeating: 0, count: blockCount(values.count) * 16 - values.count)
}

/// [channel][tap] → [block][tap][16].
func packDepthwise(_ weights: [Double], channels: Int, taps: Int) -> [Float] {
  Planes(channels: channels, height: 1, width: taps, values: weights).blocked()
}

func unpackDepthwise(_ packed: [Float], channels: Int, taps: Int) -> [Double] {
  Planes(blocked: packed, channels: channels, height: 1, width: taps).values
}

/// [output][source · channels + channel] → [output block][source, block, lane][16].
func packPointwise(_ weights: [Double], outputs: Int, sources: Int = 1, channels: Int) -> [Float] {
  let rows = sources * blockCount(channels) * 16
  var result = [Float](repeating: 0, count: blockCount(outputs) * rows * 16)
  forEachPointwise(outputs: outputs, sources: sources, channels: channels) { result[$1] = Float(weights[$0]) }
  return result
}

func unpackPointwise(_ packed: [Float], outputs: Int, sources: Int = 1, channels: Int) -> [Double] {
  var result = [Double](repeating: 0, count: outputs * sources * channels)
  forEachPointwise(outputs: outputs, sources: sources, channels: channels) { result[$0] = Double(packed[$1]) }
  return result
}

private func forEachPointwise(outputs: Int, sources: Int, channels: Int, _ body: (_ plain: Int, _ packed: Int) -> Void) {
  let rows = sources * blockCount(channels) * 16
  for output in 0..<outputs {
    for source in 0..<sources {
      for channel in 0..<channels {
        let row = source * blockCount(channels) * 16 + channel
        body((output * sources + source) * channels + channel, ((output / 16) * rows + row) * 16 + output % 16)
      }
    }
  }
}

extension RandomStream {
  /// For a test of its own number.
  init(test: Int) { self.init(seed: 0x5EED, purpose: .test, index: test) }

  /// A standard normal rounded to float.
  mutating func float() -> Double { Double(Float(normal())) }

  mutating func floats(_ count: Int) -> [Double] { (0..<count).map { _ in float() } }
}

extension [Double] {
  var asFloats: [Float] { map { Float($0) } }
}

extension [Float] {
  var asDoubles: [Double] { map(Double.init) }
}
