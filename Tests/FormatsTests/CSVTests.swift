import Formats
import Foundation
import TestSupport
import Testing

@Suite("CSV files")
struct CSVTests {
  let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  @Test("Cells are quoted where RFC 4180 asks for it, and only there")
  func quoting() {
    let cells: [(CSVField, String)] = [
      ("plain text", "plain text"), ("a,b", "\"a,b\""), ("say \"hi\"", "\"say \"\"hi\"\"\""),
      ("two\nlines", "\"two\nlines\""),
      ("two\r\nlines", "\"two\r\nlines\""), ("\"\r\n\"", "\"\"\"\r\n\"\"\""), ("", ""), (3, "3"), (-0.1, "-0.1"),
      (.real(5), "5.0"),
      (.real(1e-300), "1e-300"), (.real(.infinity), "inf"), (.real(.nan), "nan"),
    ]
    for (cell, text) in cells { #expect(cell.encoded == text) }
  }

  @Test("Every double reads back to the same bits")
  func doubles() throws {
    let values = [
      0.1, 1.0 / 3, -0.0, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 1e22, 123456789.123456789, .infinity,
    ]
    try CSVWriter.write(columns: ["x"], rows: values.map { [.real($0)] }, to: folder.file("d.csv"))
    let read = try CSVTable(readingFrom: folder.file("d.csv")).doubles("x")
    #expect(read.map(\.bitPattern) == values.map(\.bitPattern))
  }

  @Test("Awkward cells survive writing and reading")
  func roundTrip() throws {
    let texts = ["a,b", "\"", "\"\"", "line\nbreak", "cr\r\nlf", "", " space ", "ω α", ",", "\r"]
    try CSVWriter.write(
      columns: ["name", "i"], rows: texts.enumerated().map { [.text($1), .integer($0)] }, to: folder.file("t.csv"))
    let table = try CSVTable(readingFrom: folder.file("t.csv"))
    #expect(table.columns == ["name", "i"])
    #expect(try table.column("name") == texts)
    #expect(try table.integers("i") == Array(texts.indices))
    try CSVWriter.write(columns: ["only"], rows: [[""], ["x"]], to: folder.file("one.csv"))
    #expect(try CSVTable(readingFrom: folder.file("one.csv")).rows == [[""], ["x"]])
  }

  @Test("A file that a spreadsheet wrote, with CRLF and no last line end, is read")
  func foreign() throws {
    let path = try folder.write("a,b\r\n\"1\",2\r\n3,", to: "f.csv")
    let table = try CSVTable(readingFrom: path)
    #expect(table.columns == ["a", "b"])
    #expect(table.rows == [["1", "2"], ["3", ""]])
  }

  @Test(
    "A broken file is refused with the reason",
    arguments: [
      ("", "empty"), ("a,b\n1\n", "row 1: wrong number of cells"), ("a\n\"x", "has no end"), ("a\n\"x\"y\n", "after a cell"),
      ("a\nx\"y\n", "a quote inside"),
    ])
  func malformed(text: String, reason: String) throws {
    let path = try folder.write(text, to: "bad.csv")
    let failure = try #require(throws: InputError.self) { try CSVTable(readingFrom: path) }
    #expect(failure.description.contains(reason), "\(failure)")
  }

  @Test("A wrong column or cell is named")
  func access() throws {
    let table = CSVTable(path: "t.csv", columns: ["x"], rows: [["1"], ["two"]])
    #expect(refusal { try table.column("y") } == "t.csv: y: x")
    let failure = try #require(throws: InputError.self) { try table.doubles("x") }
    #expect(failure.description.contains("row 2, column x") && failure.description.contains("two"))
    #expect(
      refusal { try CSVTable(columns: ["i"], rows: [["1.5"]]).integers("i") }?.contains("row 1, column i: \"1.5\"") == true)
  }

  @Test("A row is in the file as soon as it is appended, and a continued journal keeps every earlier one")
  func journal() throws {
    let path = folder.file("j.csv")
    let writer = try CSVWriter(continuing: path, columns: ["i", "x"])
    try writer.append([0, 0.5])
    #expect(try FileBytes.read(path) == Array("i,x\n0,0.5\n".utf8))
    try writer.append(rows: [[1, 1.5], [2, 2.5]])
    let second = try CSVWriter(continuing: path, columns: ["i", "x"])
    try second.append([3, 3.5])
    try second.synchronise()
    #expect(try CSVTable(readingFrom: path).integers("i") == [0, 1, 2, 3])
    #expect(refusal { try second.append([4]) } == path + ": 1")
    #expect(try CSVTable(readingFrom: path).rows.count == 4)
    let other = try #require(throws: InputError.self) { try CSVWriter(continuing: path, columns: ["i", "y"]) }
    #expect(other.description.contains("i,x") && other.description.contains("i,y"))
  }

  @Test("A journal cut at any byte continues after its last whole row")
  func tornJournal() throws {
    let rows: [[CSVField]] = [["ω", 1], ["a,\"b\"\nc", 2], ["plain", 3]]
    let columns = ["text", "i"]
    try CSVWriter.write(columns: columns, rows: rows, to: folder.file("whole.csv"))
    let whole = try FileBytes.read(folder.file("whole.csv"))
    // Where each row ends.
    var ends: [Int] = []
    for count in 0...rows.count {
      try CSVWriter.write(columns: columns, rows: Array(rows[..<count]), to: folder.file("part.csv"))
      ends.append(try FileBytes.read(folder.file("part.csv")).count)
    }
    for cut in 0...whole.count {
      let path = try folder.write(Array(whole[..<cut]), to: "torn.csv")
      try CSVWriter(continuing: path, columns: columns).append(["new", 9])
      let kept = max(0, ends.count { $0 <= cut } - 1)
      let table = try CSVTable(readingFrom: path)
      #expect(try table.integers("i") == Array([1, 2, 3][..<kept]) + [9], "cut after \(cut) bytes")
    }
  }

  @Test("Rows from several threads are never mixed")
  func threads() async throws {
    let writer = try CSVWriter(creating: folder.file("p.csv"), columns: ["i", "text"])
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<50 {
        group.addTask { try writer.append([.integer(index), .text(String(repeating: "\(index) ", count: 500))]) }
      }
      try await group.waitForAll()
    }
    let table = try CSVTable(readingFrom: folder.file("p.csv"))
    #expect(try table.integers("i").sorted() == Array(0..<50))
    for row in table.rows { #expect(row[1] == String(repeating: "\(row[0]) ", count: 500)) }
  }
}
