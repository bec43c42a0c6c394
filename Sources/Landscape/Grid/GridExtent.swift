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

/// How far a grid is to reach along its two directions, as it is asked for: `1`, `1,0.5`, `-0.2:1.2,-1:1`, `auto`, `auto,0.5`, `path`.
public struct GridReach: Equatable, Sendable {
  /// The reach along one direction.
  public enum Side: Equatable, Sendable {
    /// As far as a coordinate either way.
    case about(Double)
    /// From one coordinate to another.
    case between(Double, Double)
    /// The least about the centre that holds the paths.
    case automatic
    /// The least that holds the paths, wherever they lie.
    case path

    init?(text: Substring) {
      switch text {
      case "auto": self = .automatic
      case "path": self = .path
      default:
        let bounds = text.split(separator: ":", omittingEmptySubsequences: false).map { Double($0) }
        guard let first = bounds[0] else { return nil }
        switch bounds.count {
        case 1: self = .about(first)
        case 2:
          guard let second = bounds[1] else { return nil }
          self = .between(first, second)
        default: return nil
        }
      }
    }

    var needsPaths: Bool { self == .automatic || self == .path }
  }

  public var x: Side
  public var y: Side
  /// Whether both are one reach, so that an automatic one makes a square.
  public var isSquare: Bool

  public init(_ both: Side) { (x, y, isSquare) = (both, both, true) }

  public init(x: Side, y: Side) { (self.x, self.y, isSquare) = (x, y, false) }

  /// One number for both; nil for the smallest square about the centre that holds the paths.
  public init(_ both: Double?) { self.init(both.map(Side.about) ?? .automatic) }

  /// The same for each direction.
  public init(x: Double?, y: Double?) {
    self.init(x: x.map(Side.about) ?? .automatic, y: y.map(Side.about) ?? .automatic)
  }

  static let forms = "a positive finite number, bounds such as -0.2:1.2, auto or path; or two of them with a comma between"

  /// - Throws: `InputError` for what is none of the forms, or more than two of them. Whether a number is a range is for the grid to
  ///   say.
  public init(parsing text: String, setting: String = "range") throws {
    let sides = text.split(separator: ",", omittingEmptySubsequences: false).map { Side(text: $0) }
    guard (1...2).contains(sides.count), let x = sides[0], let y = sides[sides.count - 1] else {
      throw InputError("not a range", at: .setting(setting), found: "'\(text)'", wanted: Self.forms)
    }
    if sides.count == 1 { self.init(x) } else { self.init(x: x, y: y) }
  }

  public var isAutomatic: Bool { x.needsPaths || y.needsPaths }

  /// The grid that reaches so far.
  ///
  /// - Parameters:
  ///   - paths: what automatic reaches hold.
  ///   - setting: what the size belongs to, for messages.
  /// - Throws: `InputError` where there is no path, or none that extends that way, and where a number is no range or a size none.
  public func grid(
    _ size: GridSize, holding paths: TrajectoryProjection? = nil, setting: String = "grid"
  ) throws -> LandscapeGrid {
    let sides = try [x, y].enumerated().map { direction, side -> Side in
      guard side.needsPaths else { return side }
      guard let paths else {
        throw InputError(
          "needs a path in a plane", at: .setting("range"), found: side == .path ? "path" : "auto",
          wanted: "numbers, or the trajectory of a run in a plane (kind grid)")
      }
      guard side == .path else {
        return .about(try isSquare ? paths.enclosingRange() : paths.enclosingRange(along: direction))
      }
      let bounds = try isSquare ? paths.enclosingSquare()[direction] : paths.enclosingBounds(along: direction)
      return .between(bounds.lowerBound, bounds.upperBound)
    }
    func axis(_ side: Side, _ size: Int) throws -> LandscapeGrid.Axis {
      switch side {
      case .about(let range): return try .init(size: size, range: range, setting: setting)
      case .between(let lower, let upper):
        guard lower < upper else {
          throw InputError(
            "not a range", at: .setting("range"), found: "\(lower):\(upper)", wanted: "a smaller number before a larger one")
        }
        return try .init(size: size, bounds: lower...upper, setting: setting)
      case .automatic, .path: return try .init(size: size, range: 1, setting: setting)
      }
    }
    return LandscapeGrid(x: try axis(sides[0], size.x), y: try axis(sides[1], size.y))
  }
}

extension LandscapeGrid {
  public var extent: GridSize { GridSize(x: x.size, y: y.size) }

  /// The reach as settings have it: one for both axes, a plain number where that is all, else in quotes.
  var rangeText: String {
    let texts = [x.rangeText, y.rangeText]
    if texts[0] == texts[1] { return x.bounds == nil ? texts[0] : JSONText.quoted(texts[0]) }
    return JSONText.quoted(texts.joined(separator: ","))
  }
}
