import ArgumentParser
import Search

struct PresetsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "presets", abstract: "List the presets of searches, or print one as a complete config.yaml.",
    discussion: """
      'zarts search --preset NAME --out DIR' starts from one; a line 'preset: NAME' in a file of --config does too. Flags \
      win over the file, the file over the preset.
      """)

  @Argument(help: "A preset to print.")
  var name: String?

  func run() throws {
    if let name {
      let preset = try usage(of: "preset") { try SearchPreset(named: name, at: .setting("preset")) }
      print(try SearchConfiguration(preset: preset).yaml, terminator: "")
    } else {
      let rows = try SearchPreset.all.map { preset in
        let settings = try SearchConfiguration(preset: preset)
        return [
          preset.name, settings.method.rawValue, settings.space.rawValue, "\(settings.epochs)", settings.dataset,
          preset.summary,
        ]
      }
      print(
        TextTable.text(
          header: ["preset", "method", "space", "epochs", "dataset", "what it is"], rows: rows, rightAligned: [3]))
    }
  }
}
