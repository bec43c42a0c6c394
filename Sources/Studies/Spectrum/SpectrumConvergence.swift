import Formats
import Foundation

/// What a spectrum leaves open where Lanczos' process ended at its last product and not because its eigenvalues were found.
public enum SpectrumConvergence {
  /// Share of the largest magnitude by which a density may miss an end of the spectrum.
  public static let densityThreshold = 0.05

  /// A warning for each checkpoint whose eigenvalues have residuals above the tolerance.
  ///
  /// - Parameters:
  ///   - tolerance: of a residual, relative to the largest eigenvalue by magnitude.
  ///   - needsSmallest: whether the smallest eigenvalue is to be found too.
  public static func warnings(_ rows: [SpectrumRow], tolerance: Double, needsSmallest: Bool) -> [String] {
    byEpoch(rows).compactMap { epoch, rows in
      let quantities: [SpectrumRow.Quantity] = needsSmallest ? [.eigenvalue, .smallest] : [.eigenvalue]
      let scale = largest(of: rows)
      let open = rows.filter { quantities.contains($0.quantity) && !(($0.error ?? 0) <= tolerance * scale) }
      guard let worst = open.max(by: { ($0.error ?? 0) < ($1.error ?? 0) }), let error = worst.error else { return nil }
      let what = worst.quantity == .smallest ? "the smallest eigenvalue" : "eigenvalue \(worst.index)"
      return
        "warning: \(place(epoch)): Lanczos' process ended before \(open.count == 1 ? "an eigenvalue was" : "\(open.count) eigenvalues were") found: "
        + "\(what), \(number(worst.value)), with residual \(number(error)), wanted at most \(number(tolerance * scale)) "
        + "(a larger tolerance asks for less, fewer eigenvalues are found sooner)"
    }
  }

  /// A warning for each checkpoint whose density does not reach to an end of the spectrum.
  ///
  /// - Parameter density: `spectrum-density.csv`.
  /// - Throws: `InputError` where the table is not such a one.
  public static func densityWarnings(_ rows: [SpectrumRow], density: CSVTable) throws -> [String] {
    let (epochs, nodes) = (try density.optionalIntegers("epoch"), try density.doubles("node"))
    return byEpoch(rows).compactMap { epoch, rows in
      let mine = nodes.indices.filter { epochs[$0] == epoch }.map { nodes[$0] }
      guard let high = mine.max(), let low = mine.min(), let first = rows.first(where: { $0.quantity == .eigenvalue }),
        let last = rows.first(where: { $0.quantity == .smallest })
      else { return nil }
      let limit = densityThreshold * largest(of: rows)
      let missed = [(first.value, high), (last.value, low)].filter { abs($0 - $1) > limit }
      guard let (value, node) = missed.max(by: { abs($0.0 - $0.1) < abs($1.0 - $1.1) }) else { return nil }
      return
        "warning: \(place(epoch)): the density has not reached an end of the spectrum: the eigenvalue \(number(value)), its "
        + "outermost node \(number(node)) (warned above \(number(100 * densityThreshold)) % of the largest magnitude); more "
        + "density_steps reach further"
    }
  }

  private static func byEpoch(_ rows: [SpectrumRow]) -> [(epoch: Int?, rows: [SpectrumRow])] {
    let epochs = rows.reduce(into: [Int?]()) { if !$0.contains($1.epoch) { $0.append($1.epoch) } }
    return epochs.map { epoch in (epoch, rows.filter { $0.epoch == epoch }) }
  }

  private static func largest(of rows: [SpectrumRow]) -> Double {
    rows.filter { [.eigenvalue, .smallest].contains($0.quantity) }.map { abs($0.value) }.max() ?? 0
  }

  private static func place(_ epoch: Int?) -> String { epoch.map { "epoch \($0)" } ?? "the checkpoint" }
  private static func number(_ value: Double) -> String { String(format: "%.3g", value) }
}
