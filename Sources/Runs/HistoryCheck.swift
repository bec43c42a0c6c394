import Formats

/// CRC-32C of each row of a run's tables: a checkpoint carries those of the epochs up to its own, and so tells which row
/// was edited since, or is another run's.
package enum HistoryCheck {
  /// Metadata of a checkpoint: the checks of a file's rows, 8 digits each, with spaces between.
  package enum Key: String {
    case metrics = "history.metrics"
    case genotypes = "history.genotypes"
    case alphas = "history.alphas"
  }

  /// Of the columns of a row of metrics.csv. Cells without a value do not count, so that a column which a later version
  /// adds changes no check.
  package static func of(_ row: [CSVField], columns: [String]) -> String {
    var check = CRC32C()
    for (column, cell) in zip(columns, row) where !cell.encoded.isEmpty {
      check.add(Array("\(column)=\(cell.encoded)\n".utf8))
    }
    return check.hexadecimal
  }

  /// Of a line of genotypes.txt.
  package static func of(line: String) -> String {
    var check = CRC32C()
    check.add(Array(line.utf8))
    return check.hexadecimal
  }

  /// Of the α of an epoch in alphas.npy, by their bits.
  package static func of(_ alphas: some Collection<Float>) -> String {
    var check = CRC32C()
    Array(alphas).withUnsafeBytes { check.add($0) }
    return check.hexadecimal
  }

  /// The entries that a checkpoint carries.
  package static func metadata(_ checks: [(Key, [String])]) -> [String: String] {
    Dictionary(uniqueKeysWithValues: checks.map { ($0.rawValue, $1.joined(separator: " ")) })
  }

  /// The checks that a checkpoint carries of a file; nil where an earlier version wrote it.
  package static func checks(_ key: Key, in metadata: [String: String]) -> [String]? {
    metadata[key.rawValue].map { $0.split(separator: " ").map(String.init) }
  }

  /// - Throws: `InputError` that names the first row which is not the one that the checkpoint was written after.
  package static func require(
    _ found: [String], _ key: Key, in metadata: [String: String], of checkpoint: String, at path: String
  )
    throws
  {
    guard let wanted = checks(key, in: metadata) else { return }
    for (index, check) in wanted.enumerated() {
      guard found.indices.contains(index) else {
        throw InputError(
          "a row is missing", at: .file(path, "row \(index + 1)"), found: "\(found.count) rows",
          wanted: "\(wanted.count), as when \(checkpoint) was written")
      }
      guard found[index] == check else {
        throw InputError(
          "not the row that this run wrote", at: .file(path, "row \(index + 1)"), found: "checksum \(found[index])",
          wanted: "\(check), as \(checkpoint) has it")
      }
    }
  }
}

extension HistoryCheck {
  /// The checkpoint to hold a table against: the newest, unless it is damaged and ahead of the table, since its epoch is
  /// computed again then.
  ///
  /// - Parameter checkpoints: the newest first.
  package static func carrier(
    of rows: Int, among checkpoints: [(path: String, metadata: [String: String])]
  ) -> (path: String, metadata: [String: String])? {
    checkpoints.first { checkpoint in
      (checks(.metrics, in: checkpoint.metadata)?.count ?? 0) <= rows
        || (try? TensorFile(readingFrom: checkpoint.path).verifyChecksum()) != nil
    }
  }
}

extension RunFolder {
  /// What the checkpoints say, the newest first; those that cannot be read say nothing.
  package func checkpointMetadata() -> [(path: String, metadata: [String: String])] {
    checkpoints().reversed().compactMap { checkpoint in
      (try? TensorFile.metadata(readingFrom: checkpoint.path)).map { (path: checkpoint.path, metadata: $0) }
    }
  }

  /// - Throws: `InputError` where a checkpoint has the name of another.
  package func requirePlace(of checkpoint: TensorFile, epoch: Int, step: Int) throws {
    guard let named = checkpoints().first(where: { $0.path == checkpoint.path }),
      (named.epoch, named.step) != (epoch, step)
    else { return }
    throw InputError(
      "the name of another checkpoint", at: .file(checkpoint.path),
      found: "the state after \(epoch) epochs and \(step) steps",
      wanted: "that after \(named.epoch) epochs and \(named.step) steps")
  }
}
