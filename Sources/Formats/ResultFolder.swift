import Foundation

/// A folder that a command keeps results in, known by the file of its settings.
public struct ResultFolder: Equatable, Sendable {
  /// The command that makes such a folder.
  public enum Kind: String, CaseIterable, Sendable {
    case search, retrain, derive, select, compare, suite, landscape, fidelity, spectrum, estimators
  }

  public let path: String
  public let kind: Kind

  /// The folder at a path; nil where none of ours is there.
  public init?(_ path: String) {
    func holds(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(path)/\(name)") }
    if let kind = Kind.allCases.first(where: { $0.settingsName != "config.yaml" && holds($0.settingsName) }) {
      (self.path, self.kind) = (path, kind)
      return
    }
    // Many programs have a file of that name.
    guard holds("config.yaml"), let text = try? FileBytes.read("\(path)/config.yaml") else { return nil }
    let keys = Set(
      String(decoding: text, as: UTF8.self).split(separator: "\n").compactMap { line in
        line.firstIndex(of: ":").map { String(line[..<$0]) }
      })
    if keys.isSuperset(of: ["selection", "tune_epochs", "checkpoint"]) {
      (self.path, kind) = (path, .derive)
      return
    }
    guard keys.contains("dataset"), keys.contains("method") || keys.contains("genotype") else { return nil }
    (self.path, kind) = (path, keys.contains("method") ? .search : .retrain)
  }

  /// The result that a file at a path belongs to; nil where it stands in no folder of results.
  static func owner(of path: String) -> ResultFolder? {
    let folder = AtomicFile.split(path).folder
    if let result = ResultFolder(folder) { return result }
    // Through a link too.
    guard let real = canonical(folder) else { return nil }
    let (parent, name) = AtomicFile.split(real)
    return name == "checkpoints" ? ResultFolder(parent) : ResultFolder(real)
  }

  private static func canonical(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// Whether a file of that path is, or would be taken for, one of the result itself.
  func holds(_ path: String) -> Bool {
    let (folder, name) = AtomicFile.split(path)
    if let real = Self.canonical(folder), AtomicFile.split(real).name == "checkpoints" { return true }
    return kind.names.contains(name) || name == kind.settingsName || name == "journal.csv" || name.hasPrefix("diagnosis")
      || name.hasPrefix("events.out.tfevents.")
  }
}

extension ResultFolder.Kind {
  /// Files of settings, those that say the most of a folder first.
  package static var settingsNames: [String] {
    let names = allCases.map(\.settingsName)
    return names.filter { $0 != "config.yaml" } + ["config.yaml"]
  }

  /// The file that says what a folder holds.
  package var settingsName: String {
    switch self {
    case .search, .retrain, .derive: "config.yaml"
    case .select: "selection.yaml"
    case .compare: "compare.yaml"
    case .suite, .landscape, .fidelity, .spectrum, .estimators: "\(rawValue).yaml"
    }
  }

  /// Files of the result beside its settings; figures and pages are not among them, since other commands draw them again.
  fileprivate var names: Set<String> {
    switch self {
    case .search, .retrain: ["metrics.csv", "alphas.npy", "genotypes.txt", "genotype.txt", "log.txt"]
    case .derive:
      [
        "metrics.csv", "removals.csv", "removals-journal.csv", "search.yaml", "argmax.txt", "genotype.txt", "log.txt",
      ]
    case .select: ["selection.csv", "log.txt"]
    case .compare: ["comparison.csv", "comparison-summary.csv", "comparison-tests.csv", "log.txt"]
    case .suite: ["suite.csv", "suite-jobs.csv", "suite-estimate.csv", "suite.md", "suite.tex"]
    case .landscape:
      [
        "landscape.csv", "landscape.npy", "landscape.npz", "lines.csv", "comparison.csv", "refinement.csv",
        "refinement-journal.csv", "trajectory.csv", "paths.csv", "paths-journal.csv", "directions.safetensors",
      ]
    case .fidelity: ["fidelity.csv", "fidelity-samples.csv", "fidelity-plane.csv", "fidelity.txt"]
    case .spectrum:
      ["spectrum.csv", "spectrum-density.csv", "spectrum-curve.csv", "spectrum.npz", "eigenvectors.safetensors"]
    case .estimators: ["estimators.csv", "gradients.safetensors"]
    }
  }
}
