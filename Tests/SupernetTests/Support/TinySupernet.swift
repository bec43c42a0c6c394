import Compute
import Datasets
import Formats
import Supernet
import Testing

/// A network small enough for many evaluations: three cells, two of which reduce.
struct TinySupernet: CustomTestStringConvertible {
  var space: SearchSpace
  var channels: Int
  var imageSize = 8
  var batch = 3

  /// Every space with channels that leave lanes empty in one block, fill part of two, and neither.
  static let all = SearchSpace.allCases.flatMap { space in
    [4, 12, 20].map { TinySupernet(space: space, channels: $0, imageSize: $0 == 12 ? 12 : 8) }
  }
  static let perSpace = SearchSpace.allCases.map { TinySupernet(space: $0, channels: 12) }

  var testDescription: String { "\(space), \(channels) channels, \(imageSize)×\(imageSize)" }

  func model(batch: Int? = nil, threads: Int = 2) throws -> SupernetModel {
    let architecture = try SupernetArchitecture(space: space, channels: channels, layers: 3, imageSize: imageSize)
    return try SupernetModel(
      architecture: architecture, batch: batch ?? self.batch, threads: threads, kernels: Kernels.select(named: nil))
  }

  func images(seed: UInt64 = 5, count: Int? = nil, noiseKey: UInt64 = 77) -> ImageBatch {
    var stream = RandomStream(seed: seed, purpose: .test)
    let count = count ?? batch
    return ImageBatch(
      images: (0..<count * 3 * imageSize * imageSize).map { _ in Float(stream.normal()) },
      labels: (0..<count).map { _ in Int32(stream.integer(below: 10)) }, channels: 3, height: imageSize, width: imageSize,
      noiseKey: noiseKey)
  }

  /// α far enough from uniform that the edges of a row differ.
  func alphas(seed: UInt64 = 6) -> ArchitectureParameters {
    var stream = RandomStream(seed: seed, purpose: .test, index: 1)
    var alphas = space.zeroAlphas
    alphas.flat = alphas.flat.map { _ in Float(0.5 * stream.normal()) }
    return alphas
  }
}

extension SupernetModel {
  /// What `export` says of a vector, by name.
  func tensors(_ vector: ParameterVector) -> [(name: String, values: [Float])] {
    export(vector).map { tensor in
      guard case .float32(let values) = tensor.values else { return (tensor.name, []) }
      return (tensor.name, values)
    }
  }

  /// A vector from values by name; lanes that no parameter owns stay zero.
  func vector(_ make: (_ name: String, _ count: Int) -> [Float]) throws -> ParameterVector {
    let tensors = export(makeVector()).map { tensor in
      NamedTensor(name: tensor.name, shape: tensor.shape, values: .float32(make(tensor.name, tensor.values.count)))
    }
    return try importVector(from: TensorFile(path: "memory", metadata: [:], tensors: tensors), prefix: "")
  }

  /// Indices of the stored values that are no parameter.
  func paddingIndices() throws -> [Int] {
    let owned = try vector { _, count in [Float](repeating: 1, count: count) }
    return owned.values.indices.filter { owned[$0] == 0 }
  }
}

extension [Float] {
  var bits: [UInt32] { map(\.bitPattern) }
}
