import Formats
import TestSupport
import Testing

/// The bounds of docs/accuracy.md: largest relative error in norm of any one tensor of a kind. Prints what is reached.
@Suite struct GoldenAccuracyTests {
  private enum Kind: String, CaseIterable {
    case stemConvolution = "stem convolution"
    case stemNorm = "stem batch norm"
    case pointwise
    case depthwise
    case factorisedReduction = "factorised reduction"
    case classifier

    init(_ tensor: NamedTensor) {
      if tensor.name.hasPrefix("stem.0") {
        self = .stemConvolution
      } else if tensor.name.hasPrefix("stem.1") {
        self = .stemNorm
      } else if tensor.name.hasPrefix("classifier") {
        self = .classifier
      } else if tensor.name.contains("conv_1") || tensor.name.contains("conv_2") {
        self = .factorisedReduction
      } else {
        self = tensor.shape[1] == 1 && tensor.shape[2] > 1 ? .depthwise : .pointwise
      }
    }
  }

  @Test("no tensor of ω's gradient is farther from the reference than docs/accuracy.md says", arguments: Golden.all)
  func weightGradients(golden: Golden) throws {
    let file = try golden.file()
    let model = try golden.model(file)
    let gradient = model.makeVector()
    _ = model.gradient(
      weights: try model.importVector(from: file, prefix: ""), alphas: try golden.alphas(file),
      batch: try golden.batch(file, "train"), weightGradient: gradient, wantsAlphaGradient: false, statistics: nil)
    var worst: [Kind: Double] = [:]
    for tensor in model.export(gradient) {
      guard case .float32(let values) = tensor.values else { continue }
      let error = relativeError(values, try file.floats("expect.omega_grad.\(tensor.name)"))
      worst[Kind(tensor)] = max(worst[Kind(tensor)] ?? 0, error)
    }
    for kind in Kind.allCases {
      // Every network has every kind, except for factorised reductions inside cells, which every preprocessing has too.
      let error = try #require(worst[kind], "no tensor of kind \(kind.rawValue)")
      print("accuracy \(golden.name): \(kind.rawValue) \(error)")
      #expect(error < (golden.isOnKink ? 1e-2 : 1e-5), "\(kind.rawValue)")
    }
  }
}
