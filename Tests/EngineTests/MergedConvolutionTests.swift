import Cells
import Formats
import Foundation
import NetworkSupport
import TestSupport
import Testing

/// Merged convolutions against the operations that they merge. VariantGoldenTests has the PyTorch model.
@Suite struct MergedConvolutionTests {
  private static let side = 9

  /// α that gives all of a row with several convolutions to one of its operations.
  private func settled(on chosen: CellOperation, in space: SearchSpace) -> ArchitectureParameters {
    var alphas = TinySupernet(space: space, channels: 4).alphas()
    for (row, candidates) in space.normal.enumerated() {
      guard candidates.count(where: { !$0.isParameterFree }) > 1 else { continue }
      for (column, operation) in candidates.enumerated() { alphas.normal[row, column] = operation == chosen ? 128 : 0 }
    }
    return alphas
  }

  @Test("an edge that is one dilated convolution is that convolution", arguments: [3, 5])
  func oneOfThem(kernel: Int) throws {
    let plain = try TinySupernet(space: .s1, channels: 20, imageSize: 12).model()
    let merged = try TinySupernet(space: .s1, channels: 20, imageSize: 12, variant: .merging()).model()
    let shared = merged.makeInitialWeights(seed: 3)
    var values = Dictionary(uniqueKeysWithValues: merged.tensors(shared).map { ($0.name, $0.values) })
    for name in plain.parameterNames where values[name] == nil {
      // The plain network's `_ops.0` and `_ops.1` of such an edge are its 3×3 and 5×5, each a ReLU, two convolutions and a norm.
      let edge = try #require(name.range(of: #"\._ops\.[01]\.op\."#, options: .regularExpression))
      let prefix = name[..<edge.lowerBound] + "._ops.0."
      if name.hasSuffix("op.2.weight") {
        values[name] = values[prefix + "point_conv1.weight"]
        continue
      }
      let own = name.contains("._ops.0.op.") ? 3 : 5
      let all = try #require(values[prefix + "depth_weight1"])
      let offsets = (0..<own).map { Self.side / 2 + 2 * ($0 - own / 2) }
      values[name] = (0..<all.count / (Self.side * Self.side)).flatMap { channel in
        offsets.flatMap { row in offsets.map { all[(channel * Self.side + row) * Self.side + $0] } }
      }
    }
    let separate = try plain.vector { name, count in values[name] ?? [Float](repeating: .nan, count: count) }
    let batch = TinySupernet(space: .s1, channels: 20, imageSize: 12).images()
    let alphas = settled(on: kernel == 3 ? .dilatedConv3x3 : .dilatedConv5x5, in: .s1)
    let expected = plain.evaluate(weights: separate, alphas: alphas, batch: batch)
    let found = merged.evaluate(weights: shared, alphas: alphas, batch: batch)
    #expect(abs(found.loss - expected.loss) < 1e-5 * expected.loss)
    #expect(relativeError(merged.lastLogits(count: batch.count), plain.lastLogits(count: batch.count)) < 1e-4)
  }

  @Test("a genotype that leaves an edge out gets nothing from its convolutions")
  func noneOfThem() throws {
    let tiny = TinySupernet(space: .s6, channels: 12, variant: .merging())
    let model = try tiny.model()
    let edges = (0..<CellTopology.darts.nodeCount).flatMap { _ in
      [Genotype.Edge(.skipConnect, from: 0), Genotype.Edge(.maxPool3x3, from: 1)]
    }
    let concat = Array(CellTopology.darts.inputCount..<CellTopology.darts.stateCount)
    let genotype = try Genotype(normal: edges, normalConcat: concat, reduce: edges, reduceConcat: concat)
    let weights = model.makeInitialWeights(seed: 1)
    let before = try model.evaluate(weights: weights, genotype: genotype, batch: tiny.images())
    // Other kernels, same everything else.
    let other = try model.vector { name, count in
      let own = model.tensors(weights).first { $0.name == name }?.values ?? []
      return name.hasSuffix("depth_weight1") ? own.map { -2 * $0 + 1 } : own
    }
    let after = try model.evaluate(weights: other, genotype: genotype, batch: tiny.images())
    #expect(before.loss == after.loss)
  }

  @Test("the shared kernel starts as the public code's")
  func start() throws {
    let model = try TinySupernet(space: .s6, channels: 36, variant: .merging()).model()
    let kernels = model.tensors(model.makeInitialWeights(seed: 2)).filter { $0.name.hasSuffix("depth_weight1") }
    #expect(kernels.count == 3 * CellTopology.darts.edges.count)
    let values = kernels.flatMap(\.values).map(Double.init)
    let mean = values.reduce(0, +) / Double(values.count)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
    // kaiming_normal_ of [C, 1, 9, 9]: 2/81, of so many values within a percent or two.
    #expect(abs(mean) < 0.002 && abs(variance / (2.0 / 81) - 1) < 0.02)
    #expect(values.contains { abs($0) > 3 * (2.0 / 81).squareRoot() })
  }

  @Test("variants that cannot go with it are refused")
  func refusals() {
    for (ways, edges, found) in [(2, false, "2 partial channels"), (1, true, "edge normalisation")] {
      var variant = SupernetVariant.partial(ways, edges: edges)
      variant.mergedConvolutions = true
      let error = #expect(throws: InputError.self) {
        try SupernetArchitecture(space: .s6, channels: 16, layers: 3, variant: variant)
      }
      #expect("\(error.map { "\($0)" } ?? "")".contains(found))
    }
  }
}
