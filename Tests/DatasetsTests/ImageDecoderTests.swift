import Datasets
import TestSupport
import Testing

@Suite("Decoding, resizing and colouring images")
struct ImageDecoderTests {
  @Test(
    "JPEG and PNG of every kind have the pixels that Pillow reads",
    arguments: [
      "rgb.jpg", "progressive.jpg", "grey.jpg", "cmyk.jpg", "rgb.png", "grey.png", "bilevel.png", "palette.png",
      "alpha.png", "deep.png",
    ])
  func pixels(name: String) throws {
    let found = try ImageDecoder.decode(Fixtures.bytes(name), source: name)
    let expected = try Fixtures.image("\(name).pixels")
    #expect(found.width == expected.width && found.height == expected.height)
    let difference = zip(found.pixels, expected.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 0
    // Pillow may bring a libjpeg of its own; another release rounds some samples otherwise.
    #expect(difference <= (name.hasSuffix(".jpg") ? 1 : 0), "a pixel differs by \(difference)")
  }

  @Test(
    "A file cut short anywhere is refused by name, never filled up with grey",
    arguments: ["rgb.jpg", "progressive.jpg", "cmyk.jpg", "rgb.png", "palette.png", "alpha.png"])
  func truncated(name: String) throws {
    let bytes = try Fixtures.bytes(name)
    // What a PNG has after its pixels is an end mark of twelve bytes, which must be there too.
    for count in 0..<bytes.count - 2 {
      let text = message { _ = try ImageDecoder.decode(Array(bytes[..<count]), source: "x/\(name)") }
      #expect(text?.hasPrefix("x/\(name): ") == true, "\(count) of \(bytes.count) bytes: \(text ?? "nothing thrown")")
    }
  }

  @Test("Damage within is refused or decoded, but does not end the program", arguments: ["progressive.jpg", "alpha.png"])
  func damaged(name: String) throws {
    let bytes = try Fixtures.bytes(name)
    var refused = 0
    for place in stride(from: 2, to: bytes.count, by: 3) {
      var changed = bytes
      changed[place] ^= 0xFF
      refused += message { _ = try ImageDecoder.decode(changed, source: name) } == nil ? 0 : 1
    }
    #expect(refused > bytes.count / 12, "checksums and Huffman codes must be heeded")
  }

  @Test("What is neither JPEG nor PNG, or claims to be larger than can be right, is refused")
  func strange() {
    #expect(
      message { _ = try ImageDecoder.decode([], source: "f") }
        == "f: neither JPEG nor PNG: found an empty file, wanted [255, 216, …] or [137, 80, 78, 71, …]")
    #expect(
      message { _ = try ImageDecoder.decode(Array("GIF89a".utf8), source: "f") }?.contains(
        "found the first bytes [71, 73, 70, 56]") == true)
    let header: [UInt8] = [
      0xFF, 0xD8, 0xFF, 0xC0, 0, 17, 8, 0xF0, 0x00, 0xF0, 0x00, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 0xFF, 0xDA, 0, 12, 3,
      1, 0, 2, 0, 3, 0, 0, 63, 0,
    ]
    let text = message { _ = try ImageDecoder.decode(header, source: "f") }
    #expect(text?.contains("61440 x 61440 pixels are more than can be right") == true, "\(text ?? "nothing thrown")")
  }

  @Test("Resizing is Pillow's, byte for byte", arguments: [(13, 9), (26, 7), (52, 36), (8, 8), (31, 18), (1, 1), (26, 18)])
  func resizing(width: Int, height: Int) throws {
    let source = try Fixtures.image("resize.source")
    let found = Resampler.resize(source, width: width, height: height)
    #expect(found == (width == 26 && height == 18 ? source : try Fixtures.image("resize.\(width)x\(height)")))
  }

  @Test("Brightness, contrast, saturation and hue are Pillow's and torchvision's, byte for byte")
  func colours() throws {
    let source = try Fixtures.image("colour.source")
    var checked = 0
    for prefix in ["brightness.", "contrast.", "color.", "hue."] {
      for name in try Fixtures.names(prefix) {
        let value = try #require(Double(name.dropFirst(prefix.count)))
        var image = source
        switch prefix {
        case "brightness.": ColourAdjustment.brightness(&image, Float(value))
        case "contrast.": ColourAdjustment.contrast(&image, Float(value))
        case "color.": ColourAdjustment.saturation(&image, Float(value))
        default: ColourAdjustment.hue(&image, value)
        }
        #expect(try image == Fixtures.image(name), "\(name)")
        checked += 1
      }
    }
    #expect(checked == 25)
  }
}
