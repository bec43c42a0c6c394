import Cells
import Compute
import Formats
import Foundation
import Problems
import Search
import SearchSupport
import TestSupport
import Testing

/// Architectures drawn at random, and the baseline that keeps the best of them.
struct RandomSearchTests {
  private func sample(_ space: SearchSpace, _ index: Int) -> ArchitectureParameters {
    var stream = RandomStream(seed: 2, purpose: .test, index: index)
    return space.randomArchitecture(from: &stream)
  }

  /// The edges of a cell that were drawn, with the column of their operation.
  private func decided(_ cell: ArchitectureParameters.Matrix) -> [(edge: Int, column: Int)] {
    (0..<cell.rows).flatMap { row in
      (0..<cell.columns).filter { cell[row, $0] == 0 }.map { (row, $0) }
    }
  }

  @Test(arguments: SearchSpace.allCases)
  func drawnEdgesAreOneOperationAloneOthersAreOffAndTheGenotypeGivesThemBack(space: SearchSpace) throws {
    for index in 0..<50 {
      let alphas = sample(space, index)
      let genotype = try Genotype(alphas: alphas, space: space)
      for (index, derived) in genotype.cells.enumerated() {
        let (cell, candidates) = (alphas.matrices[index], space.operations.candidates[index])
        let weights = cell.softmaxRows().map(Float.init)
        let taken = decided(cell)
        #expect(taken.count == (space == .nb201 ? 6 : 8))
        let kept: [Int] = space == .nb201 ? [1, 2, 3] : [2, 2, 2, 2]
        for node in kept.indices {
          let edges = derived.kind.topology.edgesInto(node: node)
          #expect(taken.count(where: { edges.contains($0.edge) }) == kept[node])
        }
        for edge in 0..<cell.rows {
          let row = Array(weights[edge * cell.columns..<(edge + 1) * cell.columns])
          let column = taken.first { $0.edge == edge }?.column
          #expect(row == row.indices.map { $0 == column ? 1 : 0 }, "one operation alone, or nothing, in float32")
          #expect(cell.isOff(row: edge) == (column == nil))
        }
        let listed = zip(derived.rows, derived.edges.map(\.operation)).sorted { $0.0 < $1.0 }
        #expect(listed.map(\.0) == taken.map(\.edge))
        #expect(listed.map(\.1) == taken.map { candidates[$0.edge][$0.column] })
      }
    }
  }

  /// What the public code draws (darts_wrapper_discrete.py, lines 265–270): `np.random.choice(range(i + 2), 2, replace=False)`
  /// inputs of node i, so each of the 10 pairs of the last node is as likely; `np.random.choice(range(num_ops), 4)`, so the
  /// operations of a node's two edges are independent and each of 8, `none` among them: 64 pairs. By χ² of 9 and 63 degrees.
  @Test func drawsHaveTheDistributionOfThePublicCode() {
    var pairs: [Set<Int>: Int] = [:]
    var operations = [Int](repeating: 0, count: 64)
    let count = 6400
    for index in 0..<count {
      let taken = decided(sample(.s5, index).reduce)
      pairs[Set(taken.map(\.edge).filter { $0 >= 9 }), default: 0] += 1
      // The first node has no choice of edges.
      operations[8 * taken[0].column + taken[1].column] += 1
    }
    #expect(pairs.count == 10 && pairs.keys.allSatisfy { $0.count == 2 })
    func deviation(_ counts: [Int]) -> Double {
      let expected = Double(count) / Double(counts.count)
      return counts.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
    }
    // The 99.9 % quantiles.
    #expect(deviation(Array(pairs.values)) < 27.9)
    #expect(deviation(operations) < 103.4)
    #expect(SearchSpace.s5.normal[0].firstIndex(of: .none) == 0 && operations[0] > 0, "a node may have nothing at all")
  }

  @Test func eachStepTrainsWithinAnArchitectureOfItsOwn() throws {
    let problem = try quadratic()
    let optimiser = try RandomSearch(problem: problem, space: .s2, candidates: 3)
    func update(_ epoch: Int, _ step: Int, seed: UInt64 = 1) throws -> ArchitectureParameters {
      var alphas = problem.initialAlphas
      _ = try optimiser.update(
        &alphas,
        at: ArchitectureStep(
          weights: problem.makeVector(), velocity: problem.makeVector(), weightStep: WeightStep(), trainingBatches: [],
          validationBatch: problem.validationBatch(epoch: 0, step: 0), seed: seed, epoch: epoch, step: step))
      return alphas
    }
    let first = try update(0, 0)
    #expect(try update(0, 0) == first)
    #expect(try update(0, 1) != first)
    #expect(try update(1, 0) != first)
    #expect(try update(0, 0, seed: 2) != first)
    #expect(optimiser.interval == 1 && optimiser.updateCost == 0)
  }

  private func end(_ weights: ParameterVector, epoch: Int) -> EpochEnd {
    EpochEnd(weights: weights, seed: 4, epoch: epoch, steps: 6)
  }

  /// The architectures tried at the end of an epoch, by their definition.
  private func rivals(epoch: Int, count: Int) -> [ArchitectureParameters] {
    (0..<count).map { index in
      var stream = RandomStream(seed: 4, purpose: .candidates, epoch: epoch, step: 6, index: index)
      return SearchSpace.s2.randomArchitecture(from: &stream)
    }
  }

