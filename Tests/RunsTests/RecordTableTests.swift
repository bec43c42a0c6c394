import Formats
import Foundation
import Runs
import TestSupport
import Testing

/// One declaration of a column is all that its writing, reading, checking and telling need.
struct RecordTableTests {
  private struct Row: TableRecord, Equatable {
    var epoch = 0
    var loss = 0.0
    var spread: Double?
    var moves: Int?
    /// What a later version adds.
    var surprise: Double?
    var seconds = 0.0

    static let earlier = RecordTable<Row>([
      .epoch(\.epoch), .real("loss", \.loss, .finite, event: "loss"), .real("spread", \.spread, .notNegative),
      .count("moves", \.moves), .seconds(\.seconds),
    ])
    static let table = RecordTable<Row>(
      earlier.columns + [.real("surprise", \.surprise, .fraction, event: "surprise", isNew: true)])
  }

  private static let rows = [
    Row(epoch: 1, loss: 0.1 + 0.2, spread: nil, moves: 4, surprise: 0.25, seconds: 1.5),
    Row(epoch: 2, loss: -1e-300, spread: 0, moves: nil, surprise: nil, seconds: 0),
  ]

  private func written(_ rows: [Row], _ table: RecordTable<Row>, _ folder: ScratchFolder) throws -> String {
    let path = folder.file("metrics.csv")
    try table.write(rows, to: path)
    return path
  }

  @Test func addedColumnIsWrittenReadCheckedAndTold() throws {
    let folder = try ScratchFolder()
    let path = try written(Self.rows, Row.table, folder)
    let text = try String(contentsOfFile: path, encoding: .utf8)
    #expect(
      text == "epoch,loss,spread,moves,seconds,surprise\n1,0.30000000000000004,,4,1.5,0.25\n2,-1e-300,0.0,,0.0,\n")
    #expect(try Row.table.read(from: path) == Self.rows)
    #expect(Row.table.events(of: Self.rows[0]) == [.scalar("loss", 0.30000000000000004), .scalar("surprise", 0.25)])
    #expect(Row.table.events(of: Self.rows[1]) == [.scalar("loss", -1e-300)])
    try AtomicFile.write(text.replacing("0.25", with: "2.5"), to: path)
    let error = try #require(throws: InputError.self) { try Row.table.read(from: path) }
    #expect(error.place == .file(path, "row 1, column surprise"))
    #expect(error.found == "\"2.5\"" && error.wanted == "0 to 1 or nothing", "\(error)")
  }

  @Test func tablesOfEarlierVersionsAreReadWithoutTheColumnAndTheirChecksHold() throws {
    let folder = try ScratchFolder()
    let path = try written(Self.rows, Row.earlier, folder)
    let read = try Row.table.read(from: path)
    #expect(read.map(\.surprise) == [nil, nil] && read.map(\.loss) == Self.rows.map(\.loss))
    #expect(read.map(Row.table.check) == Self.rows.map(Row.earlier.check))
    #expect(Row.table.check(of: Self.rows[0]) != Row.earlier.check(of: Self.rows[0]))
    // Seconds differ from run to run.
    var slower = Self.rows[0]
    slower.seconds = 99
    #expect(Row.table.check(of: slower) == Row.table.check(of: Self.rows[0]))
  }

  @Test(arguments: [
    ("1,0.5,,4,1\n", "row 1, column loss", false), ("1,nan,,4,1\n", "row 1, column loss", true),
    ("1,,,4,1\n", "row 1, column loss", true), ("1,0.5,-1,4,1\n", "row 1, column spread", true),
    ("1,0.5,,nan,1\n", "row 1, column moves", true), ("1,0.5,,4.5,1\n", "row 1, column moves", true),
    ("1,0.5,,1e300,1\n", "row 1, column moves", true), ("1,0.5,,4,x\n", "row 1, column seconds", true),
    ("1,0.5,,4,1\n3,0.5,,4,1\n", "row 2, column epoch", true), ("nan,0.5,,4,1\n", "row 1, column epoch", true),
    ("-9223372036854775809,0.5,,4,1\n", "row 1, column epoch", true),
  ])
  func cellThatIsNoNumberOfItsColumnIsNamedWithFileRowAndColumn(rows: String, place: String, isWrong: Bool) throws {
    let folder = try ScratchFolder()
    let path = folder.file("metrics.csv")
    try AtomicFile.write("epoch,loss,spread,moves,seconds\n" + rows, to: path)
    guard isWrong else {
      _ = try Row.table.read(from: path)
      return
    }
    for body in [{ _ = try Row.table.read(from: path) }, { _ = try Row.table.checkedCells(of: path) }] {
      let error = try #require(throws: InputError.self) { try body() }
      #expect(error.place == .file(path, place), "\(error)")
    }
  }

  @Test func readersOfSingleColumnsTakeTablesThatLackOthers() throws {
    let folder = try ScratchFolder()
    let path = folder.file("metrics.csv")
    try AtomicFile.write("loss,mood\n0.5,good\n", to: path)
    #expect(try Row.table.checkedCells(of: path).column("mood") == ["good"])
    let error = try #require(throws: InputError.self) { try Row.table.read(from: path) }
    #expect(error.place == .file(path, "epoch"), "\(error)")
  }

  @Test func metadataReadsBackToTheSameBits() throws {
    for row in Self.rows {
      let metadata = Row.table.metadata(of: row, prefix: "sum.")
      #expect(metadata["sum.loss"] == "\(row.loss)" && metadata["sum.moves"] == row.moves.map(String.init))
      #expect(try Row.table.record(in: metadata, prefix: "sum.", from: "a checkpoint") == row)
    }
    let metadata = Row.earlier.metadata(of: Self.rows[0], prefix: "sum.")
    #expect(try Row.table.record(in: metadata, prefix: "sum.", from: "a checkpoint").surprise == nil)
  }
}
