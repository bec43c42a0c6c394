import Formats
import Foundation

/// A user's table of what every architecture of a space reaches when it is trained, such as that of NAS-Bench-201: accuracies by
/// text. The project brings none.
///
/// A CSV file has a column of texts and columns of numbers. A JSON file has an object (or a list) of entries, each known by its
/// text: as its key, or as one of its strings; numbers may lie deeper, `cifar10.test_accuracy`, and of a list of numbers the last
/// counts, that of the last epoch.
public struct ArchitectureTable: Equatable, Sendable {
  public let path: String
  /// Which numbers of the table these are.
  public let column: String
  /// By the text of an architecture (`Genotype.line`).
  public let values: [String: Double]
  private let ranked: [Double]

  /// - Parameter column: which numbers to take; nil where there is but one column of them.
  /// - Throws: `InputError` where the file is no such table, has no such column or several to choose from.
  public init(readingFrom path: String, column: String? = nil) throws {
    let entries = path.hasSuffix(".json") ? try Self.entries(json: path) : try Self.entries(csv: path)
    guard !entries.isEmpty else {
      throw InputError(
        "no table of architectures", at: .file(path), found: "no text such as |op~0|+|op~0|op~1|+|op~0|op~1|op~2|",
        wanted: "one in each row or entry")
    }
    let columns = Set(entries.flatMap(\.numbers.keys)).sorted()
    guard let chosen = column ?? (columns.count == 1 ? columns[0] : nil), columns.contains(chosen) else {
      throw InputError(
        column == nil ? "several columns of numbers" : "no such column", at: .file(path),
        found: column ?? "\(columns.count)",
        wanted: columns.isEmpty ? "a column of numbers" : "one of \(columns.prefix(20).joined(separator: ", "))")
    }
    var values: [String: Double] = [:]
    for entry in entries {
      guard let value = entry.numbers[chosen] else { continue }
      guard values.updateValue(value, forKey: entry.text) == nil else {
        throw InputError("an architecture twice", at: .file(path), found: entry.text, wanted: "each once")
      }
    }
    self.path = path
    self.column = chosen
    self.values = values
    ranked = values.values.sorted(by: >)
  }

  /// What the table says of an architecture, and its place from the top: 1 plus the number of those with more.
  ///
  /// - Returns: nil for one that it does not have.
  public func entry(of genotype: Genotype) -> (value: Double, rank: Int, count: Int)? {
    values[genotype.line].map { value in
      (value, 1 + (ranked.firstIndex { $0 <= value } ?? ranked.count), ranked.count)
    }
  }

  private typealias Entry = (text: String, numbers: [String: Double])

  /// The text of an architecture in the form that genotypes print; nil for what is none.
  private static func text(_ string: String) -> String? {
    string.hasPrefix("|") ? try? Genotype(architecture: string).line : nil
  }

  private static func entries(csv path: String) throws -> [Entry] {
    let table = try CSVTable(readingFrom: path)
    return table.rows.compactMap { row in
      guard let text = row.lazy.compactMap({ Self.text($0) }).first else { return nil }
      let numbers = zip(table.columns, row).compactMap { name, cell in
        Double(cell).flatMap { $0.isFinite ? (name, $0) : nil }
      }
      return (text, Dictionary(numbers) { first, _ in first })
    }
  }

  private static func entries(json path: String) throws -> [Entry] {
    let content: Any
    do { content = try JSONSerialization.jsonObject(with: Data(FileBytes.read(path))) } catch let error as InputError {
      throw error
    } catch {
      throw InputError("not JSON", at: .file(path), found: error.localizedDescription, wanted: "a table of architectures")
    }
    if let list = content as? [Any] { return list.compactMap { entry($0, key: nil) } }
    return (content as? [String: Any] ?? [:]).compactMap { entry($1, key: $0) }
  }

  private static func entry(_ content: Any, key: String?) -> Entry? {
    var numbers: [String: Double] = [:]
    var text = key.flatMap { Self.text($0) }
    func visit(_ value: Any, _ place: [String]) {
      switch value {
      case let members as [String: Any]: for (name, member) in members { visit(member, place + [name]) }
      case let list as [Any]: if let last = list.last as? NSNumber { visit(last, place) }
      case let string as String: if text == nil { text = Self.text(string) }
      case let number as NSNumber where number.doubleValue.isFinite:
        numbers[place.isEmpty ? "value" : place.joined(separator: ".")] = number.doubleValue
      default: break
      }
    }
    visit(content, [])
    return text.map { ($0, numbers) }
  }
}
