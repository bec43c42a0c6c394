import ArgumentParser
import Diagnosis
import Search

/// Where the lines are drawn, as flags.
struct ThresholdFlags: ParsableArguments {
  /// Rules of early stopping that have a name.
  enum EigenvalueRule: String, CaseIterable, ExpressibleByArgument {
    case paper
    case code

    static let allValueDescriptions = [
      "paper": "RobustDARTS, §4.3: every epoch, 5 eigenvalues, 5 back, 0.75, and its code's start, epoch 10",
      "code": "that of its public code: every second epoch, 5 eigenvalues, 4 back, 1/1.3, from epoch 10 on",
    ]

    func apply(to thresholds: inout CollapseThresholds) {
      if self == .code { thresholds.earlyStopping = .robustDARTSCode }
    }
  }

  @Option(help: "Edges of a derived cell, of 8, that have to be skip connections, or without weights.")
  var edges = CollapseThresholds().edges
  @Option(help: "Raise that number until at most this part of random architectures has as many.")
  var chance = CollapseThresholds().chance
  @Option(help: "Least mean margin of their mixing weights over other operations.")
  var margin = CollapseThresholds().margin
  @Option(help: "Epochs that a collapse has to last, the last one included.")
  var persistence = CollapseThresholds().persistence
  @Option(help: "Part of the epochs since its beginning in which it has to show.")
  var share = CollapseThresholds().share
  @Option(help: "Where the defaults of the next five are from.")
  var eigenvalueRule = EigenvalueRule.paper
  @Option(help: "Epochs from one eigenvalue to the next. Default: 1; with --log what the log has.")
  var eigenvalueEvery: Int?
  @Option(help: "Eigenvalues of the moving average. Default: 5.")
  var eigenvalueWindow: Int?
  @Option(help: "k: eigenvalues from one average to the other; 0 for the window. Default: 0.")
  var eigenvalueDistance: Int?
  @Option(help: "Ratio of averaged eigenvalues k apart below which the loss is sharp. Default: 0.75.")
  var eigenvalueRatio: Double?
  @Option(help: "Epochs after the warm-up before the earlier of the two. Default: \(EarlyStopping.defaultStart).")
  var eigenvalueStart: Int?
  @Option(help: "Loss of the derived cells above the supernet's, in nats, that counts as destructive.")
  var gap = CollapseThresholds().gap
  @Option(help: "Rank correlation with the true loss below which L₁ or L₂ has left it.")
  var agreement = CollapseThresholds().agreement

  var values: CollapseThresholds {
    var result = CollapseThresholds()
    (result.edges, result.chance, result.margin) = (edges, chance, margin)
    (result.persistence, result.share) = (persistence, share)
    (result.gap, result.agreement) = (gap, agreement)
    eigenvalueRule.apply(to: &result)
    if let eigenvalueEvery { result.eigenvalueEvery = eigenvalueEvery }
    if let eigenvalueWindow { result.eigenvalueWindow = eigenvalueWindow }
    if let eigenvalueDistance { result.eigenvalueDistance = eigenvalueDistance }
    if let eigenvalueRatio { result.eigenvalueRatio = eigenvalueRatio }
    if let eigenvalueStart { result.eigenvalueStart = eigenvalueStart }
    return result
  }

  /// The thresholds for a log, whose own spacing of eigenvalues counts where nothing else says it.
  func values(for log: SearchLog) -> CollapseThresholds {
    var result = values
    if eigenvalueEvery == nil, eigenvalueRule == .paper, let spacing = log.runs.compactMap(\.eigenvalueSpacing).min() {
      result.eigenvalueEvery = spacing
    }
    return result
  }
}
