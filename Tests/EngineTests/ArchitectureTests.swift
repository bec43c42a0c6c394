import Cells
import Compute
import Engine
import Formats
import NetworkSupport
import Testing

@Suite struct ArchitectureTests {
  private static let unsupported: [(channels: Int, layers: Int, classes: Int, imageSize: Int, error: InputError)] = [
    (
      6, 8, 10, 32,
      InputError("unsupported size", at: .setting("channels"), found: "6", wanted: "a multiple of 4, 4 to 1024")
    ),
    (
      0, 8, 10, 32,
      InputError("unsupported size", at: .setting("channels"), found: "0", wanted: "a multiple of 4, 4 to 1024")
    ),
    (
      -4, 8, 10, 32,
      InputError("unsupported size", at: .setting("channels"), found: "-4", wanted: "a multiple of 4, 4 to 1024")
    ),
    (
      1028, 8, 10, 32,
      InputError("unsupported size", at: .setting("channels"), found: "1028", wanted: "a multiple of 4, 4 to 1024")
    ),
    (16, 2, 10, 32, InputError("unsupported size", at: .setting("layers"), found: "2", wanted: "3 to 200")),
    (16, 201, 10, 32, InputError("unsupported size", at: .setting("layers"), found: "201", wanted: "3 to 200")),
    (16, 8, 1, 32, InputError("unsupported size", at: .setting("classes"), found: "1", wanted: "2 to 1000000")),
    (
      16, 8, 10, 30,
      InputError("unsupported size", at: .setting("image_size"), found: "30", wanted: "a multiple of 4, 8 to 2048")
    ),
    (
      16, 8, 10, 4,
      InputError("unsupported size", at: .setting("image_size"), found: "4", wanted: "a multiple of 4, 8 to 2048")
    ),
  ]

  @Test("an unsupported size is refused with what was found and what would be right", arguments: unsupported)
  func sizes(channels: Int, layers: Int, classes: Int, imageSize: Int, error: InputError) {
    #expect(throws: error) {
      try SupernetArchitecture(space: .s2, channels: channels, layers: layers, classes: classes, imageSize: imageSize)
    }
  }

  @Test("the stem of ImageNet takes images of 64 pixels and more, in steps of 32, and an even number of quarter blocks")
  func imageNet() throws {
    func make(channels: Int = 8, imageSize: Int, space: SearchSpace = .s2) throws -> SupernetArchitecture {
      try SupernetArchitecture(
        space: space, channels: channels, layers: 3, imageSize: imageSize, variant: SupernetVariant.imageNet())
    }
    for side in [64, 96, 224] { #expect(try make(imageSize: side).imageSize == side) }
    for side in [32, 72, 100] {
      let wanted = "a multiple of 32, 64 to 2048, for the imagenet network"
      #expect(throws: InputError("unsupported size", at: .setting("image_size"), found: "\(side)", wanted: wanted)) {
        try make(imageSize: side)
      }
    }
    let wanted = "a multiple of 8 for the imagenet network"
    #expect(throws: InputError("unsupported size", at: .setting("channels"), found: "12", wanted: wanted)) {
      try make(channels: 12, imageSize: 64)
    }
    #expect(throws: InputError.self) { try make(imageSize: 64, space: .nb201) }
  }

  @Test("partial channels that do not divide the channels are refused by their key in config.yaml")
  func partialChannels() {
    let wanted = "1, or a number of which the channels, 16, are an even multiple"
    for ways in [0, 3, 16] {
      #expect(throws: InputError("unsupported size", at: .setting("partial_channels"), found: "\(ways)", wanted: wanted)) {
        try SupernetArchitecture(
          space: .s2, channels: 16, layers: 3, variant: SupernetVariant.partial(ways, edges: false))
      }
    }
  }

  @Test("a model without images or threads is refused")
  func model() throws {
    let architecture = try SupernetArchitecture(space: .s2, channels: 4, layers: 3, imageSize: 8)
    let kernels = try Kernels.select(named: nil)
    #expect(throws: InputError("unsupported size", at: .setting("batch"), found: "0", wanted: "1 to 65536")) {
      try SupernetModel(architecture: architecture, batch: 0, threads: 1, kernels: kernels)
    }
    #expect(throws: InputError("unsupported size", at: .setting("threads"), found: "0", wanted: "1 to 1024")) {
      try SupernetModel(architecture: architecture, batch: 1, threads: 0, kernels: kernels)
    }
  }

  @Test("the smallest supported sizes run")
  func smallest() throws {
    for (layers, classes, imageSize) in [(3, 2, 8), (4, 3, 8), (5, 10, 12), (8, 100, 8), (100, 2, 8), (200, 2, 8)] {
      let architecture = try SupernetArchitecture(
        space: .s6, channels: 4, layers: layers, classes: classes, imageSize: imageSize)
      let model = try SupernetModel(architecture: architecture, batch: 2, threads: 2, kernels: Kernels.select(named: nil))
      let gradient = model.makeVector()
      let result = model.gradient(
        weights: model.makeInitialWeights(seed: 1), alphas: model.makeInitialAlphas(seed: 1),
        batch: .init(
          images: (0..<2 * 3 * imageSize * imageSize).map { Float($0 % 17) / 8 - 1 }, labels: [0, 1], channels: 3,
          height: imageSize, width: imageSize, noiseKey: 0), weightGradient: gradient, wantsAlphaGradient: true,
        statistics: nil)
      #expect(result.loss.isFinite && gradient.norm > 0 && gradient.norm.isFinite, "\(layers) cells, \(classes) classes")
    }
  }
}
