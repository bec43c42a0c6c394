import Cells
import Formats
import Runs
import Yams

extension SearchConfiguration {
  static let maximumSkipsField = Field(
    "maximum_skips", "skip connections that a genotype's normal cell has at most; null for any (P-DARTS)", \.maximumSkips,
    affects: .warmup, wanted: "a whole number or null", fault: fault(RunBounds.cellEdges, \.maximumSkips),
    write: { $0.maximumSkips.map(String.init) ?? "null" },
    read: { configuration, node in
      configuration.maximumSkips = node.string.flatMap { Int($0) }
      return configuration.maximumSkips != nil || node.null != nil
    })

  static let operationsField = Field(
    "operations", "candidates of each edge, where fewer than the space's: {normal: [[...]], reduce: [[...]]}",
    \.keptOperations, affects: .warmup,
    wanted: "null, or {normal: ..., reduce: ...} with a list of operations for each of the 14 edges, all of one length",
    write: { configuration in
      guard let kept = configuration.keptOperations else { return "null" }
      func text(_ edges: [[CellOperation]]) -> String {
        "[" + edges.map { "[\($0.map(\.rawValue).joined(separator: ", "))]" }.joined(separator: ", ") + "]"
      }
      return "{\(zip(kept.kinds, kept.candidates).map { "\($0.name): \(text($1))" }.joined(separator: ", "))}"
    },
    read: { configuration, node in
      if node.null != nil {
        configuration.keptOperations = nil
        return true
      }
      guard let mapping = node.mapping,
        let kinds = SearchSpace.allCases.map(\.kinds).first(where: { mapping[$0[0].name] != nil }),
        mapping.count == kinds.count
      else { return false }
      let candidates = kinds.compactMap { edges(mapping[$0.name]) }
      guard candidates.count == kinds.count,
        let operations = try? EdgeOperations(kinds: kinds, candidates: candidates)
      else { return false }
      configuration.keptOperations = operations
      return true
    })

  static let stagesField = Field(
    "stages", "of a progressive search, in place of epochs, warmup, channels, layers, skip_dropout (P-DARTS)", \.stages,
    affects: .warmup,
    wanted: "[] or a list of {\(stageKeys.joined(separator: ": N, ")): N}",
    write: { configuration in
      "[" + configuration.stages.map(\.yaml).joined(separator: ", ") + "]"
    },
    read: { configuration, node in
      guard let list = node.sequence else { return false }
      let stages = list.compactMap(stage)
      configuration.stages = stages
      return stages.count == list.count
    })

  private static let stageKeys = ["layers", "channels", "operations", "skip_dropout", "epochs", "warmup"]

  private static func stage(_ node: Node) -> SearchStage? {
    guard let mapping = node.mapping, mapping.allSatisfy({ stageKeys.contains($0.key.string ?? "") }) else { return nil }
    func whole(_ key: String) -> Int? { mapping[key]?.string.flatMap { Int($0) } }
    guard let layers = whole("layers"), let channels = whole("channels"), let operations = whole("operations"),
      let dropout = mapping["skip_dropout"]?.string.flatMap(Double.init), let epochs = whole("epochs"),
      let warmup = whole("warmup")
    else { return nil }
    return SearchStage(
      layers: layers, channels: channels, operations: operations, skipDropout: dropout, epochs: epochs, warmup: warmup)
  }

  private static func edges(_ node: Node?) -> [[CellOperation]]? {
    guard let list = node?.sequence else { return nil }
    let edges = list.map { edge -> [CellOperation] in
      (edge.sequence ?? []).compactMap { $0.string.flatMap(CellOperation.init) }
    }
    // A name that is no operation has left its edge shorter than the text.
    return zip(edges, list).allSatisfy { $0.count == $1.sequence?.count } ? edges : nil
  }

