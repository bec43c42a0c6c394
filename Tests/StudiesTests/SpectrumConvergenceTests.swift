import Formats
import Studies
import TestSupport
import Testing

@Suite("Spectra that Lanczos' process left open") struct SpectrumConvergenceTests {
  private func rows(_ epoch: Int?, largest: [(Double, Double)], smallest: (Double, Double)) -> [SpectrumRow] {
    largest.enumerated().map { SpectrumRow(epoch: epoch, .eigenvalue, index: $0 + 1, value: $1.0, error: $1.1) }
      + [SpectrumRow(epoch: epoch, .smallest, value: smallest.0, error: smallest.1)]
  }

  @Test("are warned of by the worst residual, where it is above the tolerance of the largest magnitude") func residuals() {
    let found = rows(3, largest: [(8, 0.007), (4, 0.008)], smallest: (-2, 0.001))
    #expect(SpectrumConvergence.warnings(found, tolerance: 1e-3, needsSmallest: true).isEmpty)
    let open = found + rows(5, largest: [(8, 0.007), (4, 0.5)], smallest: (-10, 0.02))
    let warnings = SpectrumConvergence.warnings(open, tolerance: 1e-3, needsSmallest: true)
    #expect(warnings.count == 1)
    #expect(warnings.first?.hasPrefix("warning: epoch 5: Lanczos' process ended before 2 eigenvalues were found: ") == true)
    #expect(warnings.first?.contains("eigenvalue 2, 4, with residual 0.5, wanted at most 0.01") == true, "\(warnings)")
    // The smallest counts where it is looked for.
    let low = rows(nil, largest: [(8, 0.001)], smallest: (-2, 0.1))
    #expect(SpectrumConvergence.warnings(low, tolerance: 1e-3, needsSmallest: false).isEmpty)
    #expect(
      SpectrumConvergence.warnings(low, tolerance: 1e-3, needsSmallest: true).first?
        .contains("the checkpoint: Lanczos' process ended before an eigenvalue was found: the smallest eigenvalue, -2, with")
        == true)
    // A Hessian of all columns has no residuals.
    let whole = [SpectrumRow(epoch: 1, .eigenvalue, value: 3), SpectrumRow(epoch: 1, .smallest, value: 1)]
    #expect(SpectrumConvergence.warnings(whole, tolerance: 1e-3, needsSmallest: true).isEmpty)
    // A residual that is no number is no eigenvalue found.
    let broken = rows(1, largest: [(8, .nan)], smallest: (0, 0))
    #expect(SpectrumConvergence.warnings(broken, tolerance: 1e-3, needsSmallest: true).count == 1)
  }

  @Test("are warned of where the nodes of a density stay away from an end") func density() throws {
    let found = rows(3, largest: [(8, 0)], smallest: (-2, 0)) + rows(4, largest: [(8, 0)], smallest: (-2, 0))
    let table = CSVTable(
      path: "spectrum-density.csv", columns: ["epoch", "start", "node", "weight"],
      rows: [
        // Within 5 % of 8 at both ends, over the two starts together.
        ["3", "1", "7.7", "0.5"], ["3", "1", "-1", "0.5"], ["3", "2", "5", "0.5"], ["3", "2", "-1.7", "0.5"],
        ["4", "1", "7.7", "0.5"], ["4", "1", "-1.5", "0.5"],
      ])
    let warnings = try SpectrumConvergence.densityWarnings(found, density: table)
    #expect(warnings.count == 1)
    #expect(
      warnings.first?.hasPrefix(
        "warning: epoch 4: the density has not reached an end of the spectrum: the eigenvalue -2, its outermost node -1.5")
        == true, "\(warnings)")
  }
}
