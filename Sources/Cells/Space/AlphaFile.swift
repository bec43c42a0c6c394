import Formats
import Foundation

/// α of a file, in whatever form it is there: tensors (safetensors, `torch.save`), JSON, or tensors as PyTorch prints them.
///
/// JSON has α as nested lists by name. The released search of ZARTS writes it so, of softmaxed values
/// (vicFigure/ZARTS, cnn/train_search.py, 246–252: `results_of_7q/alpha/EPOCH.txt`), and its landscape scripts read the same file
/// as α before the softmax (cnn/loss_landscape/vis_loss_landscape.py, 71–74 and 321–325). DARTS
/// (cnn/train_search.py, 116–117), PC-DARTS (V100_python1.0/train_search.py, 120–121; train_search_imagenet.py, 163–164),
/// RobustDARTS (src/search/train_search.py, 141–142) and ZARTS (cnn/train_search.py, 220–221) print the softmaxed matrices, normal
/// then reduction, every epoch; of a log the last two count.
///
/// Where every row is a distribution, α = log p less the row's mean: softmax gives p back, and that is all that a network sees of α.
/// The constant that a row of the search's α had is lost; 0 is near it, since a gradient through softmax has no part along it, so that
/// it begins near 0 and only the optimiser's own scaling and weight decay move it. A p of 0 is read as `leastProbability`, or
/// as half a unit of the last decimal where numbers are printed with so many decimals. Other values are taken as α.
public struct AlphaFile: Sendable {
  /// α under its names; other tensors of the file too.
  public let file: TensorFile
  /// What was changed to read it.
  public let notes: [String]

  /// The least normal float32, below which a softmax in float32 loses digits and ends at 0.
  public static let leastProbability = Double(Float.leastNormalMagnitude)

  /// How far from 1 a row of a distribution may sum: four printed decimals of ten operations stay below it.
  private static let tolerance = 2e-3

  /// - Throws: `InputError` where the file cannot be read or holds no α; for texts also where a matrix is ragged, or some of its
  ///   rows are distributions and others aren't.
  public init(readingFrom path: String) throws {
    let start = try FileBytes.read(path, atMost: 40)
    if TorchFile.Format(start) != nil {
      let checkpoint = try TorchCheckpoint(readingFrom: path)
      (file, notes) = (checkpoint.file, checkpoint.notes)
    } else if Self.isText(path) {
      let text = try Self.read(path)
      let matrices =
        try text.isJSON ? Self.matrices(json: text.bytes, path: path) : Self.matrices(log: text.bytes, path: path)
      (file, notes) = try Self.file(of: matrices, path: path)
    } else {
      (file, notes) = (try TensorFile(readingFrom: path), [])
    }
  }

  /// Whether a file is a text with α in it: a JSON object with a name of α, or a log with a printed matrix.
  public static func isText(_ path: String) -> Bool {
    if isLongText(path) { return true }
    guard let text = try? read(path) else { return false }
    let content = String(decoding: text.bytes, as: UTF8.self)
    return text.isJSON
      ? ArchitectureParameters.tensorNames.contains { content.contains("\"\($0)\"") } : content.contains("tensor([[")
  }

  /// Most bytes of a text. The last matrices count, so a longer one is not read in part.
  private static let mostBytes = 1 << 28

  /// Whether it is more than `read` takes, and printable from the start: the error of that is then its.
  private static func isLongText(_ path: String) -> Bool {
    guard let size = try? FileBytes.size(path), size > mostBytes, let start = try? FileBytes.read(path, atMost: 64) else {
      return false
    }
    return start.allSatisfy { $0 >= 0x20 || [0x09, 0x0A, 0x0D].contains($0) }
  }

