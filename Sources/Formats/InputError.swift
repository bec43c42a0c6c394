/// Something in an input that cannot be used: what is wrong, where, what stood there and what would be right.
///
/// The one shape of what every room refuses. Rooms name files, settings and places in them; only the program knows flags.
public struct InputError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What is wrong, in few words.
  public var problem: String
  public var place: Place
  /// What stood there; nil where the problem says it.
  public var found: String?
  /// What would be right; nil where the problem says it.
  public var wanted: String?

  public init(_ problem: String, at place: Place, found: String? = nil, wanted: String? = nil) {
    (self.problem, self.place, self.found, self.wanted) = (problem, place, found, wanted)
  }

  /// `place: problem: found …, wanted …`.
  public var description: String {
    let details = [found.map { "found \($0)" }, wanted.map { "wanted \($0)" }].compactMap { $0 }
    return "\(place): \(problem)" + (details.isEmpty ? "" : ": " + details.joined(separator: ", "))
  }
}

extension InputError {
  /// Where something is wrong.
  public struct Place: Equatable, Sendable, CustomStringConvertible, ExpressibleByStringInterpolation {
    /// Path of a file or folder; nil where what is wrong came from elsewhere.
    public var file: String?
    /// A setting, as the files of settings spell it.
    public var setting: String?
    /// The tensor, column, line or byte of a file, the value of a setting; or the whole place in words.
    public var item: String?

    /// A file or folder, or something in it.
    public static func file(_ path: String, _ item: String? = nil) -> Place { Place(file: path, item: item) }

    /// A setting, of a file or given otherwise.
    ///
    /// - Parameter value: what it was set to, where the place is a part of that.
    public static func setting(_ key: String, being value: String? = nil, in file: String? = nil) -> Place {
      Place(file: file, setting: key, item: value)
    }

    /// A place that is neither of both.
    public static func words(_ text: String) -> Place { Place(item: text) }

    public init(stringLiteral text: String) { self = .words(text) }

    private init(file: String? = nil, setting: String? = nil, item: String? = nil) {
      (self.file, self.setting, self.item) = (file, setting, item)
    }

    /// The same in a file, where it is in none.
    public func within(_ file: String) -> Place { Place(file: self.file ?? file, setting: setting, item: item) }

    public var description: String {
      let named = setting.map { key in "setting \(key)" + (item.map { " \($0)" } ?? "") } ?? item
      return [file, named].compactMap { $0 }.joined(separator: ": ")
    }
  }

  /// - Parameters:
  ///   - setting: whose value is asked about, as the files of settings spell it.
  ///   - wanted: what would be right.
  /// - Throws: `InputError` that names the setting where its value is not right.
  package static func require(
    _ isRight: Bool, _ setting: String, _ found: some CustomStringConvertible, _ wanted: @autoclosure () -> String,
    _ problem: String = "value out of range"
  ) throws {
    guard isRight else { throw InputError(problem, at: .setting(setting), found: "\(found)", wanted: wanted()) }
  }

  /// Puts the name of a file before the places of what is wrong with its settings.
  package static func naming<Value>(_ file: String, _ body: () throws -> Value) throws -> Value {
    do {
      return try body()
    } catch var error as InputError {
      error.place = error.place.within(file)
      throw error
    }
  }
}
