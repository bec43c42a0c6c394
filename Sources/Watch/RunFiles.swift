import Foundation

/// The files of one folder, opened so that no path and no link leads out of it.
struct RunFiles: Sendable {
  /// Why a file is not handed out.
  enum Refusal: Error, Equatable {
    /// The path itself is none that a file here could have.
    case malformed
    case absent
    /// A link, a folder or a special file.
    case notAFile
    case tooLarge
  }

  let folder: String
  /// Larger ones are no reading for a browser: copy them from the folder.
  static let largest = 64 << 20
  private static let deepest = 8

  /// The bytes of a regular file.
  ///
  /// - Parameter path: relative to the folder, parts divided by "/", decoded.
  func read(_ path: String) throws(Refusal) -> [UInt8] {
    let descriptor = try open(path)
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw .notAFile }
    guard status.st_size <= Self.largest else { throw .tooLarge }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    var count = 0
    while count < bytes.count {
      let got = bytes.withUnsafeMutableBytes { Foundation.read(descriptor, $0.baseAddress! + count, $0.count - count) }
      if got < 0 && errno == EINTR { continue }
      guard got > 0 else { break }
      count += got
    }
    // A file that became shorter meanwhile is what it is now.
    return Array(bytes[..<count])
  }

  /// Walks down from the folder one part at a time, never through a link: what a path means cannot change in between.
  private func open(_ path: String) throws(Refusal) -> Int32 {
    guard path.utf8.count <= 1024 else { throw .malformed }
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    guard (1...Self.deepest).contains(parts.count), parts.allSatisfy(Self.isPlain) else { throw .malformed }
    var descriptor = Foundation.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .absent }
    for (index, part) in parts.enumerated() {
      let kind = index + 1 < parts.count ? O_DIRECTORY : O_NONBLOCK
      let next = openat(descriptor, String(part), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | kind)
      let reason = errno
      close(descriptor)
      guard next >= 0 else {
        throw reason == ENOENT ? .absent : .notAFile
      }
      descriptor = next
    }
    return descriptor
  }

  /// A name that our programs could have given: not hidden, no way up, nothing that a terminal or a shell would take amiss.
  private static func isPlain(_ part: Substring) -> Bool {
    !part.isEmpty && !part.hasPrefix(".")
      && part.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F && $0 != "\\" && $0 != ":" }
  }

  /// Paths of the files that would be handed out, sorted.
  func names() -> [String] {
    entries().filter { $0.status.st_mode & S_IFMT == S_IFREG && $0.status.st_size <= Self.largest }.map(\.name)
      .sorted { $0.compare($1, options: .numeric) == .orderedAscending }
  }

  /// Everything in the folder but folders and what is hidden; links as themselves.
  private func entries() -> [(name: String, status: stat)] {
    var result: [(name: String, status: stat)] = []
    func visit(_ path: String, _ prefix: String, _ depth: Int) {
      guard depth > 0, result.count < 2000 else { return }
      for name in ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() where Self.isPlain(name[...])
      {
        var status = stat()
        guard lstat("\(path)/\(name)", &status) == 0 else { continue }
        if status.st_mode & S_IFMT == S_IFDIR {
          visit("\(path)/\(name)", prefix + name + "/", depth - 1)
        } else {
          result.append((prefix + name, status))
        }
      }
    }
    visit(folder, "", Self.deepest)
    return result
  }

  /// Names the state of the files: any that grows, appears or is replaced gives another one.
  func revision() -> String {
    // FNV-1a (Fowler, Noll and Vo): nothing here has to withstand an attack.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func take(_ text: String) { for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 } }
    for (name, status) in entries() where !"/\(name)".contains("/checkpoints/") {
      take(
        "\(name) \(status.st_mode) \(status.st_size) \(status.st_ino) \(status.st_mtim.tv_sec) \(status.st_mtim.tv_nsec);")
    }
    return String(hash, radix: 16)
  }
}
