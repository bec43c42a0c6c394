import Cells
import Compute
import Datasets
import Engine
import Formats
import NetworkSupport
import TestSupport
import Testing

/// The fast engine and the plain one keep the same laws.
@Suite struct NetworkEngineTests {
  /// One network of every space, and those variants in which an engine may go wrong by itself.
  static let networks: [TinySupernet] =
    SearchSpace.allCases.map { TinySupernet(space: $0, channels: 4, imageSize: $0 == .nb201 ? 16 : 8) } + [
      TinySupernet(space: .s1, channels: 24, imageSize: 12, variant: .partial(4, edges: true)),
      TinySupernet(space: .s3, channels: 20, variant: .dropping(partial: 2)),
      TinySupernet(space: .s1, channels: 20, imageSize: 12, variant: .merging()),
      TinySupernet(space: .s6, channels: 4, variant: SupernetVariant().withPaths),
      TinySupernet(space: .s1, channels: 16, imageSize: 12, variant: SupernetVariant.partial(4, edges: true).withPaths),
      TinySupernet(space: .nb201, channels: 8, variant: SupernetVariant().withPaths),
      TinySupernet(space: .s2, channels: 8, imageSize: 64, variant: .imageNet()),
    ]

  /// Those that plain loops run through often within seconds.
  static let small: [TinySupernet] = [
    TinySupernet(space: .s1, channels: 4), TinySupernet(space: .s4, channels: 4),
    TinySupernet(space: .nb201, channels: 4),
    TinySupernet(space: .s2, channels: 8, variant: .partial(2, edges: true)),
    TinySupernet(space: .s1, channels: 4, variant: .merging()),
    TinySupernet(space: .s3, channels: 4, variant: SupernetVariant().withPaths),
    TinySupernet(space: .s2, channels: 8, variant: SupernetVariant.partial(2, edges: true).withPaths),
    TinySupernet(space: .nb201, channels: 4, variant: SupernetVariant().withPaths),
  ]

  private static func description(_ network: TinySupernet) throws -> NetworkDescription {
    .supernet(
      try SupernetArchitecture(
        space: network.space, channels: network.channels, layers: 3, imageSize: network.imageSize, variant: network.variant))
  }

  @Test("The CPU engine keeps the laws of an engine, its gradients held against the reference", arguments: networks)
  func cpu(network: TinySupernet) throws {
    let report = try NetworkEngineLaws.check(
      .cpu, Self.description(network), batch: network.images(), truth: .engine(.reference))
    #expect(report.isEmpty, "\(report)")
  }

  @Test("The reference keeps the laws of an engine, its gradients held against differences of its losses", arguments: small)
  func reference(network: TinySupernet) throws {
    let report = try NetworkEngineLaws.check(
      .reference, Self.description(network), batch: network.images(count: 2), truth: .differences(step: 0x1p-20))
    #expect(report.isEmpty, "\(report)")
  }

  @Test("The checker finds what an engine does wrong", arguments: FaultyEngine.Fault.allCases)
  func findsFaults(fault: FaultyEngine.Fault) throws {
    let kind = EngineKind("faulty", summary: "") { network, batch, threads, kernels in
      FaultyEngine(try EngineKind.cpu.make(network, batch: batch, threads: threads, kernels: kernels), fault)
    }
    let network = TinySupernet(space: .s2, channels: 4)
    let report = try NetworkEngineLaws.check(
      kind, Self.description(network), batch: network.images(), truth: .engine(.reference))
    #expect(report.violations.contains { $0.contains(fault.law) }, "\(report)")
  }

  @Test("A supernet has the same losses and gradients of α on both engines", arguments: small)
  func supernetOnBoth(network: TinySupernet) throws {
    guard case .supernet(let architecture) = try Self.description(network) else { return }
    let (alphas, batch) = (network.alphas(), network.images())
    let results = try [EngineKind.cpu, .reference].map { kind in
      let model = try SupernetModel(architecture: architecture, batch: 3, threads: 2, on: kind, kernels: Kernels.sets[0])
      return model.gradient(
        weights: model.makeInitialWeights(seed: 5), alphas: alphas, batch: batch, weightGradient: nil,
        wantsAlphaGradient: true, statistics: nil)
    }
    #expect(abs(results[0].loss / results[1].loss - 1) < 1e-5)
    let (found, wanted) = (try #require(results[0].alphas).flat, try #require(results[1].alphas).flat)
    let difference = zip(found, wanted).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
    let square = wanted.reduce(0.0) { $0 + Double($1) * Double($1) }
    #expect(square > 0 && difference <= 1e-6 * square)
  }

  @Test("The reference refuses a derived network as a setting that does not fit")
  func derivedOnReference() throws {
    let architecture = try DerivedArchitecture(
      genotype: Genotype(parsing: InitialWeightsTests.genotype), channels: 4, layers: 3, imageSize: 32)
    #expect(
      throws: InputError(
        "a network that the engine does not take", at: .setting("engine"), found: "a derived network",
        wanted: "a supernet")
    ) {
      try DerivedModel(architecture: architecture, batch: 1, threads: 1, on: .reference, kernels: Kernels.sets[0])
    }
  }

