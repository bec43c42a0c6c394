import Foundation

/// A folder that is removed when the test is over.
final class Scratch {
  let path = FileManager.default.temporaryDirectory.appendingPathComponent("zarts-\(UUID().uuidString)").path

  init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { "\(path)/\(name)" }
}

/// The path of a file of golden values.
func goldenFile(_ name: String) -> String {
  URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("SupernetTests/Golden/\(name).safetensors").path
}
