/// Where each named tensor of a network lives in its `ParameterVector`.
///
/// Names and shapes are those of the public DARTS state_dict; storage is what the kernels read, padded to blocks of 16
/// channels. Padding holds zeros, has zero gradient and therefore stays zero.
struct ParameterLayout {
  /// How public indices map to storage.
  enum Arrangement {
    /// [channels, 1, k, k] ↔ [block][tap][16].
    case depthwise
    /// [outputs, sources · channels, 1, 1] ↔ [output block][source, block, lane][16]. A source is one concatenated tensor of
    /// `channels` channels; the tensor's outputs begin at lane `firstOutput`, its inputs at source `firstSource` of `allSources`.
    case pointwise(channels: Int, firstOutput: Int, firstSource: Int, allSources: Int)
    /// A depthwise or pointwise convolution of few channels that shares its block with others: its channels begin at lane
    /// `first` of the block, and what lies between two convolutions is no parameter.
    case packedDepthwise(first: Int)
    case packedPointwise(first: Int)
    /// [outputs, 3, 3, 3] ↔ [output block][27 of 32][16].
    case stem
    /// [outputs, channels, k, k] ↔ [output block][tap, block, lane][16].
    case dense
    /// [count].
    case vector
    /// [classes, nodes · channels] ↔ [class][node][padded channel].
    case linear(channels: Int)
  }

  struct Entry {
    let name: String
    let shape: [Int]
    let arrangement: Arrangement
    let offset: Int
    /// Inputs that reach one output, for initialisation.
    let fanIn: Int
    /// The value to start from where it is not random (batch-norm scale and shift).
    let constant: Float?
    /// Of the normal distribution to start from, where it is not the uniform one of the fan-in.
    let deviation: Double?

    var count: Int { shape.reduce(1, *) }

    /// Storage index of each value in public (row-major) order.
    func forEachStorageIndex(_ body: (Int) -> Void) {
      switch arrangement {
      case .depthwise:
        let taps = shape[2] * shape[3]
        for channel in 0..<shape[0] {
          for tap in 0..<taps { body(offset + ((channel / 16) * taps + tap) * 16 + channel % 16) }
        }
      case .pointwise(let channels, let firstOutput, let firstSource, let allSources):
        let blocks = (channels + 15) / 16
        for output in firstOutput..<firstOutput + shape[0] {
          let row = offset + (output / 16) * allSources * blocks * 256 + output % 16
          for input in 0..<shape[1] {
            let source = firstSource + input / channels
            body(row + (source * blocks * 16 + input % channels) * 16)
          }
        }
      case .packedDepthwise(let first):
        let taps = shape[2] * shape[3]
        for channel in 0..<shape[0] {
          for tap in 0..<taps { body(offset + tap * 16 + first + channel) }
        }
      case .packedPointwise(let first):
        for output in 0..<shape[0] {
          for input in 0..<shape[1] { body(offset + (first + input) * 16 + first + output) }
        }
      case .stem:
        for output in 0..<shape[0] {
          for tap in 0..<27 { body(offset + (output / 16) * 512 + tap * 16 + output % 16) }
        }
      case .dense:
        let blocks = (shape[1] + 15) / 16
        let taps = shape[2] * shape[3]
        for output in 0..<shape[0] {
          for input in 0..<shape[1] {
            for tap in 0..<taps {
              body(
                offset + (output / 16) * taps * blocks * 256 + ((tap * blocks + input / 16) * 16 + input % 16) * 16
                  + output % 16)
            }
          }
        }
      case .vector:
        for index in 0..<shape[0] { body(offset + index) }
      case .linear(let channels):
        let padded = (channels + 15) / 16 * 16
        let row = shape[1] / channels * padded
        for output in 0..<shape[0] {
          for input in 0..<shape[1] { body(offset + output * row + input / channels * padded + input % channels) }
        }
      }
    }
  }

  private(set) var entries: [Entry] = []
  /// Storage size.
  private(set) var count = 0

  /// Reserves storage without naming it.
  mutating func reserve(_ floats: Int) -> Int {
    defer { count += (floats + 15) / 16 * 16 }
    return count
  }

  mutating func name(
    _ name: String, shape: [Int], arrangement: Arrangement, offset: Int, fanIn: Int, constant: Float? = nil,
    deviation: Double? = nil
  ) {
    entries.append(
      Entry(
        name: name, shape: shape, arrangement: arrangement, offset: offset, fanIn: fanIn, constant: constant,
        deviation: deviation))
  }

  /// Weights of a k×k depthwise convolution; returns their offset.
  mutating func depthwise(_ name: String, channels: Int, kernel: Int, deviation: Double? = nil) -> Int {
    let offset = reserve((channels + 15) / 16 * kernel * kernel * 16)
    self.name(
      name, shape: [channels, 1, kernel, kernel], arrangement: .depthwise, offset: offset, fanIn: kernel * kernel,
      deviation: deviation)
    return offset
  }

  /// Weights of a 1×1 convolution from `sources` concatenated tensors; returns their offset.
  mutating func pointwise(_ name: String, outputs: Int, channels: Int, sources: Int) -> Int {
    let offset = reserve((outputs + 15) / 16 * sources * ((channels + 15) / 16) * 256)
    self.name(
      name, shape: [outputs, sources * channels, 1, 1],
      arrangement: .pointwise(channels: channels, firstOutput: 0, firstSource: 0, allSources: sources), offset: offset,
      fanIn: sources * channels)
    return offset
  }

  /// The two convolutions of a factorised reduction, as one of twice the sources; returns its offset.
  mutating func factorised(_ name: String, outputs: Int, channels: Int, sources: Int) -> Int {
    let offset = reserve((outputs + 15) / 16 * 2 * sources * ((channels + 15) / 16) * 256)
    for half in 0..<2 {
      self.name(
        "\(name).conv_\(half + 1).weight", shape: [outputs / 2, sources * channels, 1, 1],
        arrangement: .pointwise(
          channels: channels, firstOutput: half * outputs / 2, firstSource: half * sources, allSources: 2 * sources),
        offset: offset, fanIn: sources * channels)
    }
    return offset
  }

  /// Weights of a dense k×k convolution; returns their offset.
  mutating func dense(_ name: String, outputs: Int, channels: Int, kernel: Int) -> Int {
    let taps = kernel * kernel
    let offset = reserve((outputs + 15) / 16 * taps * ((channels + 15) / 16) * 256)
    self.name(
      name, shape: [outputs, channels, kernel, kernel], arrangement: .dense, offset: offset, fanIn: channels * taps)
    return offset
  }

  mutating func vector(_ name: String, count: Int, constant: Float?, fanIn: Int = 1) -> Int {
    let offset = reserve(count)
    self.name(name, shape: [count], arrangement: .vector, offset: offset, fanIn: fanIn, constant: constant)
    return offset
  }
}
