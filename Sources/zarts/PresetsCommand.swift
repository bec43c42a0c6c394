import ArgumentParser
import Formats
import Landscape
import Retraining
import Search
import Suites

struct PresetsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "presets", abstract: "List the presets of searches or retrainings, or print one.",
    discussion: """
      'zarts search --preset NAME --out DIR' starts from one; a line 'preset: NAME' in a file of --config does too. Flags \
      win over the file, the file over the preset. One of a search is printed as a complete config.yaml. 'zarts retrain \
      --preset NAME' starts from those of --retraining, which are printed without genotype and data, and 'zarts landscape \
      --preset NAME' from those of --landscapes, 'zarts suite --preset NAME' from those of --suites.
      """)

  @Argument(help: "A preset to print.")
  var name: String?
  @Flag(help: "List the presets of retrainings, with what each is from.")
  var retraining = false
  @Flag(help: "List the presets of landscapes, with what each is from.")
  var landscapes = false

  @Flag(help: "List the presets of suites.")
  var suites = false

  func validate() throws {
    let given = [("--retraining", retraining), ("--landscapes", landscapes), ("--suites", suites)].filter(\.1).map(\.0)
    if given.count > 1 {
      throw ValidationError("\(given.joined(separator: " ")): found \(given.count == 2 ? "both" : "all"), wanted one")
    }
  }

  func run() throws {
    if landscapes { return try printLandscapes() }
    if suites { return try printSuites() }
    if let name {
      let text = try usage(of: "preset") { try Self.text(of: name, isRetraining: retraining) }
      return print(text, terminator: "")
    }
    print(retraining ? Self.retrainings : try Self.searches)
  }

  private func printLandscapes() throws {
    guard let name else { return print(Self.allLandscapes) }
    guard let preset = LandscapePreset(named: name) else {
      throw UsageError(
        "no such preset of landscapes", at: "preset", found: "'\(name)'",
        wanted: LandscapePreset.all.map(\.name).joined(separator: ", "))
    }
    print("# zarts landscape --preset \(preset.name): \(preset.summary) (\(preset.source))")
    for entry in preset.entries { print("\(entry.key): \(entry.value)") }
  }

  private func printSuites() throws {
    guard let name else {
      return print(TextTable.text(header: ["preset", "what it is"], rows: SuitePreset.all.map { [$0.name, $0.summary] }))
    }
    let preset = try usage(of: "preset") { try SuitePreset(named: name, at: .setting("preset")) }
    print("# zarts suite --preset \(preset.name): \(preset.summary)\n\(preset.yaml)")
  }

  private static var allLandscapes: String {
    let rows = LandscapePreset.all.map { preset in
      let losses = preset.objectives.map(\.label).joined(separator: ",")
      return [preset.name, losses, "\(preset.points)", preset.summary, preset.source]
    }
    return TextTable.text(header: ["preset", "losses", "points", "what it is", "from"], rows: rows, rightAligned: [2])
  }

  private static var searches: String {
    get throws {
      let rows = try SearchPreset.all.map { preset in
        let settings = try SearchConfiguration(preset: preset)
        return [
          preset.name, settings.method.rawValue, settings.space.rawValue, "\(settings.epochs)", settings.dataset,
          preset.summary,
        ]
      }
      return TextTable.text(
        header: ["preset", "method", "space", "epochs", "dataset", "what it is"], rows: rows, rightAligned: [3])
    }
  }

  private static var retrainings: String {
    let rows = RetrainingPreset.all.map { preset in
      let settings = preset.configuration(genotype: "", dataset: "")
      let warmup = settings.warmupEpochs > 0 ? ", \(settings.warmupEpochs) warm-up" : ""
      return [
        preset.name, "\(settings.layers)", "\(settings.channels)", "\(settings.epochs)", "\(settings.batch)",
        "\(settings.learningRate)", settings.schedule.rawValue + warmup, "\(settings.dropPath)", preset.source,
      ]
    }
    return TextTable.text(
      header: ["preset", "cells", "channels", "epochs", "batch", "rate", "schedule", "drop-path", "from"], rows: rows,
      rightAligned: [1, 2, 3, 4, 5, 7])
  }

  /// - Throws: `InputError` for a name that no preset has.
  private static func text(of name: String, isRetraining: Bool) throws -> String {
    if let preset = RetrainingPreset.all.first(where: { $0.name == name }) {
      let yaml = try preset.configuration(genotype: "", dataset: "").yaml
      let lines = yaml.split(separator: "\n").filter { !$0.hasPrefix("genotype:") && !$0.hasPrefix("dataset:") }
      let origin = "# zarts retrain --preset \(name): \(preset.summary) (\(preset.source))\n"
      return origin + lines.dropFirst().map { "\($0)\n" }.joined()
    }
    if isRetraining { _ = try RetrainingPreset(named: name, at: .setting("preset")) }
    return try SearchConfiguration(preset: SearchPreset(named: name, at: .setting("preset"))).yaml
  }
}
