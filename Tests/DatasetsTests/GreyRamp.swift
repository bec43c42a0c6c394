import Datasets
import Formats

extension DatasetKind {
  /// Squares of one grey each, `grey:DIR` with `grey.txt`, a line `GREY LABEL` an image; `levels=N` classes, 4 unless asked
  /// otherwise. A kind that the package does not have: all that it takes to add one is this file, and in the package a line in
  /// `DatasetKind.declared`.
  static let grey = DatasetKind(
    name: "grey", place: "DIR", mayBeHalved: true, options: [.choice("levels", of: ["4", "8"])],
    load: { specification in
      let path = specification.location + "/grey.txt"
      let lines = String(decoding: try FileBytes.read(path), as: UTF8.self).split(separator: "\n")
      let images = try lines.enumerated().map { index, line in
        let numbers = line.split(separator: " ").compactMap { UInt8($0) }
        guard numbers.count == 2 else {
          throw InputError("no image", at: .file(path, "line \(index + 1)"), found: "'\(line)'", wanted: "GREY LABEL")
        }
        return (grey: numbers[0], label: Int32(numbers[1]))
      }
      return try ImageDataset(
        name: "grey", classes: Int(specification[option: "levels"]) ?? 4, side: 32, storedChannels: 1,
        training: .init(
          pixels: .bytes(images.flatMap { Array(repeating: $0.grey, count: 32 * 32) }), labels: images.map(\.label)),
        normalisation: .identity)
    }, files: { [try CheckedFile(reading: $0.location + "/grey.txt")] })
}
