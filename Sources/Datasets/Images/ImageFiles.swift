import Formats
import Foundation

/// The image files of a split, decoded when a batch asks for them: they need not fit in memory.
public final class ImageFiles: Sendable {
  let root: String
  /// Folders below the root, one a class.
  let folders: [String]
  /// Names of all files, those of a class together.
  let names: [String]
  /// Class folder of each file.
  let members: [Int32]
  /// Side of the images of a batch.
  let side: Int
  /// What the shorter side is resized to before the centre is taken, where no random part is.
  let resizedSide: Int

  public var count: Int { names.count }

  init(root: String, folders: [String], names: [String], members: [Int32], side: Int, resizedSide: Int) {
    precondition(names.count == members.count, "one class a file")
    self.root = root
    self.folders = folders
    self.names = names
    self.members = members
    self.side = side
    self.resizedSide = resizedSide
  }

  public func path(_ position: Int) -> String { "\(root)/\(name(position))" }

  /// The path below the root.
  func name(_ position: Int) -> String { "\(folders[Int(members[position])])/\(names[position])" }

  /// - Throws: `InputError` where the file is gone.
  func byteCount(_ position: Int) throws -> Int {
    var status = stat()
    let path = path(position)
    guard stat(path, &status) == 0 else {
      throw InputError("cannot be examined", at: .file(path), found: String(cString: strerror(errno)))
    }
    return Int(status.st_size)
  }

  /// The image as it is stored.
  ///
  /// - Throws: `InputError` where the file is gone or damaged.
  package func decoded(_ position: Int) throws -> RGBImage {
    let path = path(position)
    return try ImageDecoder.decode(FileBytes.read(path), source: path)
  }

  /// The centre of the resized image, as torchvision's `Resize` and `CenterCrop` take it.
  package func centre(of image: RGBImage) -> RGBImage {
    let (width, height) = (image.width, image.height)
    let resized =
      width <= height
      ? Resampler.resize(image, width: resizedSide, height: max(resizedSide, resizedSide * height / width))
      : Resampler.resize(image, width: max(resizedSide, resizedSide * width / height), height: resizedSide)
    func margin(_ length: Int) -> Int { Int((Double(length - side) / 2).rounded(.toNearestOrEven)) }
    return resized.cropped(row: margin(resized.height), column: margin(resized.width), height: side, width: side)
  }
}