  /// Checks the settings of the variants, and those of each stage.
  func validateVariant() throws {
    func refuse(_ key: String, _ found: some CustomStringConvertible, _ wanted: String) -> InputError {
      InputError("value out of range", at: .setting(key), found: "\(found)", wanted: wanted)
    }
    let macro = space.macroArchitecture
    if stages.isEmpty { try macro.requireLayers(layers) }
    if macro != .reductions {
      let variants: [(String, Bool)] = [
        ("partial_channels", partialChannels > 1), ("edge_normalisation", edgeNormalisation),
        ("merged_convolutions", mergedConvolutions), ("skip_dropout", skipDropout > 0), ("scale", scale != .cifar),
      ]
      if let key = variants.first(where: \.1)?.0 {
        throw refuse(key, "a variant of the DARTS family's networks", "none with \(space.rawValue)")
      }
    }
    guard scale == .cifar || channels.isMultiple(of: 8) || !stages.isEmpty else {
      throw refuse("channels", channels, "a multiple of 8 with scale: imagenet")
    }
    guard
      partialChannels == 1
        || partialChannels > 1 && partialChannels <= channels && channels.isMultiple(of: 2 * partialChannels)
        || !stages.isEmpty
    else {
      throw refuse(
        "partial_channels", partialChannels, "1, or a number of which the channels, \(channels), are an even multiple")
    }
    if mergedConvolutions {
      guard partialChannels == 1, !edgeNormalisation else {
        throw refuse(
          "merged_convolutions", true,
          "false with \(partialChannels > 1 ? "partial_channels: \(partialChannels)" : "edge_normalisation: true")")
      }
      guard space.hasEdgesOfConvolutions else {
        let others = SearchSpace.allCases.filter(\.hasEdgesOfConvolutions).map(\.rawValue).joined(separator: ", ")
        throw refuse(
          "merged_convolutions", true,
          "false: no edge of \(space.rawValue) has two convolutions; edges of \(others) have")
      }
    }
    if auxiliarySkip > 0 {
      guard !mergedConvolutions else {
        throw refuse("merged_convolutions", true, "false with auxiliary_skip: \(auxiliarySkip)")
      }
      guard stages.isEmpty else { throw refuse("stages", "some", "none with auxiliary_skip: \(auxiliarySkip)") }
    }
    if let kept = keptOperations {
      let all = zip(kept.candidates.joined(), space.operations.candidates.joined())
      guard kept.kinds == space.kinds, all.allSatisfy({ Set($0).isSubset(of: $1) }) else {
        throw refuse("operations", "one that \(space.rawValue) does not have there", "operations of the space")
      }
    }
    guard stages.isEmpty || method.searchesInStages else {
      let others = SearchMethod.all.filter(\.searchesInStages).map(\.rawValue).joined(separator: ", ")
      throw refuse("stages", "some", "none with \(method.rawValue), or \(others)")
    }
    guard let first = stages.first else { return }
    guard keptOperations == nil else { throw refuse("operations", "some", "null: the stages keep their own") }
    guard first.operations == space.operationsPerEdge else {
      throw refuse(
        "stages[0].operations", first.operations, "\(space.operationsPerEdge), those of \(space.rawValue)")
    }
    for (index, (before, after)) in zip(stages, stages.dropFirst()).enumerated() where after.operations > before.operations {
      throw refuse(
        "stages[\(index + 1)].operations", after.operations, "at most \(before.operations), those of the stage before")
    }
    for (index, stage) in stages.enumerated() {
      // With two of them an edge has an operation other than none.
      let least =
        zip(space.kinds, space.operations.candidates).contains { kind, edges in
          !kind.derivation.keepsNone && edges.contains { $0.contains(.none) }
        } ? 2 : 1
      try InputError.require(
        stage.operations >= least, "stages[\(index)].operations", stage.operations, "\(least) or more")
      do {
        try self.stage(index, operations: nil).validate()
      } catch var error as InputError {
        error.place = .setting("stages", being: "[\(index)], \(error.place.setting ?? error.place.description)")
        throw error
      }
    }
  }
}
