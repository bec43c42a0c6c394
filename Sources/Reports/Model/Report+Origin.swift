import Formats

extension Report {
  /// The same results without what says where and how they were made: no settings, command lines or versions are shown, and of
  /// absolute paths the ends alone.
  public func withoutOrigin() -> Report {
    var result = self
    result.showsOrigin = false
    for index in result.runs.indices { result.runs[index].settings = runs[index].settings.withoutPaths }
    for index in result.landscapes.indices {
      result.landscapes[index].settings = landscapes[index].settings.withoutPaths
      result.landscapes[index].trajectory = landscapes[index].trajectory?.withoutPaths
    }
    for index in result.suites.indices {
      result.suites[index].settings = nil
      result.suites[index].cells = suites[index].cells?.withoutPaths
    }
    for index in result.selections.indices { result.selections[index].settings = nil }
    for index in result.studies.indices { result.studies[index].settings = nil }
    for index in result.comparisons.indices {
      let comparison = comparisons[index]
      result.comparisons[index].settings = nil
      result.comparisons[index].runs = comparison.runs?.withoutPaths
      result.comparisons[index].summary = comparison.summary?.withoutPaths
      result.comparisons[index].tests = comparison.tests?.withoutPaths
    }
    return result
  }
}

extension CSVTable {
  fileprivate var withoutPaths: CSVTable {
    CSVTable(path: path, columns: columns, rows: rows.map { $0.map { PrivatePath.withoutAbsolute($0) } })
  }
}
