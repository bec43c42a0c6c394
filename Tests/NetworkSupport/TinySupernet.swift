import Cells
import Compute
import Datasets
import Engine
import Formats

/// A network small enough for many evaluations: three cells, two of which reduce.
package struct TinySupernet: CustomStringConvertible, Sendable {
  package var space: SearchSpace
  package var channels: Int
  package var imageSize = 8
  package var batch = 3
  package var variant = SupernetVariant()

  package init(
    space: SearchSpace, channels: Int, imageSize: Int = 8, batch: Int = 3, variant: SupernetVariant = SupernetVariant()
  ) {
    (self.space, self.channels, self.imageSize, self.batch, self.variant) = (space, channels, imageSize, batch, variant)
  }

  /// Every space with channels that leave lanes empty in one block, fill part of two, and neither.
  package static let all =
    SearchSpace.allCases.flatMap { space in
      [4, 12, 20].map { TinySupernet(space: space, channels: $0, imageSize: imageSize(space, $0)) }
    } + variants

  /// Three stages leave a quarter of the side, where kinks weigh most with few channels.
  private static func imageSize(_ space: SearchSpace, _ channels: Int) -> Int {
    space == .nb201 && channels == 4 ? 16 : channels == 12 ? 12 : 8
  }

  package static let perSpace = SearchSpace.allCases.map { TinySupernet(space: $0, channels: 12) } + variants

  /// Operations on 4 of 16 channels, 6 of 24 and 20 of 40, which begin and end within blocks; dropped skip connections with
  /// all channels and with part of them; fewer candidates than the space has, other ones on each edge; merged convolutions, all
  /// four and some of them; auxiliary skip connections beside every operation, beside dropped ones, on part of the channels, on
  /// weighed edges, in stages;
  /// the stem for ImageNet, alone and as PC-DARTS searches there.
  package static let variants: [TinySupernet] = [
    TinySupernet(space: .s5, channels: 16, imageSize: 12, variant: .partial(4, edges: true)),
    TinySupernet(space: .s1, channels: 24, imageSize: 12, variant: .partial(4, edges: true)),
    TinySupernet(space: .s3, channels: 40, variant: .partial(2, edges: true)),
    TinySupernet(space: .s4, channels: 16, imageSize: 12, variant: .partial(4, edges: true)),
    TinySupernet(space: .s6, channels: 12, variant: .partial(1, edges: true)),
    TinySupernet(space: .s2, channels: 12, variant: .dropping(partial: 1)),
    TinySupernet(space: .s3, channels: 20, imageSize: 12, variant: .dropping(partial: 2)),
    TinySupernet(space: .s5, channels: 12, variant: .shrunk(.s5, to: 3)),
    TinySupernet(space: .s1, channels: 20, imageSize: 12, variant: .merging()),
    TinySupernet(space: .s6, channels: 12, variant: .merging()),
    TinySupernet(space: .s5, channels: 4, variant: .merging(shrunk: .s5, to: 4)),
    TinySupernet(space: .s5, channels: 12, variant: .auxiliary()),
    TinySupernet(space: .s3, channels: 20, imageSize: 12, variant: .auxiliary(.dropping(partial: 1))),
    TinySupernet(space: .s1, channels: 24, imageSize: 12, variant: .auxiliary(.partial(4, edges: true))),
    TinySupernet(space: .s4, channels: 12, variant: .auxiliary(.partial(1, edges: true))),
    TinySupernet(space: .nb201, channels: 12, imageSize: 12, variant: .auxiliary()),
    TinySupernet(space: .s2, channels: 8, imageSize: 64, variant: .imageNet()),
    TinySupernet(space: .s3, channels: 16, imageSize: 64, variant: .imageNet(partial: 2)),
  ]

  /// Networks whose edges are dropped: every space, and variants that lay edges out otherwise: convolutions that share blocks, channels
  /// that bypass operations, skip connections with dropout, merged convolutions, fewer candidates, auxiliary skip connections, the stem
  /// for ImageNet.
  package static let paths: [TinySupernet] =
    SearchSpace.allCases.map {
      TinySupernet(space: $0, channels: $0 == .s6 ? 20 : 12, imageSize: 12, variant: SupernetVariant().withPaths)
    } + [
      TinySupernet(space: .s5, channels: 16, imageSize: 12, variant: SupernetVariant.partial(4, edges: true).withPaths),
      TinySupernet(space: .s1, channels: 24, imageSize: 12, variant: SupernetVariant.partial(4, edges: true).withPaths),
      TinySupernet(space: .s3, channels: 40, variant: SupernetVariant.partial(2, edges: false).withPaths),
      TinySupernet(space: .s3, channels: 20, imageSize: 12, variant: SupernetVariant.dropping(partial: 2).withPaths),
      TinySupernet(space: .s2, channels: 12, variant: SupernetVariant.dropping(partial: 1).withPaths),
      TinySupernet(space: .s1, channels: 20, imageSize: 12, variant: SupernetVariant.merging().withPaths),
      TinySupernet(space: .s6, channels: 12, variant: SupernetVariant.merging().withPaths),
      TinySupernet(space: .s5, channels: 12, variant: SupernetVariant.shrunk(.s5, to: 3).withPaths),
      TinySupernet(space: .s2, channels: 12, variant: SupernetVariant.auxiliary().withPaths),
      TinySupernet(
        space: .s1, channels: 24, imageSize: 12, variant: SupernetVariant.auxiliary(.partial(4, edges: true)).withPaths),
      TinySupernet(space: .s2, channels: 8, imageSize: 64, variant: SupernetVariant.auxiliary(.imageNet()).withPaths),
    ]

  package var description: String {
    var text = "\(space), \(channels) channels, \(imageSize)×\(imageSize)"
    if variant.partialChannels > 1 { text += ", 1/\(variant.partialChannels) of them" }
    if variant.edgeNormalisation { text += ", β" }
    if variant.skipDropout { text += ", dropout" }
    if variant.mergedConvolutions { text += ", merged" }
    if variant.dropsPaths { text += ", paths" }
    if variant.auxiliarySkip { text += ", auxiliary" }
    if variant.scale != .cifar { text += ", \(variant.scale)" }
    if let operations = variant.operations { text += ", \(operations.operationsPerEdge) operations" }
    return text
  }

  package func model(batch: Int? = nil, threads: Int = 2) throws -> SupernetModel {
    let architecture = try SupernetArchitecture(
      space: space, channels: channels, layers: 3, imageSize: imageSize,
      variant: variant)
    return try SupernetModel(
      architecture: architecture, batch: batch ?? self.batch, threads: threads, kernels: Kernels.select(named: nil))
  }

  package func images(seed: UInt64 = 5, count: Int? = nil, noiseKey: UInt64 = 77) -> ImageBatch {
    var stream = RandomStream(seed: seed, purpose: .test)
    let count = count ?? batch
    var result = ImageBatch(
      images: (0..<count * 3 * imageSize * imageSize).map { _ in Float(stream.normal()) },
      labels: (0..<count).map { _ in Int32(stream.integer(below: 10)) }, channels: 3, height: imageSize, width: imageSize,
      noiseKey: noiseKey)
    result.skipDropout = variant.skipDropout ? 0.4 : 0
    result.dropPath = variant.dropsPaths ? 0.3 : 0
    return result
  }

  /// α far enough from uniform that the edges of a row differ.
  package func alphas(seed: UInt64 = 6) -> ArchitectureParameters {
    var stream = RandomStream(seed: seed, purpose: .test, index: 1)
    let operations = variant.operations ?? space.operations
    var alphas = operations.zeroAlphas(edgeNormalisation: variant.edgeNormalisation)
    alphas.flat = alphas.flat.map { _ in Float(0.5 * stream.normal()) }
    alphas.auxiliarySkip = variant.auxiliarySkip ? 0.7 : 0
    return alphas
  }
}

