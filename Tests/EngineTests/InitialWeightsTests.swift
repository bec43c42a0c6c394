import Cells
import Compute
import Engine
import Formats
import Testing

/// The weights that a seed means. They must never change: published runs are repeated by their seeds, and runs of a comparison
/// start from the same weights. The digests are those of the program before tensors were declared apart from their storage.
@Suite struct InitialWeightsTests {
  /// A small network, and the digest of its weights for seed 7.
  struct Pinned: CustomTestStringConvertible {
    let name: String
    let digest: String
    let export: @Sendable (_ seed: UInt64) throws -> [NamedTensor]

    var testDescription: String { name }

    static func supernet(
      _ space: SearchSpace, channels: Int, layers: Int = 3, partial ways: Int = 1, merged: Bool = false, _ digest: String
    ) -> Pinned {
      let name = "\(space), \(channels) channels" + (ways > 1 ? ", 1/\(ways)" : "") + (merged ? ", merged" : "")
      return Pinned(name: name, digest: digest) { seed in
        var variant = SupernetVariant()
        (variant.partialChannels, variant.edgeNormalisation) = (ways, ways > 1)
        variant.mergedConvolutions = merged
        let model = try SupernetModel(
          architecture: SupernetArchitecture(
            space: space, channels: channels, layers: layers, imageSize: 8 * (space == .nb201 ? 2 : 1), variant: variant),
          batch: 1, threads: 1, kernels: Kernels.select(named: nil))
        return model.export(model.makeInitialWeights(seed: seed))
      }
    }

    static func derived(
      _ name: String, _ genotype: String, channels: Int, layers: Int, size: Int = 32, auxiliary: Bool = true,
      scale: DerivedArchitecture.Scale = .cifar, _ digest: String
    ) -> Pinned {
      Pinned(name: name, digest: digest) { seed in
        let model = try DerivedModel(
          architecture: DerivedArchitecture(
            genotype: Genotype(parsing: genotype), scale: scale, channels: channels, layers: layers, imageSize: size,
            hasAuxiliaryHead: auxiliary), batch: 1, threads: 1, kernels: Kernels.select(named: nil))
        return model.export(model.makeInitialWeights(seed: seed))
      }
    }
  }

  static let genotype = """
    Genotype(normal=[('sep_conv_3x3', 0), ('dil_conv_5x5', 1), ('max_pool_3x3', 0), ('sep_conv_5x5', 2), \
    ('skip_connect', 1), ('dil_conv_3x3', 3), ('avg_pool_3x3', 0), ('skip_connect', 4)], normal_concat=range(2, 6), \
    reduce=[('skip_connect', 0), ('max_pool_3x3', 1), ('sep_conv_3x3', 2), ('skip_connect', 1), ('dil_conv_5x5', 0), \
    ('avg_pool_3x3', 3), ('sep_conv_5x5', 4), ('dil_conv_3x3', 1)], reduce_concat=range(2, 6))
    """
  static let stages = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|none~0|avg_pool_3x3~1|nor_conv_3x3~2|"

  static let pinned: [Pinned] = [
    .supernet(.s1, channels: 8, "07b47506"), .supernet(.s2, channels: 8, "ca267548"),
    .supernet(.s3, channels: 8, "b76576cd"), .supernet(.s4, channels: 8, "27f7bd89"),
    .supernet(.s5, channels: 4, "235525b7"), .supernet(.s6, channels: 4, layers: 4, "3b0de62a"),
    .supernet(.nb201, channels: 8, layers: 6, "e42fbfff"),
    .supernet(.s5, channels: 16, partial: 4, "4152168d"), .supernet(.s1, channels: 24, partial: 4, "38265aee"),
    .supernet(.s3, channels: 40, partial: 2, "588134f9"),
    .supernet(.s6, channels: 4, merged: true, "d94676bd"), .supernet(.s1, channels: 4, merged: true, "c37547d8"),
    .derived("derived", genotype, channels: 4, layers: 3, "91e99919"),
    .derived("derived without auxiliary head", genotype, channels: 4, layers: 4, auxiliary: false, "7a98e96d"),
    .derived("derived for ImageNet", genotype, channels: 8, layers: 3, size: 224, scale: .imagenet, "0892ec0e"),
    .derived("derived of NAS-Bench-201", stages, channels: 8, layers: 3, auxiliary: false, "a804a8f8"),
  ]

  /// CRC-32C of every tensor's name and values, one after the other.
  private static func digest(_ tensors: [NamedTensor]) -> String {
    var check = CRC32C()
    for tensor in tensors {
      check.add(Array(tensor.name.utf8))
      guard case .float32(let values) = tensor.values else { continue }
      check.add(
        values.flatMap { value -> [UInt8] in
          let bits = value.bitPattern
          return [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: bits >> $0) }
        })
    }
    return check.hexadecimal
  }

  @Test("A seed gives the weights that it always gave, in every kind of network", arguments: pinned)
  func weightsStay(network: Pinned) throws {
    #expect(Self.digest(try network.export(7)) == network.digest)
  }

  @Test("Another seed gives other weights")
  func seedsDiffer() throws {
    for network in Self.pinned.prefix(2) { #expect(Self.digest(try network.export(8)) != network.digest) }
  }
}
