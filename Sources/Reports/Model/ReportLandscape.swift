import Formats
import Foundation
import Landscape

/// A folder of `zarts landscape`: a plane or lines through a checkpoint.
public struct ReportLandscape: Sendable {
  public let path: String
  public let name: String
  public internal(set) var settings: Settings
  /// One an objective of landscape.csv, in the order of the file; empty for lines.
  public let planes: [Plane]
  /// lines.csv; nil for a plane.
  public let lines: CSVTable?
  /// comparison.csv; nil where there is none.
  public let comparison: CSVTable?
  /// trajectory.csv: the way of runs through the plane.
  public internal(set) var trajectory: CSVTable?
  /// paths.csv: methods that were followed in the plane.
  public let paths: CSVTable?
  /// refinement.csv: further points of the plane.
  public let refinement: CSVTable?
  /// The command line that its figure was drawn with.
  public let command: String?

  /// The losses of one objective over the plane.
  public struct Plane: Equatable, Sendable {
    /// `first`, `second` or `true`.
    public let objective: String
    public let innerSteps: Int
    /// Coordinates along the first and the second direction as written, ascending.
    public let x: [String]
    public let y: [String]
    /// Loss and accuracy as written, by j (second direction) and i; empty for a point that is not there.
    public let losses: [[String]]
    public let accuracies: [[String]]

    /// M of a true loss; nil of every other objective.
    public var trueSteps: Int? { Objective(name: objective, innerSteps: innerSteps)?.trueSteps }

    public var name: String { ObjectiveName.text(objective, innerSteps) }
    var quantity: ObjectiveQuantity { ObjectiveName.quantity(objective, innerSteps) }

    public func loss(_ j: Int, _ i: Int) -> Double { Double(losses[j][i]) ?? .nan }

    /// The point of least loss.
    public var minimiser: (j: Int, i: Int)? {
      var best: (j: Int, i: Int, loss: Double)?
      for j in y.indices {
        for i in x.indices where loss(j, i).isFinite && loss(j, i) < best?.loss ?? .infinity { best = (j, i, loss(j, i)) }
      }
      return best.map { ($0.j, $0.i) }
    }
  }

  /// - Throws: `InputError` naming the file that cannot be used.
  init(_ path: String, access: FolderAccess) throws {
    self.path = path
    name = ReportRun.name(of: path)
    settings = try Settings(access.text("\(path)/landscape.yaml"), path: "\(path)/landscape.yaml")
    lines = try access.table("\(path)/lines.csv")
    comparison = try access.table("\(path)/comparison.csv")
    trajectory = try access.table("\(path)/trajectory.csv")
    paths = try access.table("\(path)/paths.csv")
    refinement = try access.table("\(path)/refinement.csv")
    // Until a landscape is finished its points stand in the journal.
    let points = try access.table("\(path)/landscape.csv") ?? (lines == nil ? access.table("\(path)/journal.csv") : nil)
    planes = try points.flatMap { $0.columns.contains("i") ? try Self.planes(of: $0) : nil } ?? []
    command =
      try access.hasFile("\(path)/landscape.png")
      ? PNGText.entry("Command", in: access.bytes("\(path)/landscape.png")) : nil
  }

  private static func planes(of table: CSVTable) throws -> [Plane] {
    let (i, j) = (try table.integers("i"), try table.integers("j"))
    let (x, y) = (try table.column("x"), try table.column("y"))
    let (names, steps) = (try table.column("objective"), try table.integers("inner_steps"))
    let (losses, accuracies) = (try table.column("loss"), try table.column("accuracy"))
    // What cannot be read as a number must not stand in a figure as one.
    for name in ["x", "y", "loss", "accuracy"] { _ = try table.doubles(name) }
    let largest = 2048
    guard i.allSatisfy((0..<largest).contains), j.allSatisfy((0..<largest).contains) else {
      throw InputError(
        "not a grid that can be shown", at: .file(table.path), found: "indices up to \(max(i.max() ?? 0, j.max() ?? 0))",
        wanted: "0 to \(largest - 1)")
    }
    let (columns, rows) = ((i.max() ?? -1) + 1, (j.max() ?? -1) + 1)
    var (xs, ys) = ([String](repeating: "", count: columns), [String](repeating: "", count: rows))
    var order: [Plane] = []
    var places: [String: Int] = [:]
    var values: [(loss: [[String]], accuracy: [[String]])] = []
    let blank = [[String]](repeating: [String](repeating: "", count: columns), count: rows)
    for row in i.indices {
      (xs[i[row]], ys[j[row]]) = (x[row], y[row])
      let key = "\(names[row]):\(steps[row])"
      let place: Int
      if let known = places[key] {
        place = known
      } else {
        place = values.count
        places[key] = place
        values.append((blank, blank))
        order.append(Plane(objective: names[row], innerSteps: steps[row], x: [], y: [], losses: [], accuracies: []))
      }
      values[place].loss[j[row]][i[row]] = losses[row]
      values[place].accuracy[j[row]][i[row]] = accuracies[row]
    }
    return zip(order, values).map { plane, values in
      Plane(
        objective: plane.objective, innerSteps: plane.innerSteps, x: xs, y: ys, losses: values.loss,
        accuracies: values.accuracy)
    }
  }
}

/// Objectives as figures write them.
enum ObjectiveName {
  /// "L₁", "L₂", "L₁₀"; a name that is not known stays as it is.
  static func text(_ objective: String, _ innerSteps: Int) -> String {
    Objective(name: objective, innerSteps: innerSteps)?.symbol ?? objective
  }

  /// What its values are; losses where the name is not known.
  static func quantity(_ objective: String, _ innerSteps: Int) -> ObjectiveQuantity {
    Objective(name: objective, innerSteps: innerSteps)?.quantity ?? .loss
  }

  /// What each is, in a few words.
  static func explanation(_ objective: String, _ innerSteps: Int) -> String {
    Objective(name: objective, innerSteps: innerSteps)?.account ?? ""
  }
}

/// Text entries of PNG files (PNG specification, third edition, §11.3.3).
enum PNGText {
  /// The uncompressed entry of a keyword; nil where the bytes are no PNG or have none.
  static func entry(_ keyword: String, in bytes: [UInt8]) -> String? {
    guard bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) else { return nil }
    var position = 8
    while position + 12 <= bytes.count {
      let length = bytes[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
      guard position + 12 + length <= bytes.count else { return nil }
      let type = String(decoding: bytes[position + 4..<position + 8], as: UTF8.self)
      let data = bytes[position + 8..<position + 8 + length]
      position += 12 + length
      guard type == "tEXt" || type == "iTXt", let end = data.firstIndex(of: 0),
        String(decoding: data[..<end], as: UTF8.self) == keyword
      else { continue }
      let rest = data[(end + 1)...]
      if type == "tEXt" {
        // Latin-1.
        return String(String.UnicodeScalarView(rest.map { Unicode.Scalar($0) }))
      }
      guard rest.count > 2, rest[rest.startIndex] == 0, let language = rest.dropFirst(2).firstIndex(of: 0),
        let translated = rest[(language + 1)...].firstIndex(of: 0)
      else { return nil }
      return String(decoding: rest[(translated + 1)...], as: UTF8.self)
    }
    return nil
  }
}
