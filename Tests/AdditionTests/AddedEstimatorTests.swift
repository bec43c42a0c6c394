import Cells
import ClosedFormSupport
import Compute
import Formats
import Landscape
import Problems
import Search
import SearchSupport
import Statistics
import Studies
import TestSupport
import Testing

/// `Signum.swift` is a method that the package doesn't have: its estimators are studied by that file alone.
@Suite struct AddedEstimatorTests {
  private let step = WeightStep(learningRate: 0.1, momentum: 0.9, weightDecay: 0.01, gradientClip: 1e6)

  private func settings(_ list: String) throws -> EstimatorSettings {
    try EstimatorSettings(
      estimators: StudiedEstimator.parse(list: list), innerSteps: [2], candidates: [2, 3], sigmas: [0.3], repeats: 2,
      step: step, seed: 11, bootstrap: Bootstrap(method: .percentile, replicates: 20, seed: 1))
  }

  private func cosine(_ a: [Double], _ b: [Double]) -> Double {
    func inner(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    return inner(a, b) / (inner(a, a) * inner(b, b)).squareRoot()
  }

  private func signs(_ values: [Double]) -> [Double] { values.map { $0 == 0 ? 0 : $0 > 0 ? 1 : -1 } }

  @Test("The estimators of an added method are listed and read where it is known, and nowhere else")
  func list() throws {
    let names = ["darts1", "darts2", "difference", "darts1-difference", "rs", "pairs", "mgs", "gld"]
    #expect(StudiedEstimator.allCases.map(\.rawValue) == names)
    #expect(StudiedEstimator.usual.map(\.rawValue) == ["darts1", "darts2", "difference", "rs", "mgs", "gld"])
    #expect(StudiedEstimator.ofFidelity.map(\.rawValue) == ["darts1", "darts2", "difference", "rs", "mgs"])
    let unknown = #expect(throws: InputError.self) { try StudiedEstimator.parse(list: "signum") }
    #expect(unknown?.place == .setting("estimators") && unknown?.found == "'signum'")
    #expect(unknown?.wanted == names.joined(separator: ", "))
    try SearchMethod.$guests.withValue([.signum]) { () throws in
      #expect(StudiedEstimator.allCases.map(\.rawValue) == names + ["signum", "zo-signum"])
      #expect(StudiedEstimator.usual.map(\.rawValue).suffix(2) == ["signum", "zo-signum"])
      #expect(try StudiedEstimator.parse(list: "zo-signum,rs") == [.zeroOrderSignum, .rs])
    }
  }

  @Test("A study holds the estimates of an added method against the reference, and counts what they take")
  func study() throws {
    try SearchMethod.$guests.withValue([.signum]) {
      let folder = try ScratchFolder()
      let problem = try quadratic()
      let (alphas, count) = (problem.initialAlphas, problem.initialAlphas.count)
      let run = EstimatorRun(
        problem: problem, weights: problem.makeInitialWeights(), velocity: nil, alphas: alphas,
        settings: try settings("signum,zo-signum"))
      let estimate = try run.estimate()
      // α itself, both sides of each coordinate, and two draws of three candidates; one gradient.
      #expect(estimate.points == 1 + 2 * count + 2 * 3 && estimate.gradients == EvaluationWork(steps: 1))
      let out = try OutputFolder.create(at: folder.file("out"))
      let rows = try run.run(in: out)
      func found(_ name: String, candidates: Int?) throws -> Double {
        try #require(
          rows.first { $0.estimator == name && $0.statistic == "cosine" && $0.candidates == candidates }
        ).value
      }
      let file = try TensorFile(readingFrom: out.file("gradients.safetensors"))
      let reference = try file.doubles("true.2", shape: [1, count])
      let first = signs(problem.firstOrderGradient(alphas: alphas.flat.map(Double.init)))
      #expect(try file.doubles("signum", shape: [1, count]) == first)
      #expect(abs(try found("signum", candidates: nil) - cosine(first, reference)) < 1e-12)

      let objective = Objective.trueLoss(innerSteps: 2)
      let evaluator = try ObjectiveEvaluator(
        problem: problem, weights: problem.makeInitialWeights(), step: step, epoch: 0, objectives: [objective])
      func loss(_ alphas: ArchitectureParameters) throws -> Double {
        try evaluator.evaluate([objective], at: alphas)[0].loss
      }
      let baseline = try loss(alphas)
      for candidates in [2, 3] {
        let cosines = try (0..<2).map { draw in
          var sum = [Double](repeating: 0, count: count)
          for candidate in 0..<candidates {
            var stream = RandomStream(seed: 11, purpose: .candidates, epoch: 0, step: draw, index: candidate)
            let direction = stream.unitVector(count)
            let slope = (try loss(alphas.moved(by: direction.map { 0.3 * $0 })) - baseline) / 0.3
            for index in 0..<count { sum[index] += slope * direction[index] }
          }
          return cosine(signs(sum), reference)
        }
        #expect(abs(try found("zo-signum", candidates: candidates) - (cosines[0] + cosines[1]) / 2) < 1e-12)
      }
      #expect(!rows.contains { $0.statistic == "acceptance" }, "neither would rather stay")
    }
  }

  @Test("An estimator that is the gradient of an objective names one that tables know")
  func objectives() {
    let named = StudiedEstimator.allCases.compactMap { $0.definition.objective(innerSteps: 3) }
    #expect(
      named.map { Objective(name: $0.name, innerSteps: $0.innerSteps) } == [
        .firstOrder, .secondOrder, .trueLoss(innerSteps: 3),
      ])
  }
}
