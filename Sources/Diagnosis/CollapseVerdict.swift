import Cells
import Foundation
import Landscape

/// Whether a search has collapsed: since which epoch, and what says so.
public struct CollapseVerdict: Equatable, Sendable {
  public enum State: String, Sendable {
    /// The derived cells are full of skip connections or of operations without weights, and stay so.
    case collapsed
    /// They are not, but the loss has grown sharp, or they were for a while.
    case suspect
    case healthy = "not collapsed"
  }

  /// One criterion that was met.
  public struct Evidence: Equatable, Sendable {
    /// Such as `skips_normal`, `eigenvalue`, `gap`.
    public let criterion: String
    /// The first epoch that it holds from, counted from 1.
    public let epoch: Int
    /// What was found there, and where the line lies.
    public let value: Double
    public let threshold: Double
    /// In words.
    public let account: String
  }

  /// How far approximations were from the true loss at an epoch whose checkpoint was measured.
  public struct Agreement: Equatable, Sendable {
    public let epoch: Int
    public let found: [ObjectiveAgreement]
    /// Those below the threshold, such as `L1`.
    public let left: [String]

    /// Of an approximation; nil where it was not measured.
    public func of(_ objective: Objective) -> ObjectiveAgreement? { found.first { $0.objective == objective } }
  }

  public let state: State
  /// Since when, where collapsed: counted from 1.
  public let epoch: Int?
  /// What collapsed means, criteria that hold to the end.
  public let evidence: [Evidence]
  /// What goes with it or warns of it: sharpness, discretisation, collapses that passed.
  public let signs: [Evidence]
  /// At the last measured epoch up to the collapse, or at the end where there is none; nil without measurements.
  public let agreement: Agreement?
  /// What could not be judged, and why.
  public let gaps: [String]

  public var isCollapsed: Bool { state == .collapsed }

  /// - Parameters:
  ///   - epochs: in ascending order, without gaps.
  ///   - chance: of the search's candidates.
  public init(of epochs: [DiagnosisEpoch], chance: ChanceCounts, thresholds: CollapseThresholds) {
    let moved = epochs.filter { !$0.isWarmup }
    var (evidence, signs, gaps) = ([Evidence](), [Evidence](), [String]())
    for cell in chance.kinds {
      for kind in CollapseKind.allCases {
        guard
          let line = chance.threshold(for: kind, in: cell, least: thresholds.edges, chance: thresholds.chance)
        else {
          if chance.share(of: kind, in: cell, atLeast: cell.derivedEdgeCount) > thresholds.chance {
            gaps.append("\(kind.rawValue) of the \(cell.name) cell: a random cell of this space has nothing else")
          }
          continue
        }
        let criterion = Criterion(kind: kind, cell: cell, line: line, thresholds: thresholds)
        let holds = moved.map(criterion.holds)
        if let onset = Self.onset(holds, thresholds) {
          evidence.append(criterion.evidence(at: moved[onset], chance, "to the end"))
        } else if let passed = Self.longestSpell(holds), passed.count >= thresholds.persistence {
          let last = moved[passed.upperBound - 1].epoch
          signs.append(criterion.evidence(at: moved[passed.lowerBound], chance, "to epoch \(last) only"))
        }
      }
    }
    let begin = evidence.map(\.epoch).min()
    signs += Self.sharpness(moved, thresholds, &gaps) + Self.discretisation(moved, thresholds)
    self.evidence = evidence.sorted { $0.epoch < $1.epoch }
    self.signs = signs
    if moved.isEmpty { gaps.insert("no epoch after the warm-up", at: 0) }
    self.gaps = gaps
    epoch = begin
    agreement = Self.agreement(epochs, until: begin, thresholds)
    let isWarned = signs.contains { $0.criterion != "gap" }
    state = begin != nil ? .collapsed : isWarned ? .suspect : .healthy
  }

  /// The first epoch from which on a criterion holds to the end: it has to hold at both ends and in most epochs between.
  static func onset(_ holds: [Bool], _ thresholds: CollapseThresholds) -> Int? {
    guard holds.last == true else { return nil }
    return holds.indices.first { first in
      let spell = holds[first...]
      return holds[first] && spell.count >= thresholds.persistence
        && Double(spell.count { $0 }) >= thresholds.share * Double(spell.count)
    }
  }

  /// The longest unbroken spell in which a criterion held.
  static func longestSpell(_ holds: [Bool]) -> Range<Int>? {
    var (best, start): (Range<Int>?, Int?) = (nil, nil)
    for index in 0...holds.count {
      if index < holds.count, holds[index] {
        start = start ?? index
      } else if let first = start {
        if index - first > best?.count ?? 0 { best = first..<index }
        start = nil
      }
    }
    return best
  }