  private static func read(_ path: String) throws -> (bytes: [UInt8], isJSON: Bool) {
    let start = try FileBytes.read(path, atMost: 8)
    // Where safetensors has the length of its header, whose upper bytes are 0; texts have no such bytes.
    guard !start.contains(0) else { throw InputError("no text", at: .file(path)) }
    let size = try FileBytes.size(path)
    guard size <= mostBytes else {
      throw InputError(
        "too long a text", at: .file(path), found: "\(size) bytes",
        wanted: "at most \(mostBytes): the part of the log with the last epoch's matrices (tail -c)")
    }
    let bytes = try FileBytes.read(path)
    return (bytes, bytes.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) } == UInt8(ascii: "{"))
  }

  /// A matrix as it stands there, with what a 0 means.
  private struct Matrix {
    let name: String
    let rows: [[Double]]
    /// What p is at least.
    let floor: Double
  }

  private static func file(of matrices: [Matrix], path: String) throws -> (TensorFile, [String]) {
    func isDistribution(_ row: [Double]) -> Bool {
      row.allSatisfy { $0 >= 0 } && abs(row.reduce(0, +) - 1) <= tolerance
    }
    let rows = matrices.flatMap { matrix in matrix.rows.indices.map { (matrix, $0) } }
    let odd = rows.first { !isDistribution($0.0.rows[$0.1]) }
    let isSoftmaxed = odd == nil
    if let (matrix, row) = odd, rows.contains(where: { isDistribution($0.0.rows[$0.1]) }) {
      throw InputError(
        "neither α nor softmaxed α", at: .file(path, "\(matrix.name), row \(row)"),
        found: "a sum of \(matrix.rows[row].reduce(0, +)), where other rows sum to 1",
        wanted: "rows that are all distributions, or none")
    }
    let zeros = rows.reduce(0) { $0 + $1.0.rows[$1.1].count { $0 == 0 } }
    let tensors = matrices.map { matrix in
      let values = matrix.rows.flatMap { row -> [Float] in
        guard isSoftmaxed else { return row.map { Float($0) } }
        let logarithms = row.map { log(max($0, matrix.floor)) }
        let mean = logarithms.reduce(0, +) / Double(row.count)
        return logarithms.map { Float($0 - mean) }
      }
      return NamedTensor(name: matrix.name, shape: [matrix.rows.count, matrix.rows[0].count], values: .float32(values))
    }
    let floor = matrices.map(\.floor).min() ?? leastProbability
    let note =
      "\(path): its rows are softmaxed; α = log p about its mean"
      + (zeros == 0 ? "" : ", \(zeros) times of p = 0, taken as \(floor)")
    return (TensorFile(path: path, metadata: [:], tensors: tensors), isSoftmaxed ? [note] : [])
  }

  private static func checked(_ rows: [[Double]], name: String, path: String) throws -> [[Double]] {
    guard let width = rows.first?.count, width > 0, rows.allSatisfy({ $0.count == width }) else {
      let widths = Set(rows.map(\.count)).sorted().map(String.init).joined(separator: ", ")
      throw InputError(
        "not a matrix", at: .file(path, name), found: "\(rows.count) rows of \(widths.isEmpty ? "nothing" : widths) values",
        wanted: "[edges, operations]")
    }
    return rows
  }
}

// MARK: JSON

extension AlphaFile {
  private static func matrices(json bytes: [UInt8], path: String) throws -> [Matrix] {
    let json: JSONText
    do {
      json = try JSONText(parsing: bytes[...])
    } catch {
      throw InputError("not valid JSON", at: .file(path, "byte \(error.offset)"), found: error.problem)
    }
    guard case .object(let all) = json else { throw InputError("not a JSON object", at: .file(path)) }
    let fields = all.filter { ArchitectureParameters.tensorNames.contains($0.key) }
    guard !fields.isEmpty else {
      throw InputError(
        "no α", at: .file(path), found: "\(all.count) entries",
        wanted: [CellKind].darts.map(\.alphaName).joined(separator: ", "))
    }
    var seen: Set<String> = []
    return try fields.map { field in
      guard seen.insert(field.key).inserted else {
        throw InputError("α twice", at: .file(path, field.key), wanted: "it once")
      }
      func wrong(_ found: String) -> InputError {
        InputError("not a matrix", at: .file(path, field.key), found: found, wanted: "a list of lists of numbers")
      }
      guard case .array(let lines) = field.value else { throw wrong("no list") }
      let rows = try lines.map { line in
        guard case .array(let cells) = line else { throw wrong("an entry that is no list") }
        return try cells.map { cell in
          guard case .number(let text) = cell, let value = Double(text), value.isFinite else {
            throw wrong("an entry that is no finite number")
          }
          return value
        }
      }
      return Matrix(name: field.key, rows: try checked(rows, name: field.key, path: path), floor: leastProbability)
    }
  }
}

