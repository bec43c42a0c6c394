import Cells
import Formats
import Search

/// Where the architecture of a selection by perturbation and that of the argmax rule differ.
extension DiagnosisSupplement {
  /// - Parameter selection: the folder of one that is finished.
  /// - Throws: `InputError` where it is not finished, cannot be read, or is of another search.
  public static func selection(_ selection: ProjectionFolder, of search: SearchConfiguration) throws -> DiagnosisSupplement {
    let own = try selection.search()
    if let difference = own.difference(from: search) {
      throw InputError(
        "a selection of another search", at: .setting(difference.key, in: selection.searchPath), found: difference.own,
        wanted: difference.other)
    }
    return account(
      SelectionDifference(argmax: try selection.argmax(), selected: try selection.genotype()),
      rule: try selection.settings().selection.rawValue, in: selection.folder.path)
  }

  /// - Parameters:
  ///   - rule: of the selection, in a word.
  ///   - folder: that it is in.
  package static func account(_ difference: SelectionDifference, rule: String, in folder: String) -> DiagnosisSupplement {
    let cells = Array(zip(difference.argmax.cells, difference.selected.cells))
    var lines = cells.map { first, second in
      "\(first.kind.word) cell: \(difference.count(in: first.kind)) of \(first.kind.topology.edges.count) edges differ; "
        + "skip connections \(first.skipConnectionCount) by argmax, \(second.skipConnectionCount) by \(rule); "
        + "operations without weights \(first.parameterFreeCount) and \(second.parameterFreeCount)"
    }
    func name(_ operation: CellOperation?) -> String { operation?.rawValue ?? "not kept" }
    lines += difference.edges.map { edge in
      "\(edge.kind.word) cell, state \(edge.source) into node \(edge.node): \(name(edge.argmax)) by argmax, "
        + "\(name(edge.selected)) by \(rule)"
    }
    func list(_ key: String, _ value: (Genotype.Cell, Genotype.Cell) -> String) -> String {
      "  \(key): {" + cells.map { "\($0.kind.name): \(value($0, $1))" }.joined(separator: ", ") + "}\n"
    }
    let edges = difference.edges.map { edge in
      "    - {kind: \(edge.kind.name), edge: \(edge.row), source: \(edge.source), node: \(edge.node), "
        + "argmax: \(edge.argmax?.rawValue ?? "null"), selected: \(edge.selected?.rawValue ?? "null")}\n"
    }.joined()
    let yaml =
      "selection:\n  folder: \(JSONText.quoted(folder))\n  rule: \(rule)\n"
      + list("edges_differing") { first, _ in "\(difference.count(in: first.kind))" }
      + list("skip_connections_argmax") { first, _ in "\(first.skipConnectionCount)" }
      + list("skip_connections_selected") { _, second in "\(second.skipConnectionCount)" }
      + "  argmax: \(JSONText.quoted(difference.argmax.line))\n  selected: \(JSONText.quoted(difference.selected.line))\n"
      + (edges.isEmpty ? "  edges: []\n" : "  edges:\n\(edges)")
    return DiagnosisSupplement(
      title: "Selection by \(rule) beside the argmax rule (\(AtomicFile.split(folder).name))", lines: lines, yaml: yaml)
  }
}
