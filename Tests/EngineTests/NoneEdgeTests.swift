import Cells
import Compute
import Datasets
import Engine
import Formats
import TestSupport
import Testing

/// Derived networks of the DARTS family with edges of `none`, which random search can draw.
@Suite struct NoneEdgeTests {
  /// Edges of two cells in which a node has nothing but `stand`, and an input of the first is read through it alone.
  private func genotype(_ stand: CellOperation) throws -> Genotype {
    let normal: [Genotype.Edge] = [
      .init(stand, from: 0), .init(.separableConv3x3, from: 1), .init(.skipConnect, from: 1), .init(stand, from: 2),
      .init(stand, from: 1), .init(stand, from: 3), .init(.maxPool3x3, from: 1), .init(.skipConnect, from: 4),
    ]
    let reduce: [Genotype.Edge] = [
      .init(.maxPool3x3, from: 0), .init(stand, from: 1), .init(stand, from: 0), .init(.averagePool3x3, from: 1),
      .init(.skipConnect, from: 0), .init(.separableConv5x5, from: 2), .init(stand, from: 1), .init(stand, from: 2),
    ]
    return try Genotype(normal: normal, normalConcat: [2, 3, 4, 5], reduce: reduce, reduceConcat: [2, 3, 4, 5])
  }

  private func model(_ stand: CellOperation) throws -> DerivedModel {
    let architecture = try DerivedArchitecture(
      genotype: genotype(stand), channels: 12, layers: 3, imageSize: 8, hasAuxiliaryHead: false)
    return try DerivedModel(architecture: architecture, batch: 3, threads: 2, kernels: Kernels.select(named: nil))
  }

  private func values(_ tensors: [NamedTensor]) -> [String: [Float]] {
    Dictionary(
      uniqueKeysWithValues: tensors.map { tensor in
        guard case .float32(let values) = tensor.values else { return (tensor.name, []) }
        return (tensor.name, values)
      })
  }

  /// A convolution whose last norm has γ = β = 0 gives exactly nothing, and its input no gradient: what `none` has to be.
  @Test("an edge of none is an edge whose output is zero, forwards and backwards", arguments: [false, true])
  func none(dropsPaths: Bool) throws {
    let (mute, none) = (try model(.dilatedConv3x3), try model(.none))
    let initial = mute.export(mute.makeInitialWeights(seed: 3))
    var places: [Set<Int>] = []
    for cell in try genotype(.none).cells {
      places.append(Set(cell.edges.indices.filter { cell.edges[$0].operation == .none }))
    }
    let muted = initial.map { tensor -> NamedTensor in
      let parts = tensor.name.split(separator: ".")
      guard parts.count > 3, parts[0] == "cells", parts[2] == "_ops", let cell = Int(parts[1]), let edge = Int(parts[3]),
        places[cell == 0 ? 0 : 1].contains(edge), tensor.name.contains(".op.3.")
      else { return tensor }
      return NamedTensor(
        name: tensor.name, shape: tensor.shape, values: .float32([Float](repeating: 0, count: tensor.values.count)))
    }
    #expect(values(muted) != values(initial))
    let own = Set(none.parameterNames)
    #expect(own.isStrictSubset(of: mute.parameterNames))
    let muteWeights = try mute.importVector(from: TensorFile(path: "memory", metadata: [:], tensors: muted), prefix: "")
    let noneWeights = try none.importVector(
      from: TensorFile(path: "memory", metadata: [:], tensors: muted.filter { own.contains($0.name) }), prefix: "")

    var stream = RandomStream(seed: 5, purpose: .test)
    let batch = ImageBatch(
      images: (0..<3 * 3 * 64).map { _ in Float(stream.normal()) }, labels: [1, 7, 4], channels: 3, height: 8, width: 8,
      noiseKey: 1)
    let keep = dropsPaths ? (0..<none.pathCount * 3).map { _ in stream.uniform() > 0.3 } : nil
    let regularisation = DerivedModel.Regularisation(dropPath: dropsPaths ? 0.3 : 0, auxiliaryWeight: 0)
    #expect(none.pathCount == mute.pathCount)
    let (muteGradient, noneGradient) = (mute.makeVector(), none.makeVector())
    let (muteStatistics, noneStatistics) = (mute.makeInitialStatistics(), none.makeInitialStatistics())
    let expected = mute.gradient(
      weights: muteWeights, batch: batch, regularisation: regularisation, keep: keep, weightGradient: muteGradient,
      statistics: muteStatistics)
    let found = none.gradient(
      weights: noneWeights, batch: batch, regularisation: regularisation, keep: keep, weightGradient: noneGradient,
      statistics: noneStatistics)
    #expect(found.loss.isFinite && abs(found.loss - expected.loss) < 1e-6 * expected.loss)
    #expect(found.correct == expected.correct)
    let slopes = values(mute.export(muteGradient))
    for (name, slope) in values(none.export(noneGradient)) {
      let wanted = try #require(slopes[name])
      let largest = wanted.map(abs).max() ?? 0
      #expect(zip(slope, wanted).allSatisfy { abs($0 - $1) <= 1e-4 * largest + 1e-7 }, "\(name)")
    }
    let running = mute.evaluate(weights: muteWeights, statistics: muteStatistics, batch: batch).loss
    #expect(
      abs(none.evaluate(weights: noneWeights, statistics: noneStatistics, batch: batch).loss - running) < 1e-6 * running)
  }
}
