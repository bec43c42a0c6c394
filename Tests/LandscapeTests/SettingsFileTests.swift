import Formats
import Foundation
import Landscape
import TestSupport
import Testing

@Suite("The settings beside results") struct SettingsFileTests {
  private let origin = [("checkpoint", "\"a.safetensors\""), ("space", "s2"), ("checkpoint_alphas", "none")]
  private let settings = [("grid", "3"), ("range", "0.5"), ("state_sha256", "12ab")]

  private func file(
    _ origin: [(String, String)], _ settings: [(String, String)]
  ) -> SettingsFile {
    SettingsFile(origin: origin.map { (key: $0, value: $1) }, settings: settings.map { (key: $0, value: $1) })
  }

  /// Continues a result that was begun with a text.
  private func goOn(_ written: String, _ now: SettingsFile) throws -> (text: String, error: InputError?) {
    let scratch = try ScratchFolder()
    let path = scratch.file("landscape.yaml")
    try AtomicFile.write(written, to: path)
    var found: InputError?
    do { try now.require(at: path, ofContinued: "landscape") } catch let error as InputError { found = error }
    #expect(found == nil || found?.place == .file(path))
    return (try String(contentsOfFile: path, encoding: .utf8), found)
  }

  @Test("what the origin says is continued from files that say less of it, and written there") func olderFiles() throws {
    let now = file(origin, settings)
    for left in [["checkpoint_alphas"], ["space", "checkpoint_alphas"], []] {
      let old = file(origin.filter { !left.contains($0.0) }, settings)
      let (text, error) = try goOn(old.text, now)
      #expect(error == nil && text == now.text)
    }
  }

  @Test("a setting that the file lacks, or anything that it says otherwise, is of another result") func others() throws {
    let now = file(origin, settings)
    let cases: [([(String, String)], [(String, String)], String, String)] = [
      (origin, Array(settings.dropLast()), "'nothing'", "'state_sha256: 12ab'"),
      (origin, [("grid", "3"), ("range", "1.0"), ("state_sha256", "12ab")], "'range: 1.0'", "'range: 0.5'"),
      ([("checkpoint", "\"a.safetensors\""), ("space", "s3")], settings, "'space: s3'", "'space: s2'"),
      (origin + [("merged_convolutions", "true")], settings, "'merged_convolutions: true'", "'grid: 3'"),
    ]
    for (origin, settings, found, wanted) in cases {
      let old = file(origin, settings).text
      let (text, error) = try goOn(old, now)
      #expect(error?.problem == "a landscape of other settings cannot be continued")
      #expect(error?.found == found && error?.wanted == wanted && text == old, "\(String(describing: error))")
    }
  }

  @Test("checkpoints are known by their digests, without them by their places") func places() throws {
    let digests = (SettingsFile.checkpointDigests, "[12ab]")
    let now = file([("checkpoints", "[\"new/a\"]"), digests], settings)
    let moved = try goOn(file([("checkpoints", "[\"old/a\"]"), digests], settings).text, now)
    #expect(moved.error == nil && moved.text == now.text)
    let silent = try goOn(file([("checkpoints", "[\"old/a\"]")], settings).text, now)
    #expect(silent.error?.found == "'checkpoints: [\"old/a\"]'")
    #expect(try goOn(file([("checkpoints", "[\"new/a\"]")], settings).text, now).error == nil)
    let others = try goOn(file([("checkpoints", "[\"new/a\"]"), (digests.0, "[99ff]")], settings).text, now)
    #expect(others.error?.found == "'checkpoints_sha256: [99ff]'")
  }
}
