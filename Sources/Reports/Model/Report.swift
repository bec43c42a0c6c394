import Cells
import Formats
import Foundation
import Search

/// Everything that folders of results tell, ready to be shown: a run, several, or a comparison, with the landscapes and
/// statistics found inside of them.
public struct Report: Sendable {
  public internal(set) var runs: [ReportRun] = []
  public internal(set) var comparisons: [ReportComparison] = []
  public internal(set) var suites: [ReportSuite] = []
  public internal(set) var landscapes: [ReportLandscape] = []
  public internal(set) var studies: [ReportStudy] = []
  public internal(set) var selections: [ReportSelection] = []
  /// Whether settings, command lines and versions are to be shown.
  public internal(set) var showsOrigin = true
  /// The folders that were asked for.
  public let paths: [String]
  /// Paths beside others of which nothing is to report.
  public private(set) var passedOver: [String] = []
  private var seen: Set<String> = []

  /// Levels of folders that are looked through below one that was asked for.
  private static let depth = 4

  /// Where files may be read.
  public enum Reach: Equatable, Sendable {
    /// Wherever links lead.
    case anywhere
    /// Only inside of this folder.
    case within(String)
  }

  /// What a user's table says of architectures, to be shown beside what was found.
  public var truth: ArchitectureTable?

  /// Reads folders.
  ///
  /// - Parameters:
  ///   - paths: of runs, comparisons, landscapes or statistics, or of folders that hold such.
  ///   - landscapes: further landscape folders.
  /// - Throws: `InputError` for a folder with nothing to report, and for a file that cannot be used.
  public init(reading paths: [String], landscapes: [String] = [], reach: Reach = .anywhere) throws {
    self.paths = paths
    let access: FolderAccess =
      switch reach {
      case .anywhere: .anywhere
      case .within(let folder): try FolderAccess(within: folder)
      }
    for path in paths {
      let trimmed = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
      let (before, isKnown) = (count, seen.contains(trimmed))
      let isFolder = try access.hasFolder(trimmed)
      if isFolder { try visit(trimmed, access, depth: Self.depth) }
      guard count > before || isKnown else {
        let isThere = FileManager.default.fileExists(atPath: path)
        // Patterns such as runs/* name what else lies there too.
        if isThere, paths.count > 1 {
          passedOver.append(path)
          continue
        }
        throw Self.nothing(at: path, isFolder ? "none of our results in it" : isThere ? "a file" : "no such folder")
      }
    }
    if count == 0, let first = passedOver.first { throw Self.nothing(at: first, "none of our results in any path") }
    for path in landscapes {
      guard try access.hasFile("\(path)/landscape.yaml") else {
        throw InputError(
          "not a landscape", at: .setting("landscape", being: path), found: "no landscape.yaml",
          wanted: "a folder of zarts landscape")
      }
      if seen.insert(path).inserted { self.landscapes.append(try ReportLandscape(path, access: access)) }
    }
  }

  private static func nothing(at path: String, _ found: String) -> InputError {
    InputError(
      "nothing to report on", at: .file(path), found: found,
      wanted: "a folder of zarts search, retrain, derive, compare, suite, landscape, fidelity, spectrum or estimators")
  }

  private var count: Int {
    runs.count + comparisons.count + suites.count + landscapes.count + studies.count + selections.count
  }

  /// Takes what a folder holds, and then what its subfolders do.
  private mutating func visit(_ path: String, _ access: FolderAccess, depth: Int) throws {
    guard seen.insert(path).inserted else { return }
    let isSuite = try access.hasFile("\(path)/suite.yaml")
    if try access.hasFile("\(path)/landscape.yaml") {
      landscapes.append(try ReportLandscape(path, access: access))
    } else if try access.hasFile("\(path)/compare.yaml") {
      comparisons.append(try ReportComparison(path, access: access))
    } else if isSuite {
      suites.append(try ReportSuite(path, access: access))
    } else if let selection = try ReportSelection(path, access: access) {
      selections.append(selection)
    } else if try access.hasFile("\(path)/config.yaml") {
      let run = try ReportRun(path, access: access)
      // A progressive search has no epochs of its own: its stages stand for it.
      if run.metrics != nil || !access.subfolders(of: path).contains(where: { $0.hasPrefix("stage-") }) { runs.append(run) }
    }
    for kind in ReportStudy.Kind.allCases {
      if let study = try ReportStudy(path, kind: kind, access: access) { studies.append(study) }
    }
    guard depth > 0 else { return }
    // What all runs of a comparison share is no run of its own, nor is what a choice was made by.
    let passedOver = ["checkpoints", "diagnosis", "warmups"] + (isSuite ? ["choices"] : [])
    // Nor is a round that a search went back over.
    let goesBack = try access.hasFile("\(path)/\(SearchRunFolder.rollBacksName)")
    for name in access.subfolders(of: path) where !passedOver.contains(name) {
      if goesBack, name.hasPrefix(SearchRunFolder.roundPrefix) { continue }
      try visit("\(path)/\(name)", access, depth: depth - 1)
    }
  }

  /// What the report is about, in a few words.
  public var title: String {
    if runs.count == 1, let run = runs.first {
      switch run.kind {
      case .search: return "\(run.settings["method"] ?? "search") on \(run.settings["space"] ?? "a space of its own")"
      case .retraining: return "Retraining of \(run.name)"
      }
    }
    let methods = runs.reduce(into: [String]()) { list, run in
      if let method = run.settings["method"], !list.contains(method) { list.append(method) }
    }
    let named = methods.isEmpty || methods.count > 4 ? nil : methods.joined(separator: ", ")
    if let suite = suites.first { return "Suite \(suite.name)" }
    if let comparison = comparisons.first {
      return "Comparison " + (named.map { "of \($0)" } ?? comparison.name)
    }
    if runs.count > 1 { return methods.count == 1 ? "\(runs.count) runs of \(methods[0])" : named ?? "\(runs.count) runs" }
    if landscapes.isEmpty, studies.isEmpty, let selection = selections.first { return "Selection \(selection.name)" }
    return landscapes.first.map { "Landscape \($0.name)" } ?? studies.first.map { "\($0.kind.rawValue) \($0.name)" }
      ?? "Report"
  }

  /// Labels that tell the runs apart: names of their folders, or their paths where two share a name.
  public var runLabels: [String] {
    let names = runs.map(\.label)
    return zip(names, runs).map { name, run in names.count { $0 == name } > 1 ? run.path : name }
  }
}
