import Cells
import Compute
import Datasets
import Engine
import NetworkSupport
import TestSupport
import Testing

/// Supernets without one of their operations or edges.
@Suite struct MixingRemovalTests {
  /// What an engine says of mixing weights that are written out.
  private func loss(_ model: SupernetModel, _ weights: ParameterVector, _ mixing: [[Float]], _ batch: ImageBatch)
    -> (loss: Double, correct: Int)
  {
    let result = model.engine.run(
      NetworkInput(batch: batch, mixing: mixing), weights: weights, weightGradient: nil, wantsMixingGradient: false,
      statistics: .ofBatch)
    return (result.loss, result.correct)
  }

  private func mixing(_ alphas: ArchitectureParameters, _ network: TinySupernet) -> [[Float]] {
    alphas.matrices.map { matrix -> [Float] in
      let (operations, edges) = (matrix.strengths().map(Float.init), matrix.edgeWeights())
      let width = matrix.operationColumns
      var values: [Float] = []
      for row in 0..<matrix.rows {
        values += operations[row * width..<(row + 1) * width]
        if network.variant.auxiliarySkip { values.append(Float(Double(alphas.auxiliarySkip) * edges[row])) }
      }
      return network.variant.partialChannels > 1 ? values + edges.map(Float.init) : values
    }
  }

  @Test(
    "a removed operation's mixing weight is 0, a removed edge's all are, its auxiliary skip connection's too, and no other weight changes",
    arguments: TinySupernet.perSpace)
  func mixingWeights(network: TinySupernet) throws {
    let (model, alphas, batch) = (try network.model(), network.alphas(), network.images())
    let weights = model.makeInitialWeights(seed: 3)
    let whole = mixing(alphas, network)
    let plain = loss(model, weights, whole, batch)
    var changed = 0
    for (kind, matrix) in alphas.matrices.enumerated() {
      let width = matrix.operationColumns + (network.variant.auxiliarySkip ? 1 : 0)
      for edge in [0, matrix.rows - 1] {
        for column in 0..<matrix.operationColumns {
          var without = whole
          without[kind][edge * width + column] = 0
          let expected = loss(model, weights, without, batch)
          let found = model.evaluate(
            weights: weights, alphas: alphas, without: .operation(kind: kind, edge: edge, column: column), batch: batch)
          #expect(found.loss.bitPattern == expected.loss.bitPattern && found.correct == expected.correct)
          if found.loss != plain.loss { changed += 1 }
        }
        var without = whole
        for place in edge * width..<(edge + 1) * width { without[kind][place] = 0 }
        if network.variant.partialChannels > 1 { without[kind][matrix.rows * width + edge] = 0 }
        let expected = loss(model, weights, without, batch)
        let found = model.evaluate(weights: weights, alphas: alphas, without: .edge(kind: kind, edge: edge), batch: batch)
        #expect(found.loss.bitPattern == expected.loss.bitPattern && found.correct == expected.correct)
        if found.loss != plain.loss { changed += 1 }
      }
    }
    #expect(changed > 0, "what is removed has an effect")
  }

  @Test(
    "an edge takes its auxiliary skip connection with it and an operation does not, with bypasses and without",
    arguments: [
      TinySupernet(space: .s2, channels: 12, variant: .auxiliary()),
      TinySupernet(space: .s1, channels: 24, imageSize: 12, variant: .auxiliary(.partial(4, edges: true))),
    ])
  func auxiliarySkips(network: TinySupernet) throws {
    let (model, alphas, batch) = (try network.model(), network.alphas(), network.images())
    let weights = model.makeInitialWeights(seed: 3)
    let isPartial = network.variant.partialChannels > 1
    let whole = mixing(alphas, network)
    let plain = loss(model, weights, whole, batch)
    #expect(plain.loss == model.evaluate(weights: weights, alphas: alphas, batch: batch).loss)
    for (kind, matrix) in alphas.matrices.enumerated() {
      let row = matrix.operationColumns + 1
      let edge = matrix.rows - 1
      var without = whole
      without[kind][edge * row + 1] = 0
      let operation = loss(model, weights, without, batch)
      for place in edge * row..<(edge + 1) * row { without[kind][place] = 0 }
      if isPartial { without[kind][matrix.rows * row + edge] = 0 }
      let all = loss(model, weights, without, batch)
      let found = [MixingRemoval.operation(kind: kind, edge: edge, column: 1), .edge(kind: kind, edge: edge)].map {
        model.evaluate(weights: weights, alphas: alphas, without: $0, batch: batch).loss
      }
      #expect(found == [operation.loss, all.loss] && Set(found + [plain.loss]).count == 3)
    }
  }

  @Test("what is removed is the operation alone: the loss without it is none that a softmax over the others gives")
  func isNotNormalised() throws {
    let network = TinySupernet(space: .s2, channels: 12)
    let (model, alphas, batch) = (try network.model(), network.alphas(), network.images())
    let weights = model.makeInitialWeights(seed: 3)
    var masked = alphas
    masked.normal[2, 0] = ArchitectureParameters.Matrix.offLogit
    let removed = model.evaluate(
      weights: weights, alphas: alphas, without: .operation(kind: 0, edge: 2, column: 0), batch: batch)
    #expect(removed.loss != model.evaluate(weights: weights, alphas: masked, batch: batch).loss)
  }

  @Test("removing none changes no bit, since it gives nothing", arguments: [SearchSpace.s3, .s5, .nb201])
  func none(space: SearchSpace) throws {
    let network = TinySupernet(space: space, channels: 12, imageSize: 12)
    let (model, alphas, batch) = (try network.model(), network.alphas(), network.images())
    let weights = model.makeInitialWeights(seed: 3)
    let whole = model.evaluate(weights: weights, alphas: alphas, batch: batch)
    for (kind, edges) in space.operations.candidates.enumerated() {
      let column = try #require(edges[1].firstIndex(of: .none))
      let found = model.evaluate(
        weights: weights, alphas: alphas, without: .operation(kind: kind, edge: 1, column: column), batch: batch)
      #expect(found.loss.bitPattern == whole.loss.bitPattern && found.correct == whole.correct)
    }
  }
}
