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
      A PATH is a folder of zarts landscape, fidelity, spectrum, estimators or search, or one of its tables. Draws every \
      figure that its files are there for, or the kinds named: \
      \(PlotKind.all.map { "\($0.name) (\($0.sources.joined(separator: " or ")))" }.joined(separator: ", ")). Paths of \
      trajectory.csv and paths.csv are drawn over landscapes. The same files and flags give the same bytes.
      """)

  @Argument(help: "Folders of results, or tables in them.")
  var paths: [String]
  @Option(help: ArgumentHelp("Figures to draw, with commas between. Default: all that fit.", valueName: "kinds"))
  var kind: String?
  @OptionGroup var options: PlotFlags
  @Option(help: ArgumentHelp("File formats: png, pdf, svg, with commas between. Default: png.", valueName: "list"))
  var format: String?
  @Option(
    help: ArgumentHelp(
      "Folder for the figures; or a file that ends in .png, .pdf or .svg, for one figure. Default: beside the tables.",
      valueName: "path"))
  var out: String?
  @OptionGroup var overwriting: OverwriteFlag

  package init() {}

  package func validate() throws {
    guard !paths.isEmpty else { throw ValidationError("PATH: found nothing, wanted a folder of results") }
    _ = try kinds()
    _ = try formats()
    if let out, outFormat == nil, !(out as NSString).pathExtension.isEmpty, !out.hasSuffix("/") {
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: out, isDirectory: &isFolder), isFolder.boolValue else {
        throw ValidationError(
          "--out: found \(out), wanted a file that ends in .png, .pdf or .svg, or a folder (a new one whose name has a dot "
            + "ends in /)")
      }
    }
    if outFormat != nil, format != nil {
      throw ValidationError("--format: found \(format ?? "") beside --out \(out ?? ""), wanted one of them")
    }
  }

  package func run() throws {
    let folders = try paths.map(PlotFolder.init)
    let (wanted, style) = (try kinds(), try options.style())
    var jobs: [(plot: Plot, kind: PlotKind)] = []
    for (path, folder) in zip(paths, folders) {
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
    if let out, let outFormat {
      guard jobs.count == 1 else {
        throw InputError(
          "holds one figure", at: .file(out, "--out"), found: jobs.map(\.kind.name).joined(separator: ", "),
          wanted: "one PATH and one --kind, or a folder")
      }
      let stem = (out as NSString).deletingPathExtension
      try require("\(stem).\(outFormat.rawValue)")
      for path in try jobs[0].plot.write(jobs[0].kind, to: stem, formats: [outFormat]) { print(path) }
      return
    }
    let formats = try formats()
    // A folder that is yet to be made holds nothing to replace.
    for job in jobs where out.map(FileManager.default.fileExists(atPath:)) ?? true {
      for format in formats { try require("\(stem(job.plot.folder, job.kind, of: folders)).\(format.rawValue)") }
    }
    if let out { try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true) }
    for job in jobs {
      for path in try job.plot.write(job.kind, to: stem(job.plot.folder, job.kind, of: folders), formats: formats) {
        print(path)
      }
    }
  }

  /// Before anything is drawn.
  private func require(_ path: String) throws {
    try FigureFile.output(of: Plot.maker, at: path).require(path, overwrite: overwriting.overwrite)
  }

  /// The path of a figure without its ending; figures of several folders in one carry the names of their own.
  private func stem(_ folder: PlotFolder, _ kind: PlotKind, of folders: [PlotFolder]) -> String {
    guard let out else { return folder.file(kind.fileName) }
    guard Set(folders.map(\.path)).count > 1 else { return "\(out)/\(kind.fileName)" }
    let name = URL(fileURLWithPath: folder.path).lastPathComponent
    // Folders of one name are told apart by their place in the command.
    let isShared = Set(folders.map(\.path).filter { URL(fileURLWithPath: $0).lastPathComponent == name }).count > 1
    let place = isShared ? "-\((folders.firstIndex { $0.path == folder.path } ?? 0) + 1)" : ""
    return "\(out)/\(name)\(place)-\(kind.fileName)"
  }

  private var outFormat: FigureFile.Format? {
    out.flatMap { FigureFile.Format(rawValue: ($0 as NSString).pathExtension.lowercased()) }
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

  private func formats() throws -> [FigureFile.Format] {
    try ListText.items(format ?? "png").map { word in
      guard let format = FigureFile.Format(rawValue: word) else {
        throw ValidationError("--format: found '\(word)', wanted png, pdf or svg, with commas between")
      }
      return format
    }.unique()
  }
}
