import Formats
import Foundation

/// Folders of JPEG and PNG images, one a class: `train/CLASS/…` and `val/CLASS/…` (or `test/CLASS/…`), as ImageNet is
/// unpacked, or `CLASS/…` alone, which has no test images. Classes are numbered in the order of their names' bytes.
public enum ImageFolder {
  /// How training images are brought to the side of a batch.
  public enum Crop: String, CaseIterable, Sendable {
    /// A random part, resized, and colour jitter, as ImageNet is trained; tested on the centre of the image whose shorter
    /// side is 256/224 of the batch's.
    case resized
    /// The centre of the image whose shorter side is the batch's; then padded and cropped at random, as CIFAR is trained.
    case padded
  }

  public static let sides = 8...1024
  static let endings = [".jpeg", ".jpg", ".png"]

  /// Lists a folder; images are decoded when batches are made.
  ///
  /// - Parameters:
  ///   - side: Height and width of the images of a batch.
  ///   - normalisation: Nil for that of ImageNet.
  /// - Throws: `InputError` where there are no classes, a class has no images, or training and test classes differ.
  public static func load(
    folder: String, side: Int = 224, crop: Crop = .resized, normalisation: Normalisation? = nil
  ) throws -> ImageDataset {
    guard sides.contains(side) else {
      throw InputError(
        "image size out of range", at: .file(folder), found: "\(side)", wanted: "\(sides.lowerBound) to \(sides.upperBound)")
    }
    let entries = try DatasetFiles.entries(of: folder, expected: "a folder with one folder a class")
    let hasTraining = entries.contains("train") && isFolder("\(folder)/train")
    let test = ["val", "test"].filter { entries.contains($0) && isFolder("\(folder)/\($0)") }
    guard hasTraining || test.isEmpty else {
      throw InputError("there is no such folder", at: .file("\(folder)/train"), found: test.joined(separator: ", "))
    }
    let resizedSide = crop == .resized ? Int((256.0 * Double(side) / 224).rounded()) : side
    func split(_ root: String, like classes: [String]?) throws -> ImageFiles {
      try list(root, classes: classes, side: side, resizedSide: resizedSide)
    }
    let training = try split(hasTraining ? "\(folder)/train" : folder, like: nil)
    let testing = hasTraining ? try test.first.map { try split("\(folder)/\($0)", like: training.folders) } : nil
    return try ImageDataset(
      name: "images", classes: training.folders.count, side: side,
      training: .init(pixels: .files(training), labels: training.members),
      test: testing.map { .init(pixels: .files($0), labels: $0.members) }, normalisation: normalisation ?? .imageNet,
      classNames: training.folders, augmentation: crop == .resized ? .imageNet : .darts)
  }

  private static func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
  }

  private static func list(_ root: String, classes: [String]?, side: Int, resizedSide: Int) throws -> ImageFiles {
    let folders = try DatasetFiles.entries(of: root).filter { !$0.hasPrefix(".") && isFolder("\(root)/\($0)") }
    guard !folders.isEmpty else {
      throw InputError("there are no classes", at: .file(root), wanted: "one folder a class")
    }
    if let classes, let strange = Set(classes).symmetricDifference(folders).min() {
      throw InputError(
        classes.contains(strange) ? "a class of the training images is missing" : "a class without training images",
        at: .file("\(root)/\(strange)"))
    }
    var names: [String] = []
    var members: [Int32] = []
    for (label, name) in folders.enumerated() {
      let folder = "\(root)/\(name)"
      let files = try DatasetFiles.entries(of: folder).filter { !$0.hasPrefix(".") }
      if let strange = files.first(where: { file in !endings.contains { file.lowercased().hasSuffix($0) } }) {
        throw InputError("not named as an image", at: .file("\(folder)/\(strange)"), wanted: endings.joined(separator: ", "))
      }
      guard !files.isEmpty else { throw InputError("a class without images", at: .file(folder)) }
      names += files
      members += Array(repeating: Int32(label), count: files.count)
    }
    return ImageFiles(root: root, folders: folders, names: names, members: members, side: side, resizedSide: resizedSide)
  }
}