  @Test("An engine is known by its name, a guest's where it is asked for")
  func names() {
    #expect(EngineKind(rawValue: "cpu") == .cpu && EngineKind.names == "cpu")
    #expect(EngineKind(rawValue: "reference") == nil)
    EngineKind.$guests.withValue([.reference]) {
      #expect(EngineKind(rawValue: "reference") == .reference)
      #expect(EngineKind.allCases == [.cpu], "a guest is not offered")
    }
  }
}

/// An engine that does one thing wrong.
final class FaultyEngine: NetworkEngine {
  enum Fault: CaseIterable {
    case remembersRuns, addsGradients, ignoresMomentum, movesInEvaluation, scalesGradients, scalesCurvature,
      scalesWeightCurvature, dependsOnCapacity, ignoresRunning

    /// The law that it breaks.
    var law: String {
      switch self {
      case .remembersRuns: "repeats to the bit"
      case .addsGradients: "overwrites what was there"
      case .ignoresMomentum: "move by the momentum"
      case .movesInEvaluation: "leaves them as they were"
      case .scalesGradients: "gradients of ω of engines agree"
      case .scalesCurvature: "derivatives of gradients of engines agree"
      case .scalesWeightCurvature: "products with the Hessian of ω of engines agree"
      case .dependsOnCapacity: "for a larger batch gives the same bits"
      case .ignoresRunning: "gradients of mixing weights with running statistics of engines agree"
      }
    }
  }

  private let inner: any NetworkEngine
  private let fault: Fault
  private var runs = 0.0

  init(_ inner: any NetworkEngine, _ fault: Fault) {
    self.inner = inner
    self.fault = fault
  }

  func run(
    _ input: NetworkInput, weights: ParameterVector, weightGradient: ParameterVector?, wantsMixingGradient: Bool,
    statistics: NetworkStatistics
  ) -> NetworkResult {
    runs += 1
    let before = weightGradient.map { inner.values(of: $0) }
    var statistics = statistics
    if fault == .ignoresRunning, wantsMixingGradient, case .running = statistics { statistics = .ofBatch }
    if fault == .ignoresMomentum, case .moving(let vector, _) = statistics { statistics = .moving(vector) }
    var result = inner.run(
      input, weights: weights, weightGradient: weightGradient, wantsMixingGradient: wantsMixingGradient,
      statistics: statistics)
    if fault == .remembersRuns { result.loss += runs * 1e-9 }
    if fault == .dependsOnCapacity { result.loss += Double(batch) * 1e-9 }
    if fault == .movesInEvaluation, case .running(let vector) = statistics { vector[0] += 1 }
    if let weightGradient, let before, fault == .addsGradients { change(weightGradient) { $0 + before[$1][$2] } }
    if let weightGradient, fault == .scalesGradients { change(weightGradient) { value, _, _ in 1.01 * value } }
    return result
  }

  func tangents(_ input: NetworkInput, along direction: [[Float]], weights: ParameterVector) throws -> NetworkTangents {
    var result = try inner.tangents(input, along: direction, weights: weights)
    if fault == .scalesCurvature {
      for kind in result.mixingGradientTangent.indices { result.mixingGradientTangent[kind][0] *= 1.01 }
    }
    return result
  }
  func prepareTangents(images: Int) throws { try inner.prepareTangents(images: images) }

  func weightTangents(
    _ input: NetworkInput, along direction: ParameterVector, weights: ParameterVector, gradientTangent: ParameterVector
  ) throws -> (loss: Double, correct: Int) {
    let result = try inner.weightTangents(input, along: direction, weights: weights, gradientTangent: gradientTangent)
    if fault == .scalesWeightCurvature { change(gradientTangent) { value, _, _ in 1.05 * value } }
    return result
  }
  func prepareWeightTangents(images: Int) throws { try inner.prepareWeightTangents(images: images) }

  /// Puts other values into a vector of parameters, from (value, parameter, place).
  private func change(_ vector: ParameterVector, _ make: (Float, Int, Int) -> Float) {
    let values = inner.values(of: vector).enumerated().map { parameter, values in
      values.enumerated().map { make($1, parameter, $0) }
    }
    vector.copy(from: inner.makeVector(values))
  }

  var network: NetworkDescription { inner.network }
  var tensors: NetworkTensors { inner.tensors }
  var device: String { inner.device }
  var threadCount: Int { inner.threadCount }
  var batch: Int { inner.batch }
  var byteCount: Int { inner.byteCount }
  var forwardCost: PlanCost { inner.forwardCost }
  func gradientCost(wantsWeights: Bool) -> PlanCost { inner.gradientCost(wantsWeights: wantsWeights) }
  func logits(count: Int) -> [Float] { inner.logits(count: count) }
  func makeVector() -> ParameterVector { inner.makeVector() }
  func makeVector(_ values: [[Float]]) -> ParameterVector { inner.makeVector(values) }
  func values(of vector: ParameterVector) -> [[Float]] { inner.values(of: vector) }
  func makeStatistics(_ moments: [NormMoments]) -> ParameterVector { inner.makeStatistics(moments) }
  func moments(of statistics: ParameterVector) -> [NormMoments] { inner.moments(of: statistics) }
}
