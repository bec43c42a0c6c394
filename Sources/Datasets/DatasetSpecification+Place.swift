import Foundation

/// Where data are is not what they are: the two taken apart.
extension DatasetSpecification {
  /// What the data are, wherever they lie: kind and options, such as `cifar10` or `images?size=32&crop=padded`.
  public var kind: String { text(naming: nil) }

  /// The kind of a dataset as settings name it. A name that is no specification has no place, and is its own kind.
  public static func kind(of text: String) -> String { (try? Self(parsing: text))?.kind ?? text }

  /// Whether something is at its place; what, loading says.
  package var isThere: Bool { FileManager.default.fileExists(atPath: location) }

  /// Whether its images are brought to half their side.
  package var isOfHalfSide: Bool { isHalved }

  /// Its name without place and options, such as `cifar10`.
  package var name: String { datasetKind.name }

  /// Training and test images of the published dataset; nil where every such dataset has its own, and with options that
  /// change them.
  package var publishedCounts: (training: Int, test: Int)? { hasUsualOptions ? datasetKind.counts : nil }

  /// The same data by a path that leads to them from any folder.
  ///
  /// - Parameter folder: where a relative path starts; the working folder where it is not given.
  public func absolute(from folder: String = FileManager.default.currentDirectoryPath) -> Self {
    func absolute(_ path: String) -> String {
      guard !path.hasPrefix("/") else { return path }
      let parts = path.split(separator: "/").drop { $0 == "." }
      return parts.isEmpty ? folder : (folder.hasSuffix("/") ? folder : folder + "/") + parts.joined(separator: "/")
    }
    return moved(to: absolute(location))
  }

  /// A dataset as settings name it, by a path that leads to it from any folder. A name that is no specification stays.
  public static func absolute(_ text: String) -> String { (try? Self(parsing: text))?.absolute().description ?? text }

  /// A path whose leading `~` stands for the home folder, as shells read it where nothing precedes it.
  static func expanded(_ path: String) -> String {
    guard path == "~" || path.hasPrefix("~/") else { return path }
    let home = ProcessInfo.processInfo.environment["HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? NSHomeDirectory()
    return (home.hasSuffix("/") ? String(home.dropLast()) : home) + path.dropFirst()
  }
}