// MARK: Printed tensors

extension AlphaFile {
  private static func matrices(log bytes: [UInt8], path: String) throws -> [Matrix] {
    var printed: [[[String]]] = []
    var position = 0
    let opening = Array("tensor([[".utf8)
    while let start = find(opening, in: bytes, from: position) {
      let (rows, end) = texts(in: bytes, from: start + opening.count)
      guard let rows else {
        throw InputError(
          "a printed tensor without an end", at: .file(path, "byte \(start)"), wanted: "tensor([[…], […]])")
      }
      printed.append(rows)
      position = end
    }
    guard let last = printed.last else { throw InputError("no printed tensor", at: .file(path)) }
    let isOneKind = last.count == CellKind.nb201.topology.edges.count
    let names = (isOneKind ? [CellKind.nb201] : .darts).map(\.alphaName)
    guard printed.count.isMultiple(of: names.count) else {
      throw InputError(
        "an odd number of printed matrices", at: .file(path), found: "\(printed.count)",
        wanted: "of every epoch the normal cell's and the reduction cell's")
    }
    return try zip(names, printed.suffix(names.count)).map { name, rows in
      let numbers = try rows.map { row in
        try row.map { text in
          guard let value = Double(text), value.isFinite else {
            throw InputError("no finite number", at: .file(path, name), found: "'\(text)'")
          }
          return value
        }
      }
      return Matrix(name: name, rows: try checked(numbers, name: name, path: path), floor: floor(of: rows.joined()))
    }
  }

  /// Half a unit of the last decimal that is printed; numbers with an exponent have all their digits, and where none has a decimal
  /// (`1.`, `0.`) all are whole.
  private static func floor(of texts: some Sequence<String>) -> Double {
    let decimals = texts.compactMap { text -> Int? in
      guard !text.contains("e"), let point = text.firstIndex(of: ".") else { return nil }
      let count = text.distance(from: point, to: text.endIndex) - 1
      return count > 0 ? count : nil
    }
    return decimals.max().map { max(0.5 * pow(10, -Double($0)), leastProbability) } ?? leastProbability
  }

  private static func find(_ pattern: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
    var place = start
    while place + pattern.count <= bytes.count {
      if bytes[place] == pattern[0], bytes[place..<place + pattern.count].elementsEqual(pattern) { return place }
      place += 1
    }
    return nil
  }

  /// The numbers of each row, from behind the brackets that open a matrix to those that close it; nil where nothing does.
  private static func texts(in bytes: [UInt8], from start: Int) -> (rows: [[String]]?, end: Int) {
    var (rows, row, word, depth, place): ([[String]], [String], [UInt8], Int, Int) = ([], [], [], 2, start)
    func flush() {
      if !word.isEmpty { row.append(String(decoding: word, as: UTF8.self)) }
      word = []
    }
    while place < bytes.count {
      let byte = bytes[place]
      place += 1
      switch byte {
      case UInt8(ascii: "["):
        depth += 1
        guard depth == 2 else { return (nil, place) }
      case UInt8(ascii: "]"):
        flush()
        depth -= 1
        if depth == 0 { return (rows, place) }
        rows.append(row)
        row = []
      case UInt8(ascii: ","), 0x20, 0x09, 0x0A, 0x0D: flush()
      default: word.append(byte)
      }
    }
    return (nil, place)
  }
}
