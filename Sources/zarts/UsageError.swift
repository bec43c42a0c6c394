import ArgumentParser
import Cells
import Compute
import Datasets
import Formats
import Landscape
import Problems
import Statistics

/// Something wrong with the command line: the flag, what was found and what would be right. The program ends with 64.
struct UsageError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }

  /// An error of any room that names a flag or the command line; nil for one of files, data or numbers.
  init?(_ error: any Error) {
    let place: String? =
      switch error {
      case SearchError.invalid(_, let place, _, _): place
      case let error as LandscapeError: error.item
      case let error as StatisticsError: error.item
      case let error as DatasetError: error.source
      case let error as SupernetError: error.place
      case let error as FormatError: error.item
      case is UsageError, is ValidationError: "--"
      default: nil
      }
    guard let place, place == "command line" || place.hasPrefix("--") else { return nil }
    description = "\(error)"
  }

  /// An error of settings that came from flags: rooms below name the setting.
  ///
  /// - Parameter flags: settings that have flags of their names, as config.yaml has them.
  init?(ofSettings error: any Error, flags: [String]) {
    switch error {
    case SearchError.invalid, is LandscapeError, is StatisticsError, is SupernetError: break
    default: return nil
    }
    var text = "\(error)"
    for key in flags { text = text.replacing("setting \(key):", with: SearchFlags.flag(key) + ":") }
    for key in flags where text.hasPrefix("\(key):") { text = SearchFlags.flag(key) + text.dropFirst(key.count) }
    description = text
  }
}

/// What a library refuses in `body` was wrong on the command line.
///
/// - Parameter flags: settings that have flags of their names.
/// - Throws: `UsageError` in place of errors of settings; others as they are.
func usage<Value>(naming flags: [String] = [], _ body: () throws -> Value) throws -> Value {
  do {
    return try body()
  } catch {
    throw UsageError(error) ?? UsageError(ofSettings: error, flags: flags) ?? error
  }
}

/// What `body` finds wrong with the command line is wrong with a flag.
///
/// - Throws: `UsageError` that begins with the flag; other errors as they are.
func usage<Value>(of flag: String, _ body: () throws -> Value) throws -> Value {
  do {
    return try body()
  } catch {
    guard let found = UsageError(error)?.description else { throw error }
    let rest = found.hasPrefix("command line: ") ? String(found.dropFirst("command line: ".count)) : found
    throw UsageError(rest.hasPrefix(flag) ? rest : "\(flag): \(rest)")
  }
}

extension CountBounds {
  /// - Throws: `ValidationError` naming the flag where a count is given and out of bounds.
  func check(_ count: Int?, _ flag: String) throws {
    guard let count, !contains(count) else { return }
    throw ValidationError("\(flag): found \(count), wanted \(wanted)")
  }
}

/// Seconds from one line of progress to the next.
enum ReportInterval {
  static func check(_ seconds: Double) throws {
    guard (0...1e9).contains(seconds) else {
      throw ValidationError("--report-every: found \(seconds), wanted 0 or more seconds, 1e9 at most")
    }
  }
}
