import Formats
import Foundation

/// A safetensors file of anyone's weights, under the public DARTS names.
struct WeightsFile {
  let file: TensorFile
  /// What was changed to read it.
  let notes: [String]

  /// What DataParallel puts in front of every name.
  private static let parallelPrefix = "module."

  /// - Throws: `InputError` where the file cannot be read, is none of safetensors, or holds a name with and without the
  ///   prefix of DataParallel.
  init(readingFrom path: String) throws {
    try Self.refuseOtherFormats(path)
    let read = try TensorFile(readingFrom: path)
    let count = read.tensors.keys.count { $0.hasPrefix(Self.parallelPrefix) }
    guard count > 0 else {
      (file, notes) = (read, [])
      return
    }
    let tensors = read.tensors.values.map { tensor in
      NamedTensor(name: Self.plain(tensor.name), shape: tensor.shape, values: tensor.values)
    }
    file = TensorFile(path: path, metadata: read.metadata, tensors: tensors)
    guard file.tensors.count == read.tensors.count else {
      throw InputError(
        "a tensor with and without '\(Self.parallelPrefix)' in front", at: .file(path), found: "\(count) names with it",
        wanted: "all names with it or none")
    }
    notes = ["\(path): '\(Self.parallelPrefix)' taken off the front of \(count) names"]
  }

  private static func plain(_ name: String) -> String {
    name.hasPrefix(parallelPrefix) ? String(name.dropFirst(parallelPrefix.count)) : name
  }

  /// PyTorch's and numpy's own files say what they are in their first bytes, whatever their names end in.
  ///
  /// - Throws: `InputError` that says how to convert them.
  static func refuseOtherFormats(_ path: String) throws {
    guard let handle = FileHandle(forReadingAtPath: path), let start = try? handle.read(upToCount: 8), start.count == 8
    else {
      return
    }
    let bytes = Array(start)
    let kind: String
    if bytes.starts(with: [0x50, 0x4B, 3, 4]) {
      kind = path.hasSuffix(".npz") ? "a zip archive of numpy arrays" : "a zip archive, as torch.save writes"
    } else if bytes[0] == 0x80, (2...5).contains(bytes[1]), bytes[4...].contains(where: { $0 != 0 }) {
      // Where safetensors has the length of its header, whose upper bytes are 0.
      kind = "a pickle, as older versions of torch.save write"
    } else if bytes.starts(with: [0x93] + Array("NUMPY".utf8)) {
      kind = "a numpy array"
    } else {
      return
    }
    throw InputError(
      "not a safetensors file", at: .file(path), found: kind,
      wanted:
        "safetensors, which examples/pytorch/convert_checkpoint.py makes of it (README.md, \"Your own PyTorch supernet\")")
  }
}