extension SupernetVariant {
  package static func partial(_ ways: Int, edges: Bool) -> SupernetVariant {
    var variant = SupernetVariant()
    (variant.partialChannels, variant.edgeNormalisation) = (ways, edges)
    return variant
  }

  /// The same whose edges can be dropped.
  package var withPaths: SupernetVariant {
    var variant = self
    variant.dropsPaths = true
    return variant
  }

  package static func dropping(partial ways: Int) -> SupernetVariant {
    var variant = partial(ways, edges: ways > 1)
    variant.skipDropout = true
    return variant
  }

  package static func merging(shrunk space: SearchSpace? = nil, to count: Int = 0) -> SupernetVariant {
    var variant = space.map { shrunk($0, to: count) } ?? SupernetVariant()
    variant.mergedConvolutions = true
    return variant
  }

  package static func auxiliary(_ variant: SupernetVariant = SupernetVariant()) -> SupernetVariant {
    var variant = variant
    variant.auxiliarySkip = true
    return variant
  }

  package static func imageNet(partial ways: Int = 1) -> SupernetVariant {
    var variant = partial(ways, edges: ways > 1)
    variant.scale = .imagenet
    return variant
  }

  /// The strongest operations of random α.
  package static func shrunk(_ space: SearchSpace, to count: Int) -> SupernetVariant {
    var variant = SupernetVariant()
    variant.operations = try? space.operations.strongest(count, alphas: TinySupernet(space: space, channels: 4).alphas())
    return variant
  }
}

extension SupernetModel {
  /// What `export` says of a vector, by name.
  package func tensors(_ vector: ParameterVector) -> [(name: String, values: [Float])] {
    export(vector).map { tensor in
      guard case .float32(let values) = tensor.values else { return (tensor.name, []) }
      return (tensor.name, values)
    }
  }

  /// A vector from values by name; lanes that no parameter owns stay zero.
  package func vector(_ make: (_ name: String, _ count: Int) -> [Float]) throws -> ParameterVector {
    let tensors = export(makeVector()).map { tensor in
      NamedTensor(name: tensor.name, shape: tensor.shape, values: .float32(make(tensor.name, tensor.values.count)))
    }
    return try importVector(from: TensorFile(path: "memory", metadata: [:], tensors: tensors), prefix: "")
  }

  /// Indices of the stored values that are no parameter.
  package func paddingIndices() throws -> [Int] {
    let owned = try vector { _, count in [Float](repeating: 1, count: count) }
    return owned.values.indices.filter { owned[$0] == 0 }
  }
}
