import Formats
import Foundation

/// How many points a grid has along its two directions, as in flags and settings: `51`, or `51x31`.
public struct GridSize: Equatable, Sendable {
  /// Along the first direction.
  public var x: Int
  /// Along the second direction.
  public var y: Int

  public init(x: Int, y: Int) { (self.x, self.y) = (x, y) }

  /// The size of a text; nil where it is none.
  public init?(text: String) {
    let parts = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard (1...2).contains(parts.count), let x = parts[0], let y = parts[parts.count - 1] else { return nil }
    self.init(x: x, y: y)
  }

  public var text: String { x == y ? "\(x)" : "\(x)x\(y)" }
}

/// How far a grid is to reach along its two directions, as it is asked for: `1`, `1,0.5`, `auto`, or `auto,0.5`.
public struct GridReach: Equatable, Sendable {
  /// Largest coordinates; nil for the least that holds the paths.
  public var x: Double?
  public var y: Double?
  /// Whether both are one number, so that an automatic one makes a square.
  public var isSquare: Bool

  /// One number for both; nil for the smallest square that holds the paths.
  public init(_ both: Double?) { (x, y, isSquare) = (both, both, true) }

  public init(x: Double?, y: Double?) { (self.x, self.y, isSquare) = (x, y, false) }

  static let forms = "a positive finite number, or auto; or two of them with a comma between"

  /// - Throws: `InputError` for what is neither a number nor `auto`, or more than two of them. Whether a number is a range is for
  ///   the grid to say.
  public init(parsing text: String, setting: String = "range") throws {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    let values = parts.map { $0 == "auto" ? nil : Double($0) }
    guard (1...2).contains(parts.count), zip(parts, values).allSatisfy({ $0 == "auto" || $1 != nil }) else {
      throw InputError("not a range", at: .setting(setting), found: "'\(text)'", wanted: Self.forms)
    }
    if parts.count == 1 { self.init(values[0]) } else { self.init(x: values[0], y: values[1]) }
  }

  public var isAutomatic: Bool { x == nil || y == nil }

  /// The grid that reaches so far.
  ///
  /// - Parameters:
  ///   - paths: what automatic reaches hold.
  ///   - setting: what the size belongs to, for messages.
  /// - Throws: `InputError` where there is no path, or none that extends that way, and where a number is no range or a size none.
  public func grid(
    _ size: GridSize, holding paths: TrajectoryProjection? = nil, setting: String = "grid"
  ) throws -> LandscapeGrid {
    guard !isAutomatic || paths != nil else {
      throw InputError(
        "needs a path in a plane", at: .setting("range"), found: "auto",
        wanted: "a number, or the trajectory of a run in a plane (kind grid)")
    }
    if isSquare {
      let range = try x ?? paths?.enclosingRange() ?? 1
      return LandscapeGrid(
        x: try .init(size: size.x, range: range, setting: setting),
        y: try .init(size: size.y, range: range, setting: setting))
    }
    return LandscapeGrid(
      x: try .init(size: size.x, range: x ?? paths?.enclosingRange(along: 0) ?? 1, setting: setting),
      y: try .init(size: size.y, range: y ?? paths?.enclosingRange(along: 1) ?? 1, setting: setting))
  }
}

extension LandscapeGrid {
  public var extent: GridSize { GridSize(x: x.size, y: y.size) }

  /// The reach as settings have it: one number for a square, else two in quotes.
  var rangeText: String { x.range == y.range ? "\(x.range)" : JSONText.quoted("\(x.range),\(y.range)") }
}