  @Test func epochEndsOnTheBestOfTheNewArchitecturesAndTheOldBest() throws {
    let base = try quadratic()
    let problem = ObservedProblem(base)
    let weights = state(of: base).weights
    let optimiser = try RandomSearch(problem: problem, space: .s2, candidates: 5)
    func loss(_ alphas: ArchitectureParameters) -> Double {
      base.evaluate(weights: weights, alphas: alphas, batch: base.validationSplitBatch(0)).loss
    }
    var alphas = problem.initialAlphas
    #expect(try optimiser.finishEpoch(&alphas, at: end(weights, epoch: 0)) == 0)
    let first = try #require(rivals(epoch: 0, count: 5).min { loss($0) < loss($1) })
    #expect(alphas == first && optimiser.incumbent == first)
    #expect(problem.evaluations == 5)
    #expect(problem.validationSplitBatches == 1, "a batch is made once for all of them")
    #expect(optimiser.epochEndCost == 2)
    for epoch in 1..<6 {
      let before = try #require(optimiser.incumbent)
      _ = try optimiser.finishEpoch(&alphas, at: end(weights, epoch: epoch))
      let best = try #require(([before] + rivals(epoch: epoch, count: 5)).min { loss($0) < loss($1) })
      #expect(alphas == best)
    }
    let again = alphas
    _ = try optimiser.finishEpoch(&alphas, at: end(weights, epoch: 5))
    #expect(alphas == again, "closing an epoch twice must be closing it once")
  }

  @Test func architecturesWithoutAFiniteLossDoNotCountAndNoneLeftIsAnError() throws {
    let base = try quadratic()
    let problem = ObservedProblem(base)
    let weights = state(of: base).weights
    let optimiser = try RandomSearch(problem: problem, space: .s2, candidates: 3)
    problem.interfere = { $0 == 1 ? 2 : .nan }
    var alphas = problem.initialAlphas
    #expect(try optimiser.finishEpoch(&alphas, at: end(weights, epoch: 0)) == 2)
    #expect(alphas == rivals(epoch: 0, count: 3)[1])
    problem.interfere = { _ in .infinity }
    let before = alphas
    let error = #expect(throws: Divergence.self) { try optimiser.finishEpoch(&alphas, at: end(weights, epoch: 1)) }
    #expect(error?.account.hasPrefix("no sampled architecture has a finite validation loss") == true)
    #expect(alphas == before)
  }

  @Test func exportedBestContinuesAndAMisshapenOneIsRefused() throws {
    let problem = try quadratic()
    let weights = state(of: problem).weights
    let whole = try RandomSearch(problem: problem, space: .s2, candidates: 3)
    #expect(whole.exportState().isEmpty)
    var alphas = problem.initialAlphas
    _ = try whole.finishEpoch(&alphas, at: end(weights, epoch: 0))
    let resumed = try RandomSearch(problem: problem, space: .s2, candidates: 3)
    try resumed.importState(from: TensorFile(path: "memory", metadata: [:], tensors: whole.exportState()))
    #expect(resumed.incumbent == whole.incumbent)
    let short = NamedTensor(name: "random.incumbent", shape: [3], values: .float32([1, 2, 3]))
    #expect(
      refusal {
        try resumed.importState(from: TensorFile(path: "memory", metadata: [:], tensors: [short]))
      }?.hasPrefix("memory: random.incumbent") == true)
    // An earlier version kept the mixture of edges that were not chosen.
    let mixture = NamedTensor(
      name: "random.incumbent", shape: [56], values: .float32((0..<56).map { $0 % 4 == 0 ? 128 : 0 }))
    #expect(
      refusal {
        try resumed.importState(from: TensorFile(path: "memory", metadata: [:], tensors: [mixture]))
      } == "memory: random.incumbent: no edge of the normal cell switched off")
    #expect(resumed.incumbent == whole.incumbent)
  }

  @Test func problemWithoutTheCellsOfTheSpaceIsRefused() throws {
    let error = #expect(throws: InputError.self) {
      try RandomSearch(problem: quadratic(space: .s2), space: .s6, candidates: 3)
    }
    #expect("\(try #require(error))".contains("s6"))
  }

  /// A linear preference for a few operations is easy to see; the best of 60 architectures must lie far above the average.
  @Test func runFindsAnArchitectureFarBetterThanTheAverage() throws {
    let folder = try ScratchFolder()
    let problem = try quadratic()
    var configuration = shortConfiguration(.random)
    (configuration.epochs, configuration.warmup, configuration.candidates) = (6, 0, 10)
    let files = try search(problem, configuration, in: folder.file("run"))
    let last = try SearchCheckpoint(readingFrom: files.checkpointPath(epoch: 6), for: problem)
    func loss(_ alphas: ArchitectureParameters) -> Double {
      problem.evaluate(weights: last.weights, alphas: alphas, batch: problem.validationSplitBatch(0)).loss
    }
    let best = loss(try #require(last.alphas))
    let others = (0..<200).map { loss(sample(.s2, $0)) }
    #expect(others.count { $0 < best } < 20)
    #expect(try files.genotypes().count == 6)
    #expect(try files.metrics().last?.validationLoss == best)
  }
}
