import Formats
import Foundation

/// A folder of `zarts fidelity`, `zarts spectrum` or `zarts estimators`: settings and tables of statistics.
public struct ReportStudy: Sendable {
  public enum Kind: String, CaseIterable, Sendable { case fidelity, spectrum, estimators }

  public let path: String
  public let name: String
  public let kind: Kind
  public internal(set) var settings: Settings?
  /// fidelity.csv, spectrum.csv or estimators.csv.
  public let table: CSVTable
  /// What the command printed, where it left that.
  public let text: String?

  /// nil where the folder has no such table.
  ///
  /// - Throws: `InputError` naming the file that cannot be used.
  init?(_ path: String, kind: Kind, access: FolderAccess) throws {
    guard let table = try access.table("\(path)/\(kind.rawValue).csv") else { return nil }
    self.path = path
    name = ReportRun.name(of: path)
    self.kind = kind
    self.table = table
    let yaml = "\(path)/\(kind.rawValue).yaml"
    settings = try access.hasFile(yaml) ? Settings(access.text(yaml), path: yaml) : nil
    let text = "\(path)/\(kind.rawValue).txt"
    self.text = try access.hasFile(text) ? access.text(text) : nil
  }
}

/// A folder of `zarts compare`: its tables; the runs in it stand among the report's runs.
public struct ReportComparison: Sendable {
  public let path: String
  public let name: String
  public internal(set) var settings: Settings?
  /// comparison.csv: a row a run.
  public internal(set) var runs: CSVTable?
  /// comparison-summary.csv and comparison-tests.csv.
  public internal(set) var summary: CSVTable?
  public internal(set) var tests: CSVTable?

  /// - Throws: `InputError` naming the file that cannot be used.
  init(_ path: String, access: FolderAccess) throws {
    self.path = path
    name = ReportRun.name(of: path)
    let yaml = "\(path)/compare.yaml"
    settings = try access.hasFile(yaml) ? Settings(access.text(yaml), path: yaml) : nil
    runs = try access.table("\(path)/comparison.csv")
    summary = try access.table("\(path)/comparison-summary.csv")
    tests = try access.table("\(path)/comparison-tests.csv")
  }
}

/// A folder of `zarts suite`: its tables; the runs in it stand among the report's runs.
public struct ReportSuite: Sendable {
  public let path: String
  public let name: String
  public internal(set) var settings: Settings?
  /// suite.csv: a row a method on a space and dataset.
  public internal(set) var cells: CSVTable?

  /// - Throws: `InputError` naming the file that cannot be used.
  init(_ path: String, access: FolderAccess) throws {
    self.path = path
    name = ReportRun.name(of: path)
    let yaml = "\(path)/suite.yaml"
    settings = try Settings(access.text(yaml), path: yaml)
    cells = try access.table("\(path)/suite.csv")
  }
}
