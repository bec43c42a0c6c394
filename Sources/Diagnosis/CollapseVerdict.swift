import Cells
import Foundation
import Landscape
import Search

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

  /// Where averaged eigenvalues grew by more than early stopping allows. Epochs are those of the search.
  public struct Sharpness: Equatable, Sendable {
    /// t.
    public let epoch: Int
    /// t − k, to which early stopping goes back.
    public let returned: Int
    /// λ̄(t − k) and λ̄(t).
    public let before: Double
    public let after: Double

    public var ratio: Double { before / after }
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
  /// Where the eigenvalues grew as early stopping forbids; nil where they did not or could not be judged.
  public let sharpness: Sharpness?
  /// Whether the eigenvalues were judged.
  public let judgesSharpness: Bool

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
    (sharpness, judgesSharpness) = Self.sharpness(moved, thresholds, &gaps)
    signs += Self.evidence(of: sharpness, thresholds) + Self.discretisation(moved, thresholds)
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

    /// Where α is not known, margins are left out.
    func holds(_ epoch: DiagnosisEpoch) -> Bool {
      let state = epoch.cell(cell)
      return kind.count(in: state) >= line
        && (epoch.alphaNorm == nil || (kind.margin(in: state) ?? 0) >= thresholds.margin)
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

  /// RobustDARTS' criterion, where every epoch has an eigenvalue, or every c-th from the first that has one on. A last epoch
  /// between two of them, which the code of RobustDARTS measures too, is left out as it is there.
  private static func sharpness(
    _ epochs: [DiagnosisEpoch], _ thresholds: CollapseThresholds, _ gaps: inout [String]
  ) -> (found: Sharpness?, isJudged: Bool) {
    guard !epochs.isEmpty else { return (nil, false) }
    let (rule, known) = (thresholds.earlyStopping, epochs.count { $0.eigenvalue != nil })
    let first = epochs.firstIndex { $0.eigenvalue != nil } ?? epochs.count
    let values = stride(from: first, to: epochs.count, by: rule.every).map { epochs[$0].eigenvalue }
    guard first < min(rule.every, epochs.count), values.allSatisfy({ $0 != nil }) else {
      let wanted = rule.every == 1 ? "all" : "one every \(rule.every) epochs"
      gaps.append("sharpness: \(known) of \(epochs.count) epochs have an eigenvalue, the moving average needs \(wanted)")
      return (nil, false)
    }
    let decision = rule.decision(of: values.compactMap(\.self), from: first).map {
      Sharpness(
        epoch: epochs[$0.epoch].epoch, returned: epochs[$0.returned].epoch, before: $0.before, after: $0.after)
    }
    return (decision, true)
  }

  private static func evidence(of sharpness: Sharpness?, _ thresholds: CollapseThresholds) -> [Evidence] {
    guard let sharpness else { return [] }
    return [
      Evidence(
        criterion: "eigenvalue", epoch: sharpness.epoch, value: sharpness.ratio, threshold: thresholds.eigenvalueRatio,
        account: "the averaged dominant eigenvalue went from \(short(sharpness.before)) around epoch "
          + "\(sharpness.returned) to \(short(sharpness.after)), a ratio of \(short(sharpness.ratio)), below "
          + "\(short(thresholds.eigenvalueRatio))")
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
    let rule = thresholds.earlyStopping
    let (half, back) = (rule.window / 2, rule.distance * rule.every)
    let moved = epochs.indices.filter { !epochs[$0].isWarmup }
    guard moved.count > (rule.window - 1) * rule.every else { return }
    for place in moved.indices {
      let around = (-half...half).map { place + $0 * rule.every }.filter(moved.indices.contains)
        .compactMap { epochs[moved[$0]].eigenvalue }
      guard around.count == rule.window else { continue }
      let mean = around.reduce(0, +) / Double(rule.window)
      epochs[moved[place]].smoothedEigenvalue = mean
      guard place >= back, let before = epochs[moved[place - back]].smoothedEigenvalue, mean > 0 else { continue }
      epochs[moved[place]].eigenvalueRatio = before / mean
    }
  }
}
