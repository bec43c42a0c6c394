import ClosedFormSupport
import Compute
import Figures
import Formats
import Foundation
import Plots
import Problems
import Studies
import TestSupport
import Testing

@Suite("Figures of spectra of ω") struct WeightSpectrumFigureTests {
  private func spectrum(
    _ epochs: [Int?], in folder: OutputFolder, starts: Int = 2, origin: [(key: String, value: String)] = []
  ) throws {
    let problem = CountingProblem(try quadratic(noise: 0.3))
    _ = try WeightSpectrumRun(
      problem: problem,
      checkpoints: epochs.map { epoch in .init(name: "one", epoch: epoch) { (problem.makeInitialWeights(), smallAlphas()) }
      },
      settings: WeightSpectrumSettings(eigenvalues: 3, probes: 4, densitySteps: 7, densityStarts: starts, batches: 2)
    ).run(in: folder, origin: origin)
  }

  @Test("the density is drawn on a logarithmic axis with the eigenvalues marked, and is the folder's main figure")
  func density() throws {
    let scratch = try ScratchFolder()
    let folder = try OutputFolder.create(at: scratch.file("out"))
    try spectrum([4], in: folder)
    let plot = Plot(try PlotFolder(folder.path))
    #expect(plot.folder.kinds.map(\.name) == ["density", "eigenvalues"])
    let kind = try #require(PlotKind(named: "density"))
    let figure = try #require(try plot.figure(kind) as? LinePanels)
    let panel = figure.panels[0]
    #expect(panel.yScale == .logarithmic && panel.yRange?.lowerBound == 1e-7)
    #expect(panel.xLabel == "eigenvalue of ∇^{2}_{ω} L" && panel.series.count == 1)
    let curve = try CSVTable(readingFrom: folder.file("spectrum-curve.csv"))
    #expect(panel.series[0].x == (try curve.doubles("eigenvalue")))
    #expect(panel.series[0].y == (try curve.doubles("density").map { max($0, 1e-7) }))
    // V has the eigenvalues 1, four times, and 2: of several equal ones Lanczos' process finds one.
    #expect(panel.references.map(\.label) == ["λ_{1}", "", "λ_{min}"])
    #expect(close(panel.references.map(\.value), [2, 1, 1], .absolute(1e-5)))
    #expect(figure.title == "Hessian eigenvalues of the validation loss in ω")
    #expect(figure.caption.contains { $0.contains("2 random starts, 7 steps") && $0.contains("2 validation batches") })
    #expect(figure.caption.contains { $0.hasPrefix("Trace ") })
    let files = try Plot.writeBeside(folder.path, formats: [.png, .svg])
    #expect(files == ["png", "svg"].map { folder.file("density.\($0)") })
  }

  @Test("a figure says that the network is a derived one, whose settings name no space") func derived() throws {
    let scratch = try ScratchFolder()
    let folder = try OutputFolder.create(at: scratch.file("out"))
    try spectrum(
      [nil], in: folder,
      origin: [
        ("checkpoint", "\"runs/best.pt\""), ("genotype", "\"Genotype(…)\""), ("channels", "36"), ("layers", "20"),
        ("seed", "2"),
      ])
    let kind = try #require(PlotKind(named: "density"))
    let figure = try #require(try Plot(try PlotFolder(folder.path)).figure(kind) as? LinePanels)
    #expect(figure.title == "Hessian eigenvalues of the validation loss in ω around best.pt of a derived network")
    #expect(figure.caption.first == "Derived network, 36 channels, 20 cells, seed 2.")
  }

  @Test("several checkpoints are a line each, and without a density the eigenvalues are the main figure") func others()
    throws
  {
    let scratch = try ScratchFolder()
    let (several, none) = (try OutputFolder.create(at: scratch.file("a")), try OutputFolder.create(at: scratch.file("b")))
    try spectrum([0, 1, 2, 3, 4, 5, 6], in: several)
    try spectrum([nil], in: none, starts: 0)
    let plot = Plot(try PlotFolder(several.path))
    let kinds = (try #require(PlotKind(named: "density")), try #require(PlotKind(named: "eigenvalues")))
    let density = try #require(try plot.figure(kinds.0) as? LinePanels)
    #expect(
      density.panels[0].series.map(\.label) == ["1 epoch", "2 epochs", "3 epochs", "4 epochs", "5 epochs", "6 epochs"])
    #expect(density.panels[0].references.isEmpty && density.caption.contains("The last 6 of 7 checkpoints."))
    let eigenvalues = try #require(try plot.figure(kinds.1) as? LinePanels)
    #expect(eigenvalues.panels.map(\.yLabel) == ["eigenvalue of ∇^{2}_{ω} L", "trace of ∇^{2}_{ω} L"])
    #expect(eigenvalues.title == "Curvature of the validation loss in ω by epoch")
    #expect(try PlotFolder(none.path).kinds.map(\.name) == ["eigenvalues"])
  }
}
