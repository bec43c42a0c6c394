import Figures
import Formats
import Foundation
import Landscape
import Runs
import Search

/// A folder of results that figures are drawn from: its tables, and the settings that say what they are of.
public struct PlotFolder {
  public let path: String
  /// The file that was named in place of the folder; nil for the folder.
  public let onlyFile: String?
  /// Keys and values of the folder's settings; empty where it holds none.
  public let settings: [String: String]
  /// Name and text of the file of the settings.
  private let source: (name: String, text: String)?
  /// The content of a surface file of loss-landscape that was named; nil for anything else.
  let surfaceFile: SurfaceFile?

  /// - Throws: `InputError` where there is no such folder, or it holds nothing that can be drawn.
  public init(_ named: String) throws {
    let trimmed = named.count > 1 && named.hasSuffix("/") ? String(named.dropLast()) : named
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: trimmed, isDirectory: &isFolder) else {
      throw InputError("there is no such folder or file", at: .file(named), wanted: Self.wanted)
    }
    if isFolder.boolValue {
      (path, onlyFile) = (trimmed, nil)
    } else {
      let url = URL(fileURLWithPath: trimmed)
      onlyFile = url.lastPathComponent
      path = trimmed.contains("/") ? (trimmed as NSString).deletingLastPathComponent : "."
    }
    let folder = path
    surfaceFile = try Self.isSurfaceFile(onlyFile) ? SurfaceFile(readingFrom: trimmed) : nil
    // What lies beside a file of another program says nothing of it.
    let name =
      surfaceFile != nil
      ? nil : ResultFolder.Kind.settingsNames.first { FileManager.default.fileExists(atPath: "\(folder)/\($0)") }
    source = try name.map { ($0, String(decoding: try FileBytes.read("\(folder)/\($0)"), as: UTF8.self)) }
    settings = source.map { Self.mapping($0.text) } ?? [:]
    guard !kinds.isEmpty else {
      if onlyFile == nil { try SearchRunFolder(existing: path).requireOneRun() }
      throw InputError(
        onlyFile == nil ? "holds nothing to draw" : "is nothing to draw", at: .file(named), wanted: Self.wanted)
    }
  }

  private static let wanted = "one of " + Set(PlotKind.all.flatMap(\.sources)).sorted().joined(separator: ", ")

  public func file(_ name: String) -> String { "\(path)/\(name)" }

  /// What was named: the folder or the file.
  var namedPath: String { onlyFile.map(file) ?? path }

  /// Among the sources of a kind, any surface file of loss-landscape.
  static let surfaceFiles = "*.h5"

  private static func isSurfaceFile(_ name: String?) -> Bool {
    name.map { name in [".h5", ".hdf5"].contains { name.lowercased().hasSuffix($0) } } ?? false
  }

  /// Whether a source of a kind is there, and is not another file than the one that was named.
  func offers(_ source: String) -> Bool {
    if source == Self.surfaceFiles { return surfaceFile != nil }
    return has(source) && (onlyFile == nil || onlyFile == source)
  }

  /// The name of a file of this folder without its ending; that of a surface file begins as the file does.
  public func stem(of name: String) -> String {
    guard surfaceFile != nil, let onlyFile else { return name }
    return "\((onlyFile as NSString).deletingPathExtension)-\(name)"
  }

  /// The same for exported planes.
  var stem: String {
    guard surfaceFile != nil, let onlyFile else { return "landscape" }
    return (onlyFile as NSString).deletingPathExtension
  }

  var text: PlotText { PlotText(folder: self) }

  /// The plane that the folder or file holds.
  ///
  /// - Throws: `InputError` where it is none, or lacks an objective that is asked for.
  func plane(_ style: PlotStyle) throws -> SampledPlane {
    guard let surfaceFile else { return try SampledPlane(self, objectives: style.objectives) }
    if let objectives = style.objectives {
      throw InputError(
        "not asked of a surface file", at: .setting("objective"),
        found: objectives.map(\.label).joined(separator: ", "), wanted: "none: all of its losses are taken")
    }
    guard !surfaceFile.plane.y.isEmpty else {
      throw InputError("is a line, not a plane", at: .file(namedPath), wanted: "xcoordinates and ycoordinates")
    }
    return surfaceFile.plane
  }

  func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name)) }

  /// What can be drawn: all that the files are there for. Eigenvalues of a run only where it measured any.
  public var kinds: [PlotKind] {
    PlotKind.all.filter { kind in
      kind.sources.contains { offers($0) && kind.fits(self, $0) }
    }
  }

  /// Where the figures come from: the settings word for word, but for absolute paths, and how to draw the figure again.
  func metadata(_ kind: PlotKind, _ style: PlotStyle) -> FigureMetadata {
    metadata(["--kind", kind.name], style)
  }

  /// The same of what `zarts plot` makes by other words.
  func metadata(_ words: [String], _ style: PlotStyle) -> FigureMetadata {
    let command = ["zarts", "plot", surfaceFile.flatMap { _ in onlyFile } ?? "."] + words + style.words
    var metadata = FigureMetadata(
      configSHA256: source.map { SHA256.hexadecimal(of: $0.text.utf8) }, seed: settings["seed"].flatMap { UInt64($0) },
      checkpoint: settings["checkpoint"].map { PrivatePath.shortened($0) },
      command: command.map(Provenance.shellQuoted).joined(separator: " "), maker: Plot.maker)
    if let source { metadata.entries.append(.init("Settings", PrivatePath.withoutAbsolute(source.text))) }
    return style.file.kept(metadata)
  }

  /// The entries of a flat YAML mapping as this program writes it: a key, a value, perhaps in quotes, perhaps a comment.
  static func mapping(_ text: String) -> [String: String] {
    var result: [String: String] = [:]
    for line in text.split(separator: "\n") where !line.hasPrefix("#") && !line.hasPrefix(" ") {
      guard let colon = line.firstIndex(of: ":") else { continue }
      var value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
      if value.hasPrefix("\"") {
        guard let json = try? JSONText(parsing: Array(quotedPart(value).utf8)[...]), case .string(let plain) = json else {
          continue
        }
        value = plain
      } else if let comment = value.range(of: " #") {
        value = value[..<comment.lowerBound].trimmingCharacters(in: .whitespaces)
      }
      if value != "null" { result[String(line[..<colon])] = value }
    }
    return result
  }

  /// A text in quotes up to their end.
  private static func quotedPart(_ value: String) -> String {
    var isEscaped = false
    for index in value.indices.dropFirst() {
      if value[index] == "\"", !isEscaped { return String(value[...index]) }
      isEscaped = value[index] == "\\" && !isEscaped
    }
    return value
  }
}

extension CSVTable {
  /// The cells of a column as numbers; NaN where one is empty.
  func numbersOrGaps(_ name: String) throws -> [Double] { try optionalDoubles(name).map { $0 ?? .nan } }

  /// The objective of each row.
  func objectives() throws -> [Objective] {
    let (names, steps) = (try column("objective"), try integers("inner_steps", RunBounds.objectiveSteps))
    return try names.indices.map { row in
      guard let objective = Objective(name: names[row], innerSteps: steps[row]) else {
        throw InputError(
          "unknown objective", at: .file(path, "row \(row + 1)"), found: "\(names[row]) with \(steps[row]) inner steps",
          wanted: Objective.forms)
      }
      return objective
    }
  }

  /// - Throws: `InputError` where there are no rows.
  func requireRows() throws {
    if rows.isEmpty { throw InputError("holds no rows", at: .file(path), wanted: "at least one") }
  }
}

/// Values without repetition, in the order in which they come first.
extension Sequence where Element: Hashable {
  package func unique() -> [Element] {
    var seen: Set<Element> = []
    return filter { seen.insert($0).inserted }
  }
}
