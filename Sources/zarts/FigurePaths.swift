import ArgumentParser
import Figures
import Formats
import Foundation

/// The flags of commands that write one figure in several formats, and beside it the table that it shows.
struct FigurePaths: ParsableArguments {
  @Option(help: ArgumentHelp("The figure; may be given several times. It ends in .png, .pdf or .svg.", valueName: "path"))
  var out: [String]
  @OptionGroup var overwriting: OverwriteFlag

  func validate() throws {
    guard !out.isEmpty else { throw ValidationError("--out: found nothing, wanted a path that ends in .png, .pdf or .svg") }
    if let twice = out.indices.first(where: { out[..<$0].contains(out[$0]) }) {
      throw ValidationError("--out: found \(out[twice]) twice, wanted each once")
    }
    for path in out where FigureFile.format(of: path) == nil {
      throw ValidationError("--out: found \(path), wanted a path that ends in .png, .pdf or .svg")
    }
  }

  /// The path of the table.
  var table: String { (out[0] as NSString).deletingPathExtension + ".csv" }

  /// All that is written.
  var text: String { (out + [table]).joined(separator: ", ") }

  /// Before anything is computed.
  ///
  /// - Throws: `InputError` where something is at one of the paths that the command did not make, unless `--overwrite`.
  func require(table kind: OutputFile, maker: String) throws {
    try kind.require(table, overwrite: overwriting.overwrite)
    for path in out {
      try FigureFile.output(of: maker, at: path).require(path, overwrite: overwriting.overwrite)
    }
  }
}
