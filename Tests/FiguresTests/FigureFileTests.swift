import Figures
import Formats
import Foundation
import Testing

private func square() -> Sketch {
  Sketch(name: "Square", size: Size(width: 6, height: 4)) { canvas in
    canvas.fill(Rectangle(x: 1, y: 1, width: 2, height: 2), Colour(hex: 0xFF8000))
  }
}

@Suite struct FigureFileTests {
  /// Scale 1.5 is 144 pixels per inch: two pixels a point.
  @Test func everyPixelOfASolidDrawingComesBack() throws {
    let image = try #require(DecodedPNG(FigureFile.render(square(), as: .png, scale: 1.5)))
    #expect(image.width == 12)
    #expect(image.height == 8)
    for y in 0..<8 {
      for x in 0..<12 {
        let inside = (2..<6).contains(x) && (2..<6).contains(y)
        #expect(image[x, y] == (inside ? [255, 128, 0] : [255, 255, 255]), "pixel \(x), \(y)")
      }
    }
  }

  @Test func defaultScaleIsTwiceNinetySixPixelsPerInch() throws {
    let sketch = Sketch(name: "", size: Size(width: 36, height: 18)) { _ in }
    let bytes = try FigureFile.render(sketch, as: .png)
    let image = try #require(DecodedPNG(bytes))
    #expect(image.width == 96)
    #expect(image.height == 48)
    // 192 pixels per inch are 7559 per metre, twice, and the unit is 1.
    let physical = try #require(pngChunks(bytes).first { $0.type == "pHYs" })
    #expect(physical.data == [0, 0, 0x1D, 0x87, 0, 0, 0x1D, 0x87, 1])
  }

