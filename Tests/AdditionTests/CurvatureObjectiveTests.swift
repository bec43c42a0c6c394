import Cells
import ClosedFormSupport
import Compute
import Figures
import Formats
import Foundation
import Landscape
import Plots
import Problems
import Statistics
import Studies
import TestSupport
import Testing

@Suite("Eigenvalues of Hessians over planes and lines") struct CurvatureObjectiveTests {
  private static let curvatures = try? Objective.parse(list: "eigenvalue,convexity,alpha-eigenvalue")

  private func landscape(
    _ objectives: [Objective], kind: LandscapeSettings.Kind = .grid, batchNorm: BatchNormMode = .batch,
    validationBatches: Int = 1
  ) throws -> LandscapeRun<CountingProblem> {
    let problem = CountingProblem(try quadratic(noise: 0.3))
    let statistics = problem.makeInitialStatistics()
    return try LandscapeRun(
      problem: problem, weights: problem.makeInitialWeights(), velocity: nil, statistics: statistics, alphas: smallAlphas(),
      settings: .init(
        objectives: objectives, grid: .init(size: 3, range: 0.5), validationBatches: validationBatches, kind: kind,
        batchNorm: batchNorm))
  }

  @Test("they are read and written as lists and tables have them, and say what they are") func reading() throws {
    let objectives = try Objective.parse(list: "first,eigenvalue,eigenvalue:50,convexity,convexity:7,alpha-eigenvalue")
    #expect(
      objectives.map(\.label) == ["first", "eigenvalue", "eigenvalue:50", "convexity", "convexity:7", "alpha-eigenvalue"])
    for objective in objectives {
      #expect(Objective(name: objective.name, innerSteps: objective.innerSteps) == objective)
    }
    #expect(objectives[1] == .weightEigenvalue() && objectives[2] == .weightEigenvalue(products: 50))
    #expect(objectives[3] == .weightConvexity() && objectives[5] == .alphaEigenvalue)
    // The usual number of products, written out, is the same objective.
    #expect(try Objective.parse(list: "eigenvalue:30") == [.weightEigenvalue()])
    #expect(refusal { try Objective.parse(list: "eigenvalue:1") } == "setting objectives: '1' in 'eigenvalue:1'")
    #expect(refusal { try Objective.parse(list: "convexity:x") } == "setting objectives: 'x' in 'convexity:x'")
    #expect(refusal { try Objective.parse(list: "alpha-eigenvalue:3") } == "setting objectives: 'alpha-eigenvalue:3'")
    #expect(Objective.lossForms == "first, second, true:STEPS, random:EPS or adversarial:EPS")
    #expect(Objective(name: "eigenvalue", innerSteps: 3) == nil && Objective(name: "convexity:1", innerSteps: 0) == nil)
    #expect(objectives[0].quantity == .loss && objectives[0].quantity.label == "validation loss (nats)")
    #expect(objectives[1].quantity.label == "largest Hessian eigenvalue in ω")
    #expect(objectives[1].formula == "λ_{1}(∇^{2}_{ω} L)" && objectives[0].formula == "L_{1}(α)")
    #expect(objectives[1].quantity != objectives[3].quantity && objectives[1].quantity == objectives[2].quantity)
  }

  @Test("their products are in plans: on each validation batch, with a vector for each and four more") func plan() {
    let objectives: [Objective] = [.weightEigenvalue(products: 10)]
    #expect(objectives.cost == ObjectiveCost(losses: 1, vectors: 14, stepsPerBatch: 45))
    #expect(EvaluationWork(of: objectives, validationBatches: 3) == .init(forwards: 3, steps: 135))
    #expect(EvaluationWork(of: [.firstOrder], validationBatches: 3) == .init(forwards: 3, steps: 0))
    #expect(!objectives[0].takesSteps && objectives[0].trainingBatches == 0)
  }

  @Test("one Krylov space serves both ends, so both cost what one does; others of other numbers are added") func shared() {
    let both: [Objective] = [.weightEigenvalue(products: 10), .weightConvexity(products: 10)]
    #expect(both.cost == ObjectiveCost(losses: 1, vectors: 14, stepsPerBatch: 45))
    #expect(both.reversed().cost == both.cost)
    #expect(EvaluationWork(of: both, validationBatches: 3) == .init(forwards: 3, steps: 135))
    // 10 and 20 products, one space after the other: 24 vectors at most.
    let more = both + [.weightConvexity(products: 20)]
    #expect(more.cost == ObjectiveCost(losses: 2, vectors: 24, stepsPerBatch: 135))
    let apart: [Objective] = [.weightEigenvalue(products: 20), .weightConvexity(products: 10)]
    #expect(apart.cost == more.cost)
  }

  /// ∇²_ω L_val = V and ∇²_α L_val = D of the closed form, wherever the point lies.
  @Test("at every point of a plane they are the known ends of the spectrum, beside the accuracy there") func plane() throws {
    let scratch = try ScratchFolder()
    let folder = try OutputFolder.create(at: scratch.file("out"))
    let objectives = try #require(Self.curvatures) + [.firstOrder, .trueLoss(innerSteps: 2)]
    let run = try landscape(objectives, validationBatches: 2)
    let plane = try run.run(in: folder)
    let coefficients = try quadratic().coefficients
    func ends(_ matrix: DenseMatrix) throws -> (low: Double, high: Double) {
      let values = try SymmetricEigenproblem(
        (0..<matrix.rows).map { row in (0..<matrix.rows).map { matrix[row, $0] } }
      ).values
      return (values[0], values[values.count - 1])
    }
    let (weights, alphas) = (try ends(coefficients.validationCurvature), try ends(coefficients.alphaCurvature))
    let exact = [weights.high, weights.low / weights.high, alphas.high]
    for (objective, value) in zip(objectives, exact) {
      let samples = try #require(plane.samples[objective])
      #expect(samples.count == 9)
      for (index, sample) in samples.enumerated() {
        #expect(close(sample.loss, value, .relative(1e-5)), "\(objective.label)")
        #expect(sample.lossError == nil)
        #expect(sample.accuracy == plane.samples[.firstOrder]?[index].accuracy)
      }
    }
    // Of losses alone there is something to compare with the true loss.
    #expect(try CSVTable(readingFrom: folder.file("comparison.csv")).column("approximation") == ["first"])
    let arrays = try NPZFile(readingFrom: folder.file("landscape.npz"))
    #expect(arrays["value_eigenvalue"]?.shape == [3, 3] && arrays["value_alpha-eigenvalue"] != nil)
    #expect(arrays["loss_first"] != nil && arrays["loss_eigenvalue"] == nil)
  }

  @Test("a figure holds one quantity, under its own name, and says what else was sampled") func figures() throws {
    let scratch = try ScratchFolder()
    let (grid, lines) = (
      try OutputFolder.create(at: scratch.file("grid")), try OutputFolder.create(at: scratch.file("lines"))
    )
    let objectives: [Objective] = [.firstOrder, .weightEigenvalue(), .weightEigenvalue(products: 9), .weightConvexity()]
    _ = try landscape(objectives).run(in: grid)
    _ = try landscape(objectives, kind: .line).runAny(in: lines)
    let heatmap = try #require(PlotKind(named: "heatmap"))
    func figure(_ chosen: [Objective]?) throws -> LandscapeFigure {
      var plot = Plot(try PlotFolder(grid.path))
      plot.style.objectives = chosen
      return try #require(try plot.figure(heatmap) as? LandscapeFigure)
    }
    let losses = try figure(nil)
    #expect(losses.panels.map(\.title) == [Label("L_{1}(α)")] && losses.lossLabel == "validation loss (nats)")
    #expect(losses.caption.contains("Sampled too, for figures of their own: eigenvalue, eigenvalue:9, convexity."))
    let eigenvalues = try figure([objectives[1], objectives[2]])
    #expect(eigenvalues.panels.count == 2 && eigenvalues.title.hasPrefix("Largest Hessian eigenvalue in ω"))
    #expect(eigenvalues.lossLabel == "largest Hessian eigenvalue in ω")
    #expect(eigenvalues.caption.contains("Hessians over 1 validation batch."))
    #expect(try figure([objectives[3]]).lossLabel == "ratio of extreme eigenvalues in ω")
    let error = #expect(throws: InputError.self) { try figure([.firstOrder, objectives[3]]) }
    #expect(error?.problem == "no one scale for these" && error?.found == "first, convexity")

    var plot = Plot(try PlotFolder(lines.path))
    let kind = try #require(PlotKind(named: "lines"))
    let drawn = try #require(try plot.figure(kind) as? LinePanels)
    #expect(drawn.panels.allSatisfy { $0.yLabel == "validation loss (nats)" && $0.series.count == 1 })
    plot.style.objectives = [objectives[3]]
    let ratios = try #require(try plot.figure(kind) as? LinePanels)
    #expect(ratios.panels.allSatisfy { $0.yLabel == "ratio of extreme eigenvalues in ω" })
  }

  @Test("statistics other than the batches' and studies of losses refuse them") func refusals() throws {
    let scratch = try ScratchFolder()
    for objective in try #require(Self.curvatures) {
      let error = #expect(throws: InputError.self) {
        try landscape([objective], batchNorm: .running).run(in: OutputFolder.create(at: scratch.file(objective.label)))
      }
      #expect(error?.place == .setting("batch_norm") && error?.found == "running beside \(objective.label)")
    }
    let error = #expect(throws: InputError.self) {
      try FidelitySettings(
        objectives: [.weightEigenvalue(), .trueLoss(innerSteps: 2)], directions: 3, radii: [1], planePoints: 0,
        gradients: EstimatorSettings(
          innerSteps: [1], candidates: [2], sigmas: [0.2], repeats: 2, bootstrap: .init(replicates: 20)))
    }
    #expect(error?.place == .setting("objectives") && error?.found == "eigenvalue")
  }
}
