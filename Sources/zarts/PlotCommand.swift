import ArgumentParser
import Figures
import Formats
import Foundation
import Plots

extension FigureFile.Format: ExpressibleByArgument {}

package struct PlotCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "plot", abstract: "Draw figures again from result files, without computing anything.",
    discussion: """
      A PATH is a folder of zarts landscape, fidelity, spectrum, estimators or search, or one of its tables, or a surface \
      file of loss-landscape (.h5). Draws every figure that its files are there for, or the kinds named: \
      \(PlotKind.all.map { "\($0.name) (\($0.sources.joined(separator: " or ")))" }.joined(separator: ", ")). Paths of \
      trajectory.csv and paths.csv are drawn over landscapes. Planes and lines are handed on to other programs by --format: \
      \(PlotExport.all.map { "\($0.name) (\($0.summary))" }.joined(separator: ", ")). The same files and flags give the same \
      bytes.
      """)

  @Argument(help: "Folders of results, or tables in them.")
  var paths: [String]
  @Option(help: ArgumentHelp("Figures to draw, with commas between. Default: all that fit.", valueName: "kinds"))
  var kind: String?
  @OptionGroup var options: PlotFlags
  @Option(
    help: ArgumentHelp("File formats: \(PlotFormats.names), with commas between. Default: png.", valueName: "list"))
  var format: String?
  @Option(
    help: ArgumentHelp(
      "Folder for the files; or one file that ends in the name of a format. Default: beside the tables.", valueName: "path"))
  var out: String?
  @OptionGroup var overwriting: OverwriteFlag

  package init() {}

  package func validate() throws {
    guard !paths.isEmpty else { throw ValidationError("PATH: found nothing, wanted a folder of results") }
    _ = try kinds()
    let formats = try self.formats()
    if let out, PlotFormats(ending: out) == nil, !(out as NSString).pathExtension.isEmpty, !out.hasSuffix("/") {
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: out, isDirectory: &isFolder), isFolder.boolValue else {
        throw ValidationError(
          "--out: found \(out), wanted a file that ends in \(PlotFormats.endings), or a folder (a new one whose name has a "
            + "dot ends in /)")
      }
    }
    if out.flatMap(PlotFormats.init(ending:)) != nil, format != nil {
      throw ValidationError("--format: found \(format ?? "") beside --out \(out ?? ""), wanted one of them")
    }
    guard formats.figures.isEmpty else { return }
    let names = formats.exports.map(\.name).joined(separator: ",")
    if let kind {
      throw ValidationError("--kind: names a figure: found \(kind) with format \(names), wanted a format of figures")
    }
    if options.log || options.range != nil, !formats.exports.contains(where: \.hasHeights) {
      throw ValidationError(
        "\(options.log ? "--log" : "--range"): shapes figures and heights: found it with format \(names), which holds what was "
          + "measured, wanted a format of figures, or \(PlotExport.all.filter(\.hasHeights).map(\.name).joined(separator: ", "))"
      )
    }
  }

  package func run() throws {
    let folders = try paths.map(PlotFolder.init)
    let (wanted, style, formats) = (try kinds(), try options.style(), try self.formats())
    var jobs: [(plot: Plot, kind: PlotKind)] = []
    for (path, folder) in zip(paths, folders) where !formats.figures.isEmpty {
      let fitting = folder.kinds
      for kind in wanted ?? fitting {
        guard fitting.contains(where: { $0.name == kind.name }) else {
          throw InputError(
            "is not there to draw", at: .file(path, "--kind \(kind.name)"),
            found: fitting.map(\.name).joined(separator: ", "), wanted: kind.sources.joined(separator: " or "))
        }
        jobs.append((Plot(folder, style: style), kind))
      }
    }
    let contents = try content(of: folders, style, formats.exports)
    if let out, PlotFormats(ending: out) != nil {
      try writeOne(to: out, jobs, contents, formats)
      return
    }
    // A folder that is yet to be made holds nothing to replace.
    if out.map(FileManager.default.fileExists(atPath:)) ?? true {
      for job in jobs {
        for format in formats.figures { try require("\(stem(job.plot.folder, job.kind, of: folders)).\(format.rawValue)") }
      }
      for content in contents {
        for file in content.files {
          try content.export.output.require(
            "\(stem(content.folder, file.name + file.addition, of: folders)).\(content.export.name)",
            overwrite: overwriting.overwrite)
        }
      }
    }
    let isNew = out.map { !FileManager.default.fileExists(atPath: $0) } ?? false
    if let out { try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true) }
    do {
      try write(jobs, contents, formats, of: folders)
    } catch {
      // A folder that a refusal left empty was never asked for.
      if isNew, let out, (try? FileManager.default.contentsOfDirectory(atPath: out))?.isEmpty == true {
        try? FileManager.default.removeItem(atPath: out)
      }
      throw error
    }
  }

  private func write(
    _ jobs: [(plot: Plot, kind: PlotKind)], _ contents: [ExportedContent], _ formats: PlotFormats, of folders: [PlotFolder]
  ) throws {
    for job in jobs {
      for path in try job.plot.write(job.kind, to: stem(job.plot.folder, job.kind, of: folders), formats: formats.figures) {
        print(path)
      }
    }
    for content in contents {
      for file in content.files {
        let path = "\(stem(content.folder, file.name + file.addition, of: folders)).\(content.export.name)"
        try AtomicFile.write(file.bytes, to: path)
        print(path)
      }
      content.notes.forEach(remark)
    }
  }

  private typealias ExportedContent = (folder: PlotFolder, export: PlotExport, files: [PlotExport.File], notes: [String])

  /// All that is handed on to other programs, made before anything is written.
  private func content(
    of folders: [PlotFolder], _ style: PlotStyle, _ exports: [PlotExport]
  ) throws -> [ExportedContent] {
    try zip(paths, folders).flatMap { path, folder in
      try exports.map { export in
        guard export.fits(folder) else {
          throw InputError(
            "is not there to hand on", at: .file(path, "--format \(export.name)"),
            found: folder.kinds.map(\.name).joined(separator: ", "), wanted: export.sources.joined(separator: " or "))
        }
        let content = try Plot(folder, style: style).content(export)
        return (folder, export, content.files, content.notes)
      }
    }
  }

  /// The one figure or file that there is, at the path that was named, and beside it what belongs to it.
  private func writeOne(
    to out: String, _ jobs: [(plot: Plot, kind: PlotKind)], _ contents: [ExportedContent], _ formats: PlotFormats
  ) throws {
    let files = contents.flatMap(\.files)
    guard jobs.count + files.count(where: \.addition.isEmpty) == 1 else {
      let found = jobs.map(\.kind.name) + files.filter(\.addition.isEmpty).map(\.name)
      throw InputError(
        formats.figures.isEmpty ? "holds one file" : "holds one figure", at: .file(out, "--out"),
        found: found.joined(separator: ", "),
        wanted: formats.figures.isEmpty
          ? "one PATH and one --objective, or a folder" : "one PATH and one --kind, or a folder")
    }
    let stem = (out as NSString).deletingPathExtension
    if let job = jobs.first, let format = formats.figures.first {
      try require("\(stem).\(format.rawValue)")
      for path in try job.plot.write(job.kind, to: stem, formats: [format]) { print(path) }
    } else if let content = contents.first {
      func path(_ file: PlotExport.File) -> String { "\(stem)\(file.addition).\(content.export.name)" }
      for file in files { try content.export.output.require(path(file), overwrite: overwriting.overwrite) }
      for file in files {
        try AtomicFile.write(file.bytes, to: path(file))
        print(path(file))
      }
      content.notes.forEach(remark)
    }
  }

  /// Before anything is drawn.
  private func require(_ path: String) throws {
    try FigureFile.output(of: Plot.maker, at: path).require(path, overwrite: overwriting.overwrite)
  }

  /// The path of a figure without its ending; figures of several folders in one carry the names of their own.
  private func stem(_ folder: PlotFolder, _ kind: PlotKind, of folders: [PlotFolder]) -> String {
    stem(folder, folder.stem(of: kind.fileName), of: folders)
  }

  private func stem(_ folder: PlotFolder, _ fileName: String, of folders: [PlotFolder]) -> String {
    guard let out else { return folder.file(fileName) }
    guard Set(folders.map(\.path)).count > 1 else { return "\(out)/\(fileName)" }
    let name = URL(fileURLWithPath: folder.path).lastPathComponent
    // Folders of one name are told apart by their place in the command.
    let isShared = Set(folders.map(\.path).filter { URL(fileURLWithPath: $0).lastPathComponent == name }).count > 1
    let place = isShared ? "-\((folders.firstIndex { $0.path == folder.path } ?? 0) + 1)" : ""
    return "\(out)/\(name)\(place)-\(fileName)"
  }

  private func kinds() throws -> [PlotKind]? {
    try kind.map { list in
      try ListText.items(list).unique().map { word in
        guard let kind = PlotKind(named: word) else {
          throw ValidationError(
            "--kind: found '\(word)', wanted \(PlotKind.all.map(\.name).joined(separator: ", ")), with commas between"
          )
        }
        return kind
      }
    }
  }

  private func formats() throws -> PlotFormats {
    if let out, let format = PlotFormats(ending: out) { return format }
    return try ListText.items(format ?? "png").unique().reduce(into: PlotFormats()) { formats, word in
      guard let format = PlotFormats(named: word) else {
        throw ValidationError("--format: found '\(word)', wanted \(PlotFormats.names), with commas between")
      }
      formats.figures += format.figures
      formats.exports += format.exports
    }
  }
}

/// Formats of figures, and those of other programs.
struct PlotFormats {
  var figures: [FigureFile.Format] = []
  var exports: [PlotExport] = []

  init() {}

  /// nil where there is no format of that name.
  init?(named name: String) {
    figures = [FigureFile.Format(rawValue: name)].compactMap { $0 }
    exports = [PlotExport(named: name)].compactMap { $0 }
    if figures.isEmpty, exports.isEmpty { return nil }
  }

  /// nil where a path ends in no format's name.
  init?(ending path: String) { self.init(named: (path as NSString).pathExtension.lowercased()) }

  private static var all: [String] { FigureFile.Format.allCases.map(\.rawValue) + PlotExport.all.map(\.name) }

  /// `png, pdf, svg, vti`.
  static var names: String { all.joined(separator: ", ") }
  /// `.png, .pdf or .svg`.
  static var endings: String {
    let endings = all.map { ".\($0)" }
    return endings.dropLast().joined(separator: ", ") + " or " + (endings.last ?? "")
  }
}
