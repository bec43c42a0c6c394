import Compute

/// Where each declared tensor of a network lives in its `ParameterVector`.
///
/// Names and shapes are those of `NetworkTensors`; storage is what the kernels read, padded to blocks of 16
/// channels. Padding holds zeros, has zero gradient and therefore stays zero.
package struct ParameterLayout {
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
    let parameter: NetworkTensors.Parameter
    let arrangement: Arrangement
    let offset: Int

    private var shape: [Int] { parameter.shape }

    /// Storage index of each value in public (row-major) order.
    func forEachStorageIndex(_ body: (Int) -> Void) {
      let n = Lanes.count
      switch arrangement {
      case .depthwise:
        let taps = shape[2] * shape[3]
        for channel in 0..<shape[0] {
          for tap in 0..<taps { body(offset + ((channel / n) * taps + tap) * n + channel % n) }
        }
      case .pointwise(let channels, let firstOutput, let firstSource, let allSources):
        let blocks = Lanes.blocks(channels)
        for output in firstOutput..<firstOutput + shape[0] {
          let row = offset + (output / n) * allSources * blocks * Lanes.blockWeights + output % n
          for input in 0..<shape[1] {
            let source = firstSource + input / channels
            body(row + (source * blocks * n + input % channels) * n)
          }
        }
      case .packedDepthwise(let first):
        let taps = shape[2] * shape[3]
        for channel in 0..<shape[0] {
          for tap in 0..<taps { body(offset + tap * n + first + channel) }
        }
      case .packedPointwise(let first):
        for output in 0..<shape[0] {
          for input in 0..<shape[1] { body(offset + (first + input) * n + first + output) }
        }
      case .stem:
        for output in 0..<shape[0] {
          for tap in 0..<27 { body(offset + (output / n) * 2 * Lanes.blockWeights + tap * n + output % n) }
        }
      case .dense:
        let blocks = Lanes.blocks(shape[1])
        let taps = shape[2] * shape[3]
        for output in 0..<shape[0] {
          for input in 0..<shape[1] {
            for tap in 0..<taps {
              body(
                offset + (output / n) * taps * blocks * Lanes.blockWeights
                  + ((tap * blocks + input / n) * n + input % n) * n + output % n)
            }
          }
        }
      case .vector:
        for index in 0..<shape[0] { body(offset + index) }
      case .linear(let channels):
        let padded = Lanes.padded(channels)
        let row = shape[1] / channels * padded
        for output in 0..<shape[0] {
          for input in 0..<shape[1] { body(offset + output * row + input / channels * padded + input % channels) }
        }
      }
    }
  }

  private let declared: [NetworkTensors.Parameter]
  private let indices: [String: Int]
  private var places: [Entry?]
  /// Storage size.
  private(set) var count = 0

  package init(_ declared: [NetworkTensors.Parameter]) {
    self.declared = declared
    indices = Dictionary(declared.enumerated().map { ($1.name, $0) }) { first, _ in first }
    places = declared.map { _ in nil }
  }

  /// The parameters in the order in which they are declared, once all are placed.
  var entries: [Entry] { places.compactMap { $0 } }

  /// What is wrong with placing a tensor, or nil.
  package func fault(placing name: String, shape: [Int]) -> String? {
    guard let index = indices[name] else { return "\(name) is placed and not declared" }
    if places[index] != nil { return "\(name) is placed twice" }
    let wanted = declared[index].shape
    return shape == wanted ? nil : "\(name) is declared as \(wanted) and placed as \(shape)"
  }

  /// The first tensor that is declared and has no place, or nil.
  package var missing: String? { zip(declared, places).first { $0.1 == nil }?.0.name }

  /// Reserves storage without naming it.
  mutating func reserve(_ floats: Int) -> Int {
    defer { count += Lanes.padded(floats) }
    return count
  }

  /// Says where a declared tensor is.
  mutating func place(_ name: String, shape: [Int], _ arrangement: Arrangement, at offset: Int) {
    if let fault = fault(placing: name, shape: shape) { preconditionFailure(fault) }
    guard let index = indices[name] else { return }
    places[index] = Entry(parameter: declared[index], arrangement: arrangement, offset: offset)
  }

  /// Weights of a k×k depthwise convolution; returns their offset.
  mutating func depthwise(_ name: String, channels: Int, kernel: Int) -> Int {
    let offset = reserve(Lanes.padded(channels) * kernel * kernel)
    place(name, shape: [channels, 1, kernel, kernel], .depthwise, at: offset)
    return offset
  }

  /// Weights of a 1×1 convolution from `sources` concatenated tensors; returns their offset.
  mutating func pointwise(_ name: String, outputs: Int, channels: Int, sources: Int) -> Int {
    let offset = reserve(Lanes.blocks(outputs) * sources * Lanes.blocks(channels) * Lanes.blockWeights)
    place(
      name, shape: [outputs, sources * channels, 1, 1],
      .pointwise(channels: channels, firstOutput: 0, firstSource: 0, allSources: sources), at: offset)
    return offset
  }

  /// The two convolutions of a factorised reduction, as one of twice the sources; returns its offset.
  mutating func factorised(_ name: String, outputs: Int, channels: Int, sources: Int) -> Int {
    let offset = reserve(Lanes.blocks(outputs) * 2 * sources * Lanes.blocks(channels) * Lanes.blockWeights)
    for half in 0..<2 {
      place(
        "\(name).conv_\(half + 1).weight", shape: [outputs / 2, sources * channels, 1, 1],
        .pointwise(
          channels: channels, firstOutput: half * outputs / 2, firstSource: half * sources, allSources: 2 * sources),
        at: offset)
    }
    return offset
  }

  /// Weights of a dense k×k convolution; returns their offset.
  mutating func dense(_ name: String, outputs: Int, channels: Int, kernel: Int) -> Int {
    let offset = reserve(Lanes.blocks(outputs) * kernel * kernel * Lanes.blocks(channels) * Lanes.blockWeights)
    place(name, shape: [outputs, channels, kernel, kernel], .dense, at: offset)
    return offset
  }

  package mutating func vector(_ name: String, count: Int) -> Int {
    let offset = reserve(count)
    place(name, shape: [count], .vector, at: offset)
    return offset
  }
}
