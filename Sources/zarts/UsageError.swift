import ArgumentParser
import Compute
import Formats

/// Something wrong with the command line: the flag, what was found and what would be right. The program ends with 64.
struct UsageError: Error, CustomStringConvertible {
  private(set) var error: InputError

  /// - Parameter place: a flag; nil for the command line as a whole.
  init(_ problem: String, at place: String? = nil, found: String, wanted: String) {
    error = InputError(problem, at: .words(place ?? "command line"), found: found, wanted: wanted)
  }

  /// - Parameters:
  ///   - flag: that has to be given.
  ///   - wanted: what to give; nil for the flag.
  init(missing flag: String, wanted: String? = nil) {
    self.init("missing flag", found: "no \(flag)", wanted: wanted ?? flag)
  }

  /// What any room refuses of settings that no file gave; nil for an error of files, data or numbers.
  init?(_ error: any Error) {
    if let usage = error as? UsageError {
      self = usage
    } else if let error = error as? InputError, error.place.file == nil, error.place.setting != nil {
      self.error = error
    } else {
      return nil
    }
  }

  /// The same where a flag is what was wrong.
  init(_ error: InputError, of flag: String) {
    self.error = error
    let part = error.place.setting == nil && error.place.description != flag ? ": \(error.place)" : ""
    self.error.place = .words(flag + part)
  }

  var description: String { description(flags: "") }

  /// Rooms below name settings; a person gave flags.
  ///
  /// - Parameter help: of the command, which says whether it has a flag for a setting.
  func description(flags help: String) -> String {
    guard let setting = error.place.setting, let flag = FlagNames.flag(of: setting, in: help) else { return "\(error)" }
    var named = error
    named.place = .words(flag + (error.place.item.map { " \($0)" } ?? ""))
    return "\(named)"
  }
}

/// The flags of settings.
enum FlagNames {
  /// Those that are not spelt like their settings.
  private static let others = ["inner_learning_rate": "--inner-lr"]

  /// The flag of a setting, as flags are spelt.
  static func flag(of setting: String) -> String { others[setting] ?? "--" + setting.replacing("_", with: "-") }

  /// The same where a command has it; a list may have a flag for its only entry.
  static func flag(of setting: String, in help: String) -> String? {
    let flag = flag(of: setting)
    return [flag, flag.last == "s" ? String(flag.dropLast()) : flag].first {
      help.contains("\($0) ") || help.contains("\($0)\n")
    }
  }
}

/// What `body` finds wrong, other than with a file, is wrong with a flag.
///
/// - Throws: `UsageError` that begins with the flag; other errors as they are.
func usage<Value>(of flag: String, _ body: () throws -> Value) throws -> Value {
  do {
    return try body()
  } catch let error as UsageError {
    throw UsageError(error.error.problem, at: flag, found: error.error.found ?? "", wanted: error.error.wanted ?? "")
  } catch let error as InputError where error.place.file == nil {
    throw UsageError(error, of: flag)
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
