import ArgumentParser
import Supernet

/// The figures that `zarts plot` can draw, each from files of its own.
enum PlotKind: String, CaseIterable, ExpressibleByArgument {
  case heatmap, surface, lines, scatter, eigenvalues, estimators, curves, alphas

  /// The files that it needs, one of which is enough.
  var sources: [String] {
    switch self {
    case .heatmap, .surface: ["landscape.csv"]
    case .lines: ["lines.csv"]
    case .scatter: ["fidelity-samples.csv"]
    case .eigenvalues: ["spectrum.csv", "metrics.csv"]
    case .estimators: ["estimators.csv"]
    case .curves: ["metrics.csv"]
    case .alphas: [AlphaHistory.fileName]
    }
  }

  /// Name of the file of the figure, without its ending.
  var fileName: String {
    switch self {
    case .heatmap: "landscape"
    case .surface: "landscape-surface"
    case .lines: "lines"
    case .scatter: "fidelity"
    case .eigenvalues: "eigenvalues"
    case .estimators: "estimators"
    case .curves: "curves"
    case .alphas: "alphas"
    }
  }
}
