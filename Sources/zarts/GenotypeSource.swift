import Cells
import Formats
import Foundation
import Search

/// Where a command finds a genotype: a run folder, a file, a file's α, or the text itself.
struct GenotypeSource {
  var source: String
  /// Epoch of a run folder, from 1; nil for that whose genotype the search returns.
  var epoch: Int?
  /// Line or name of a genotype in a file; nil for the last.
  var line: Int?
  var name: String?
  /// Candidates that the α of a file are for; nil for what its metadata say.
  var space: SearchSpace?

  /// The genotype of a source that needs no flags beside it.
  ///
  /// - Throws: as `open`.
  static func read(_ source: String) throws -> Genotype { try GenotypeSource(source: source).open().genotype }

  /// α and what it stands for.
  struct Mixing {
    var alphas: ArchitectureParameters
    var shape: AlphaShape
  }

  struct Opened {
    var genotype: Genotype
    /// Where it is from, in a few words.
    var origin: String
    /// What it was derived from, where that is at hand; read when it is asked for.
    var mixing: () throws -> Mixing? = { nil }
    var seed: UInt64?
    var configurationSHA256: String?
  }

  /// - Throws: `UsageError` where flags don't fit the source; `InputError` where it cannot be read.
  func open() throws -> Opened {
    var isFolder = ObjCBool(false)
    guard FileManager.default.fileExists(atPath: source, isDirectory: &isFolder) else {
      guard source.contains("(") || source.contains("{") || source.contains("|") else {
        throw UsageError(
          "no such file or folder, and no genotype", found: source,
          wanted: "a run folder, a file, Genotype(normal=[…], …), or |op~0|+…")
      }
      try refuse([("--epoch", epoch), ("--line", line), ("--name", name), ("--space", space)], beside: "a genotype")
      return Opened(genotype: try Genotype(parsing: source), origin: "command line")
    }
    if isFolder.boolValue {
      try refuse([("--line", line), ("--name", name), ("--space", space)], beside: "a run folder")
      return ResultFolder(source)?.kind == .derive ? try openSelection() : try openRun()
    }
    if WeightsFile.isTensors(source) {
      try refuse([("--epoch", epoch), ("--line", line), ("--name", name)], beside: "a file of tensors")
      return try openTensors()
    }
    try WeightsFile.refuseOtherFormats(source)
    let content = String(decoding: try FileBytes.read(source), as: UTF8.self)
    if !content.contains("Genotype("), AlphaFile.isText(source) {
      try refuse([("--epoch", epoch), ("--line", line), ("--name", name)], beside: "a file of α")
      return try openTensors()
    }
    try refuse([("--epoch", epoch), ("--space", space)], beside: "a file of genotypes")
    let text = GenotypeText(content)
    return Opened(
      genotype: try text.genotype(line: line, name: name, path: source), origin: name ?? Self.lastComponent(source))
  }

  private func openRun() throws -> Opened {
    let named = try SearchRunFolder(existing: source)
    let run = try named.run(holding: .finishedEpoch)
    run.notes(insteadOf: named).forEach(remark)
    let configuration = try run.configuration()
    try run.checkHistory()
    let index: Int
    if let epoch {
      index = epoch - 1
    } else if let result = try run.result() {
      index = result.record.epoch - 1
    } else {
      throw UsageError("nothing found yet", found: "a run without a finished epoch in \(source)", wanted: "one with")
    }
    let genotypes = try run.genotypes()
    guard genotypes.indices.contains(index) else {
      throw UsageError(
        "no genotype of that epoch", found: "epoch \(index + 1), \(genotypes.count) genotypes in \(run.genotypesPath)",
        wanted: genotypes.isEmpty ? "a run that derives genotypes" : "1 to \(genotypes.count)")
    }
    let epochs = index == 0 ? "1 epoch" : "\(index + 1) epochs"
    return Opened(
      genotype: genotypes[index],
      origin: "\(configuration.method.rawValue) after \(epochs) on \(configuration.space.rawValue)",
      mixing: { try Self.mixing(of: run, configuration, index: index) }, seed: configuration.seed,
      configurationSHA256: SHA256.hexadecimal(of: try FileBytes.read(run.configurationPath)))
  }

  /// What `zarts derive` has selected.
  private func openSelection() throws -> Opened {
    try refuse([("--epoch", epoch)], beside: "a selection")
    let folder = try ProjectionFolder(existing: source)
    let (genotype, settings, search) = (try folder.genotype(), try folder.settings(), try folder.search())
    return Opened(
      genotype: genotype,
      origin: "\(search.method.rawValue) on \(search.space.rawValue), selected by \(settings.selection.rawValue)",
      seed: search.seed, configurationSHA256: SHA256.hexadecimal(of: try FileBytes.read(folder.configurationPath)))
  }

  private static func mixing(
    of run: SearchRunFolder, _ configuration: SearchConfiguration, index: Int
  ) throws -> Mixing? {
    let history = try run.alphaHistory()
    guard !history.isEmpty else { return nil }
    guard history.indices.contains(index) else {
      throw InputError(
        "no α of that epoch", at: .file(run.alphasPath), found: "\(history.count) epochs", wanted: "epoch \(index + 1)")
    }
    return Mixing(alphas: history[index], shape: configuration.alphaShape)
  }

  /// The genotype that the search of a checkpoint derives from its α, or that α of a space stand for.
  private func openTensors() throws -> Opened {
    let read = try AlphaFile.isText(source) ? WeightsFile(AlphaFile(readingFrom: source)) : WeightsFile(readingFrom: source)
    let file = read.file
    file.remarkOnChecksum()
    let configuration = try file.searchConfiguration()
    var network = WeightsNetwork(of: file)
    let space = try network.space(flag: space, isStage: configuration?.keptOperations != nil)
    (read.notes + network.notes).forEach(remark)
    if let configuration, configuration.space != space {
      throw UsageError(
        "not the space of the checkpoint", found: "--space \(space.rawValue)",
        wanted: "\(configuration.space.rawValue), that of \(source)")
    }
    let hasBeta = SupernetEvidence(shapes: file.tensors.mapValues(\.shape)).edgeNormalisation == true
    let shape =
      configuration?.alphaShape ?? AlphaShape(operations: space.operations, hasEdgeColumn: hasBeta)
    let alphas = try ArchitectureParameters(from: file, like: shape.zeroAlphas)
    return Opened(
      genotype: try Genotype(
        alphas: alphas, operations: shape.operations, maximumSkips: configuration?.maximumSkips),
      origin: Self.lastComponent(source), mixing: { Mixing(alphas: alphas, shape: shape) })
  }

  private func refuse(_ flags: [(String, Any?)], beside what: String) throws {
    let given = flags.filter { $0.1 != nil }.map(\.0)
    guard given.isEmpty else {
      throw UsageError("flags beside \(what)", found: given.joined(separator: ", "), wanted: "none of them")
    }
  }

  private static func lastComponent(_ path: String) -> String { URL(fileURLWithPath: path).lastPathComponent }
}
