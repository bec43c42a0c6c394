import Foundation

/// Small datasets on disk, from nothing.
enum ImageSamples {
  /// A PNG of grey pixels, stored without compression.
  static func png(side: Int, pixels: (Int) -> UInt8) -> [UInt8] {
    func word(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
    func chunk(_ name: String, _ content: [UInt8]) -> [UInt8] {
      let body = Array(name.utf8) + content
      let check = body.reduce(UInt32.max) { check, byte in
        (0..<8).reduce(check ^ UInt32(byte)) { value, _ in value & 1 == 1 ? (value >> 1) ^ 0xEDB8_8320 : value >> 1 }
      }
      return word(UInt32(content.count)) + body + word(~check)
    }
    var rows: [UInt8] = []
    for row in 0..<side { rows += [0] + (0..<side).map { pixels(row * side + $0) } }
    var (low, high): (UInt32, UInt32) = (1, 0)
    for byte in rows {
      low = (low + UInt32(byte)) % 65_521
      high = (high + low) % 65_521
    }
    let length = UInt16(rows.count)
    let header: [UInt8] = [UInt8(length & 255), UInt8(length >> 8), UInt8(~length & 255), UInt8(~length >> 8)]
    let data: [UInt8] = [0x78, 1, 1] + header + rows + word(high << 16 | low)
    let size: [UInt8] = word(UInt32(side)) + word(UInt32(side)) + [8, 0, 0, 0, 0]
    let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 13, 10, 26, 10]
    return signature + chunk("IHDR", size) + chunk("IDAT", data) + chunk("IEND", [])
  }

  /// `train/a`, `train/b`, `val/a`, `val/b` with so many images of 16×16 each; returns their paths.
  @discardableResult
  static func writeFolder(_ path: String, images: Int) throws -> [String] {
    var paths: [String] = []
    for (index, folder) in ["train/a", "train/b", "val/a", "val/b"].enumerated() {
      try FileManager.default.createDirectory(atPath: "\(path)/\(folder)", withIntermediateDirectories: true)
      for image in 0..<images {
        let file = "\(path)/\(folder)/\(image).png"
        let bytes = png(side: 16) { UInt8(truncatingIfNeeded: $0 * (7 + image) + 60 * index) }
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        paths.append(file)
      }
    }
    return paths
  }

  /// Cuts an image short, as a broken copy does.
  static func damage(_ path: String) throws {
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: path))
  }

  /// CIFAR-10 in its binary layout: so many training images in one file, 8 to test.
  static func writeCIFAR(_ path: String, images: Int = 64) throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    for (name, count) in [("data_batch_1.bin", images), ("test_batch.bin", 8)] {
      var records: [UInt8] = []
      for image in 0..<count {
        records.append(UInt8(image % 10))
        for place in 0..<3072 { records.append(UInt8(truncatingIfNeeded: place * (3 + image) + 11 * (place >> 5))) }
      }
      try Data(records).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    }
  }
}
