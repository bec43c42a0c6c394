import Foundation

/// Reads whole files, with errors that name the file and the system's reason.
public enum FileBytes {
  /// Every byte of a regular file, or its first ones.
  ///
  /// - Parameter limit: bytes to read at most.
  /// - Throws: `InputError` when the file is absent, unreadable, or not a regular file.
  public static func read(_ path: String, atMost limit: Int = .max) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw InputError("cannot be opened for reading", at: .file(path), found: systemReason())
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw InputError("cannot be examined", at: .file(path), found: systemReason())
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      let kind = status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "a special file"
      throw InputError("is not a file that can be read", at: .file(path), found: kind, wanted: "a regular file")
    }
    let size = min(Int(status.st_size), limit)
    let bytes = try [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      while count < size {
        let got = Foundation.read(descriptor, buffer.baseAddress! + count, min(size - count, 1 << 30))
        if got < 0 && errno == EINTR { continue }
        guard got >= 0 else {
          throw InputError("cannot be read", at: .file(path, "byte \(count)"), found: systemReason())
        }
        if got == 0 { break }
        count += got
      }
    }
    guard bytes.count == size else {
      throw InputError(
        "became shorter while it was read", at: .file(path), found: "\(bytes.count) bytes", wanted: "\(size) bytes")
    }
    return bytes
  }

  /// Bytes of a file, which is not read.
  ///
  /// - Throws: `InputError` where it is not there.
  public static func size(_ path: String) throws -> Int {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw InputError("cannot be examined", at: .file(path), found: systemReason())
    }
    return Int(status.st_size)
  }

  /// The text of the last failed system call.
  package static func systemReason() -> String { String(cString: strerror(errno)) }
}