  @Test func textChunksHoldTheMetadataInOrder() throws {
    let metadata = FigureMetadata(
      configSHA256: "0af3", seed: 18_446_744_073_709_551_615, checkpoint: "é-004", command: "zarts x")
    let chunks = pngChunks(try FigureFile.render(square(), as: .png, metadata: metadata))
    let texts = chunks.filter { $0.type == "tEXt" }.map { $0.data }
    func entry(_ key: String, _ value: [UInt8]) -> [UInt8] { Array(key.utf8) + [0] + value }
    #expect(
      texts == [
        entry("Title", Array("Square".utf8)), entry("Software", Array("zarts".utf8)),
        entry("Config-SHA256", Array("0af3".utf8)), entry("Seed", Array("18446744073709551615".utf8)),
        entry("Checkpoint", [0xE9] + Array("-004".utf8)), entry("Command", Array("zarts x".utf8)),
      ])
    #expect(!chunks.contains { $0.type == "tIME" })
    #expect(chunks.last?.type == "IEND")
  }

  @Test func textBeyondLatin1IsKeptAsUTF8() throws {
    let metadata = FigureMetadata([.init("Objective", "L₁(α)")])
    let chunks = pngChunks(try FigureFile.render(square(), as: .png, metadata: metadata))
    let chunk = try #require(chunks.first { $0.type == "iTXt" })
    // Keyword, NUL, not compressed, method 0, no language, no translated keyword, text.
    #expect(chunk.data == Array("Objective".utf8) + [0, 0, 0, 0, 0] + Array("L₁(α)".utf8))
  }

  @Test(arguments: ["", String(repeating: "k", count: 80), " Seed", "Seed ", "Se  ed", "α", "a\nb"])
  func badMetadataKeyIsRefused(key: String) {
    #expect {
      try FigureFile.render(square(), as: .png, metadata: FigureMetadata([.init(key, "1")]))
    } throws: { error in
      (error as? InputError)?.place == "figure: metadata \(key)"
    }
  }

  @Test func nulInMetadataIsRefused() {
    #expect(throws: InputError.undrawable("metadata Seed", found: "a NUL character", wanted: "text without NUL")) {
      try FigureFile.render(square(), as: .png, metadata: FigureMetadata([.init("Seed", "1\0")]))
    }
  }

  @Test(arguments: FigureFile.Format.allCases) func sameFigureGivesSameBytes(format: FigureFile.Format) throws {
    let figure = try exampleLandscape()
    let first = try FigureFile.render(figure, as: format, metadata: FigureMetadata(seed: 1))
    // Something else in between: numbering that runs on through the process would show.
    _ = try FigureFile.render(square(), as: format)
    #expect(try FigureFile.render(figure, as: format, metadata: FigureMetadata(seed: 1)) == first)
    #expect(try FigureFile.render(figure, as: format, metadata: FigureMetadata(seed: 2)) != first)
  }

  @Test func vectorFormatsHaveTextFontsAndMetadata() throws {
    let figure = try exampleLandscape()
    let pdf = String(decoding: try FigureFile.render(figure, as: .pdf, metadata: FigureMetadata(seed: 7)), as: UTF8.self)
    #expect(pdf.hasPrefix("%PDF-"))
    #expect(pdf.contains("DejaVuSans"))
    #expect(pdf.contains("/Keywords (Seed: 7)"))
    let sketch = Sketch(name: "a < b & c", size: Size(width: 9, height: 9)) { _ in }
    let svg = String(decoding: try FigureFile.render(sketch, as: .svg, metadata: FigureMetadata(seed: 7)), as: UTF8.self)
    #expect(svg.contains("<title>a &lt; b &amp; c</title>"))
    #expect(svg.contains("Seed: 7</desc>"))
    #expect(XMLDocumentCheck.isWellFormed(svg))
  }

  @Test func fileHasTheRenderedBytesAndNothingElseIsLeft() throws {
    try withScratchFolder { folder throws in
      for format in FigureFile.Format.allCases {
        let path = "\(folder)/figure.\(format.rawValue)"
        try FigureFile.write(square(), to: path)
        let written = try Data(contentsOf: URL(fileURLWithPath: path))
        #expect(try Array(written) == FigureFile.render(square(), as: format))
      }
      #expect(try contents(folder) == ["figure.pdf", "figure.png", "figure.svg"])
    }
  }

  @Test func missingFolderIsNamedAndNothingIsMade() throws {
    try withScratchFolder { folder throws in
      let path = "\(folder)/none/figure.png"
      #expect(throws: InputError("cannot be written", at: .file(path), found: "No such file or directory")) {
        try FigureFile.write(square(), to: path)
      }
      #expect(try contents(folder).isEmpty)
    }
  }

  @Test func folderInTheWayLeavesNoTemporaryFile() throws {
    try withScratchFolder { folder throws in
      let path = "\(folder)/taken.png"
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
      #expect(throws: InputError("cannot be put in place", at: .file(path), found: "Is a directory")) {
        try FigureFile.write(square(), to: path)
      }
      #expect(try contents(folder) == ["taken.png"])
    }
  }

  @Test func failedDrawingLeavesTheOlderFileAlone() throws {
    try withScratchFolder { folder throws in
      let path = "\(folder)/figure.png"
      try Data("older".utf8).write(to: URL(fileURLWithPath: path))
      let failing = Sketch(name: "", size: Size(width: 9, height: 9)) { _ in
        throw InputError("drawing failed", at: "figure", found: "on purpose")
      }
      #expect(throws: InputError("drawing failed", at: "figure", found: "on purpose")) {
        try FigureFile.write(failing, to: path)
      }
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "older")
      #expect(try contents(folder) == ["figure.png"])
    }
  }

  @Test(arguments: ["figure", "figure.jpg", "a.png/figure"]) func unknownEndingIsRefused(path: String) {
    #expect(throws: InputError.unknownFigureFormat(path)) { try FigureFile.write(square(), to: path) }
  }

  @Test(arguments: [0.0, -1, .nan, .infinity, 1e9]) func impossibleScaleIsRefused(scale: Double) {
    #expect {
      try FigureFile.render(square(), as: .png, scale: scale)
    } throws: { error in
      (error as? InputError)?.place == "figure: scale"
    }
  }

  @Test(arguments: [0.0, -5, .nan, 1e6]) func impossiblePageIsRefused(width: Double) {
    let sketch = Sketch(name: "", size: Size(width: width, height: 10)) { _ in }
    #expect {
      try FigureFile.render(sketch, as: .pdf)
    } throws: { error in
      (error as? InputError)?.place == "figure: page size"
    }
  }
}

/// Whether opened elements are closed in order: enough to catch a broken insertion, without an XML library.
enum XMLDocumentCheck {
  static func isWellFormed(_ text: String) -> Bool {
    var open: [Substring] = []
    for piece in text.split(separator: "<").dropFirst(text.hasPrefix("<") ? 0 : 1) {
      guard let end = piece.firstIndex(of: ">") else { return false }
      let tag = piece[..<end]
      if tag.hasPrefix("?") || tag.hasSuffix("/") { continue }
      let name = tag.prefix { $0 != " " && $0 != "\n" }
      if name.hasPrefix("/") {
        guard open.popLast() == name.dropFirst() else { return false }
      } else {
        open.append(name)
      }
    }
    return open.isEmpty
  }
}