  private struct Criterion {
    let kind: CollapseKind
    let cell: CellKind
    let line: Int
    let thresholds: CollapseThresholds

    func holds(_ epoch: DiagnosisEpoch) -> Bool {
      let state = epoch.cell(cell)
      return kind.count(in: state) >= line && (kind.margin(in: state) ?? 0) >= thresholds.margin
    }

    func evidence(at epoch: DiagnosisEpoch, _ chance: ChanceCounts, _ end: String) -> Evidence {
      let count = kind.count(in: epoch.cell(cell))
      let what = kind == .skips ? "skip connections" : "operations without weights"
      let share = 100 * chance.share(of: kind, in: cell, atLeast: line)
      return Evidence(
        criterion: "\(kind.rawValue)_\(cell.name)", epoch: epoch.epoch, value: Double(count), threshold: Double(line),
        account: "\(count) of \(cell.derivedEdgeCount) edges of the \(cell.name) cell are \(what), \(end); random cells "
          + "have \(line) or more in \(String(format: "%.1f", share)) % of cases")
    }
  }

  /// RobustDARTS' criterion, where every epoch has an eigenvalue.
  private static func sharpness(
    _ epochs: [DiagnosisEpoch], _ thresholds: CollapseThresholds, _ gaps: inout [String]
  ) -> [Evidence] {
    let values = epochs.compactMap(\.eigenvalue)
    guard values.count == epochs.count else {
      gaps.append("sharpness: \(values.count) of \(epochs.count) epochs have an eigenvalue, the moving average needs all")
      return []
    }
    guard let decision = thresholds.earlyStopping.decision(of: values) else { return [] }
    let ratio = decision.before / decision.after
    return [
      Evidence(
        criterion: "eigenvalue", epoch: epochs[decision.epoch].epoch, value: ratio, threshold: thresholds.eigenvalueRatio,
        account: "the averaged dominant eigenvalue went from \(short(decision.before)) around epoch "
          + "\(epochs[decision.returned].epoch) to \(short(decision.after)), a ratio of \(short(ratio)), below "
          + "\(thresholds.eigenvalueRatio)")
    ]
  }

  /// The first measured epoch from which on discretisation costs too much at all of them.
  private static func discretisation(_ epochs: [DiagnosisEpoch], _ thresholds: CollapseThresholds) -> [Evidence] {
    let measured = epochs.compactMap { epoch in epoch.measurement.map { (epoch.epoch, $0) } }
    // A gap that is not a number is no small one.
    let spell = measured.reversed().prefix { !($0.1.gap < thresholds.gap) }
    guard let first = spell.last else { return [] }
    return [
      Evidence(
        criterion: "gap", epoch: first.0, value: first.1.gap, threshold: thresholds.gap,
        account: "the derived cells with the supernet's weights lose \(short(first.1.gap)) nats, "
          + "\(short(first.1.supernetLoss)) to \(short(first.1.genotypeLoss)), and \(thresholds.gap) or more ever since")
    ]
  }

  private static func agreement(
    _ epochs: [DiagnosisEpoch], until begin: Int?, _ thresholds: CollapseThresholds
  ) -> Agreement? {
    let measured = epochs.filter { $0.measurement?.agreements.contains { $0.bias != nil } ?? false }
    guard let place = measured.last(where: { $0.epoch <= begin ?? .max }) ?? measured.first,
      let found = place.measurement?.agreements
    else { return nil }
    return Agreement(
      epoch: place.epoch, found: found, left: found.filter { ($0.spearman ?? 1) < thresholds.agreement }.map(\.name))
  }

  static func short(_ value: Double) -> String {
    value.isFinite ? String(format: "%.4g", value) : "not finite"
  }
}

extension DiagnosisEpoch {
  /// Puts moving averages and ratios of the eigenvalues into epochs after the warm-up.
  static func smoothEigenvalues(_ epochs: inout [DiagnosisEpoch], _ thresholds: CollapseThresholds) {
    let (window, half) = (thresholds.eigenvalueWindow, thresholds.eigenvalueWindow / 2)
    let moved = epochs.indices.filter { !epochs[$0].isWarmup }
    guard moved.count >= window else { return }
    for place in moved.indices {
      let around = (place - half...place + half).filter(moved.indices.contains).compactMap { epochs[moved[$0]].eigenvalue }
      guard around.count == window else { continue }
      let mean = around.reduce(0, +) / Double(window)
      epochs[moved[place]].smoothedEigenvalue = mean
      guard place >= window, let before = epochs[moved[place - window]].smoothedEigenvalue, mean > 0 else { continue }
      epochs[moved[place]].eigenvalueRatio = before / mean
    }
  }
}
