import Cells
import Formats
import Foundation

/// A file of anyone's weights, under the public DARTS names: safetensors, or what `torch.save` wrote.
struct WeightsFile {
  let file: TensorFile
  /// What was changed to read it.
  let notes: [String]

  /// What DataParallel puts in front of every name.
  private static let parallelPrefix = TorchCheckpoint.parallelPrefix

  /// - Parameter isVerified: whether a checksum that the file carries has to be that of its content.
  /// - Throws: `InputError` where the file cannot be read, is none of weights, holds anything else than tensors and plain data,
  ///   several state_dicts, or a name with and without the prefix of DataParallel.
  init(readingFrom path: String, isVerified: Bool = false) throws {
    var notes: [String] = []
    let read: TensorFile
    if Self.isTorch(path) {
      let checkpoint = try TorchCheckpoint(readingFrom: path)
      read = checkpoint.file
      notes = checkpoint.notes
    } else {
      try Self.refuseOtherFormats(path)
      read = try TensorFile(readingFrom: path)
      if isVerified { try read.verifyChecksum() }
    }
    let count = read.tensors.keys.count { $0.hasPrefix(Self.parallelPrefix) }
    let plain = try Self.renamed(read, Self.plain) {
      InputError(
        "a tensor with and without '\(Self.parallelPrefix)' in front", at: .file(path), found: "\(count) names with it",
        wanted: "all names with it or none")
    }
    if count > 0 { notes.append("\(path): '\(Self.parallelPrefix)' taken off the front of \(count) names") }
    let progressive = plain.tensors.keys.count { Self.progressiveNames.keys.contains(where: $0.contains) }
    file = try Self.renamed(plain, Self.usual) {
      InputError("names of P-DARTS and of DARTS for one tensor", at: .file(path), wanted: "one of them")
    }
    if progressive > 0 {
      notes.append("\(path): \(progressive) names of P-DARTS (cell_ops, m_ops) read as those of DARTS (_ops)")
    }
    self.notes = notes
  }

  /// What P-DARTS calls the edges of a cell and the operations of an edge (chenxin061/pdarts, model_search.py, 15 and 51).
  private static let progressiveNames = [".cell_ops.": "._ops.", ".m_ops.": "._ops."]

  private static func usual(_ name: String) -> String {
    progressiveNames.reduce(name) { $0.replacingOccurrences(of: $1.key, with: $1.value) }
  }

  private static func renamed(
    _ file: TensorFile, _ rename: (String) -> String, ambiguity: () -> InputError
  ) throws -> TensorFile {
    let tensors = file.tensors.values.map { NamedTensor(name: rename($0.name), shape: $0.shape, values: $0.values) }
    let result = TensorFile(path: file.path, metadata: file.metadata, tensors: tensors)
    guard result.tensors.count == file.tensors.count else { throw ambiguity() }
    return result
  }

  /// The same weights with α of another file, of all tensors that it has.
  ///
  /// - Throws: `InputError` where that holds no α.
  func replacingAlphas(by alphas: AlphaFile) throws -> WeightsFile {
    let names = ArchitectureParameters.tensorNames
    let values = alphas.file.tensors.values.filter { names.contains($0.name) }
    guard !values.isEmpty else {
      throw InputError(
        "no α", at: .file(alphas.file.path), found: "\(alphas.file.tensors.count) tensors",
        wanted: names.prefix(2).joined(separator: ", "))
    }
    let tensors = file.tensors.values.filter { alphas.file.tensors[$0.name] == nil || !names.contains($0.name) } + values
    return WeightsFile(
      file: TensorFile(path: file.path, metadata: file.metadata, tensors: tensors), notes: notes + alphas.notes)
  }

  /// A file of nothing but α.
  init(_ alphas: AlphaFile) { self.init(file: alphas.file, notes: alphas.notes) }

  private init(file: TensorFile, notes: [String]) { (self.file, self.notes) = (file, notes) }

  /// Whether a file holds tensors by name, as far as its name or its first bytes say; for those of anything else a reader of
  /// texts is asked.
  static func isTensors(_ path: String) -> Bool { path.hasSuffix(".safetensors") || isTorch(path) }

  /// Whether `torch.save` wrote it, as far as its first bytes say; an archive of numpy arrays has the same ones.
  private static func isTorch(_ path: String) -> Bool {
    guard !path.hasSuffix(".npz"), let start = try? FileBytes.read(path, atMost: 40) else { return false }
    return TorchFile.Format(start) != nil
  }

  private static func plain(_ name: String) -> String {
    name.hasPrefix(parallelPrefix) ? String(name.dropFirst(parallelPrefix.count)) : name
  }

  /// Pickles and numpy's own files say what they are in their first bytes, whatever their names end in.
  ///
  /// - Throws: `InputError` that says what they are.
  static func refuseOtherFormats(_ path: String) throws {
    guard let start = try? FileBytes.read(path, atMost: 264), start.count >= 8 else { return }
    let kind: String
    if start.starts(with: [0x50, 0x4B, 3, 4]) {
      kind = path.hasSuffix(".npz") ? "a zip archive of numpy arrays" : "a zip archive"
    } else if start[0] == 0x80, (2...5).contains(start[1]), start[4..<8].contains(where: { $0 != 0 }) {
      // Where safetensors has the length of its header, whose upper bytes are 0.
      kind = "a pickle without PyTorch's magic number"
    } else if start.starts(with: [0x93] + Array("NUMPY".utf8)) {
      kind = "a numpy array"
    } else if start.count > 262, Array(start[257..<262]) == Array("ustar".utf8) {
      kind = "a tar archive, as PyTorch before 0.1.11 wrote"
    } else {
      return
    }
    throw InputError(
      "no file of weights", at: .file(path), found: kind,
      wanted: "safetensors, or what torch.save wrote (README.md, \"Your own PyTorch supernet\")")
  }
}
