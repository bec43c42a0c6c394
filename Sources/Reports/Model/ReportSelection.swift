import Cells
import Formats
import Search

/// A folder of `zarts derive`.
public struct ReportSelection: Sendable {
  public let path: String
  public let name: String
  public internal(set) var settings: Settings?
  /// What tells the strength of an operation, in a word.
  public let rule: String
  /// By the argmax rule.
  public let argmax: Genotype
  /// nil before the selection is finished.
  public let selected: Genotype?
  /// removals.csv; nil before the first round is.
  public let removals: CSVTable?

  /// nil where there is no such folder.
  ///
  /// - Throws: `InputError` naming the file that cannot be used.
  init?(_ path: String, access: FolderAccess) throws {
    let argmaxPath = "\(path)/argmax.txt"
    guard try access.hasFile(argmaxPath), try access.hasFile("\(path)/search.yaml") else { return nil }
    self.path = path
    // Beside a run it has the name that all have.
    let parts = [AtomicFile.split(path).folder, path].map { ReportRun.name(of: $0) }
    name = parts[1] == "selection" ? parts.joined(separator: "/") : parts[1]
    let yaml = "\(path)/config.yaml"
    let settings = try Settings(access.text(yaml), path: yaml)
    rule = settings["selection"] ?? ProjectionSettings().selection.rawValue
    self.settings = settings
    func genotype(_ path: String) throws -> Genotype {
      let text = try access.text(path).split(separator: "\n").first.map(String.init) ?? ""
      return try InputError.naming(path) { try Genotype(parsing: text) }
    }
    argmax = try genotype(argmaxPath)
    let selectedPath = "\(path)/genotype.txt"
    selected = try access.hasFile(selectedPath) ? genotype(selectedPath) : nil
    removals = try access.table("\(path)/\(ProjectionFolder.tableName)")
  }
}
