import Formats
import Foundation
import Search
import Supernet

/// Where a command finds a genotype: a search's run folder, a file, or the text itself.
enum GenotypeSource {
  /// - Throws: `SearchError.invalid` where there is none; `SupernetError` for text that is no genotype.
  static func read(_ source: String) throws -> Genotype {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: source, isDirectory: &isFolder) else {
      guard source.contains("(") || source.contains("{") else {
        throw SearchError.invalid(
          "no genotype", at: "--genotype", found: "'\(source)', which is neither a file nor a genotype",
          wanted: "a run folder, a file, or a line Genotype(normal=[…], …)")
      }
      return try Genotype(parsing: source)
    }
    if isFolder.boolValue {
      guard let genotype = try SearchRunFolder(existing: source).result()?.genotype else {
        throw SearchError.invalid(
          "no genotype", at: source, found: "no finished epoch", wanted: "the folder of a search that finished one")
      }
      return genotype
    }
    let text = try String(decoding: FileBytes.read(source), as: UTF8.self)
    let lines = text.split(whereSeparator: \.isNewline).map(String.init).filter {
      !$0.trimmingCharacters(in: .whitespaces).isEmpty
    }
    guard let last = lines.last else {
      throw SearchError.invalid("no genotype", at: source, found: "an empty file", wanted: "a genotype a line")
    }
    return try Genotype(parsing: text.first == "{" ? text : last)
  }
}
