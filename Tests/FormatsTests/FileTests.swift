import CZlib
import Formats
import Foundation
import TestSupport
import Testing

@Suite("Files and folders")
struct FileTests {
  let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  @Test("An atomic write replaces the file, leaves nothing beside it, and gives it ordinary permissions")
  func atomicWrite() throws {
    let path = folder.file("a.txt")
    try AtomicFile.write("first", to: path)
    try AtomicFile.write("second, longer", to: path)
    #expect(try FileBytes.read(path) == Array("second, longer".utf8))
    try AtomicFile.write([], to: path)
    #expect(try FileBytes.read(path) == [])
    #expect(try folder.entries == ["a.txt"])
    let mask = umask(0)
    umask(mask)
    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    #expect(mode == Int(0o666 & ~mask))
  }

  @Test("A write that cannot be put in place leaves the old content and no temporary file")
  func failedWrite() throws {
    // A folder cannot be replaced by a file.
    try FileManager.default.createDirectory(atPath: folder.file("d"), withIntermediateDirectories: true)
    let failure = try #require(throws: InputError.self) { try AtomicFile.write("x", to: folder.file("d")) }
    #expect(failure.place.file == folder.file("d"))
    #expect(try folder.entries == ["d"])
    for path in [folder.file("none/a.txt"), folder.file("")] {
      #expect(refusal { try AtomicFile.write("x", to: path) }?.hasPrefix(path) == true)
    }
    #expect(try folder.entries == ["d"])
  }

  @Test("A temporary file that a crash left behind does not stop the next write")
  func leftovers() throws {
    _ = try folder.write("rubbish", to: ".a.txt.\(getpid()).0.tmp")
    try AtomicFile.write("x", to: folder.file("a.txt"))
    #expect(try FileBytes.read(folder.file("a.txt")) == [UInt8(ascii: "x")])
  }

  @Test("An output folder is made with its parents, and an empty one is taken")
  func newFolder() throws {
    let made = try OutputFolder.create(at: folder.file("a/b/c"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.file("a/b/c")).isEmpty)
    #expect(try OutputFolder.create(at: made.path) == made)
    let inner = try made.subfolder("figures")
    try AtomicFile.write("x", to: inner.file("f.png"))
    #expect(FileManager.default.fileExists(atPath: folder.file("a/b/c/figures/f.png")))
    #expect(try made.subfolder("figures") == inner)
  }

  @Test("An output folder with content, a file, and a path that cannot be made are refused with the reason")
  func refusedFolders() throws {
    _ = try folder.write("x", to: "metrics.csv")
    let full = try #require(throws: InputError.self) { try OutputFolder.create(at: folder.path) }
    #expect(full.description.contains("metrics.csv") && full.description.contains("absent or empty"))
    let file = try #require(throws: InputError.self) { try OutputFolder.create(at: folder.file("metrics.csv")) }
    #expect(file.description.contains("a file of that name"))
    let below = try #require(throws: InputError.self) { try OutputFolder.create(at: folder.file("metrics.csv/run")) }
    #expect(below.description.contains("cannot be made") && below.description.contains(strerrorText(ENOTDIR)))
    #expect(refusal { try OutputFolder.create(at: "/proc/zarts-run") }?.hasPrefix("/proc/zarts-run: ") == true)
    #expect(refusal { try OutputFolder.create(at: "") } == "\"\"")
    #expect(try folder.entries == ["metrics.csv"], "a refusal must change nothing")
  }

  @Test(
    "An output folder without write permission is refused",
    .disabled(if: geteuid() == 0, "root may write anywhere"))
  func unwritable() throws {
    let path = folder.file("closed")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    #expect(chmod(path, 0o555) == 0)
    let failure = try #require(throws: InputError.self) { try OutputFolder.create(at: path) }
    #expect(failure.description.contains("cannot be written"))
  }

  @Test("A run that continues needs its folder")
  func existingFolder() throws {
    #expect(try OutputFolder.existing(at: folder.path).path == folder.path)
    #expect(refusal { try OutputFolder.existing(at: folder.file("none")) }?.hasPrefix(folder.file("none")) == true)
    let file = try folder.write("x", to: "f")
    #expect(refusal { try OutputFolder.existing(at: file) } == "\(file): a file")
  }

  func strerrorText(_ code: Int32) -> String { String(cString: strerror(code)) }
}

@Suite("Gzip files")
struct GzipTests {
  let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  /// Compresses with zlib itself.
  static func gzip(_ bytes: [UInt8]) throws -> [UInt8] {
    var stream = z_stream()
    let started = deflateInit2_(
      &stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    try #require(started == Z_OK)
    defer { deflateEnd(&stream) }
    var input = bytes
    var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(bytes.count))))
    let status = input.withUnsafeMutableBufferPointer { source in
      output.withUnsafeMutableBufferPointer { target in
        stream.next_in = source.baseAddress
        stream.avail_in = UInt32(source.count)
        stream.next_out = target.baseAddress
        stream.avail_out = UInt32(target.count)
        return deflate(&stream, Z_FINISH)
      }
    }
    try #require(status == Z_STREAM_END)
    return Array(output[..<Int(stream.total_out)])
  }

  static let content = (0..<700_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) }

  @Test("The content comes back whole, from one member, from several, and from an empty one")
  func content() throws {
    let path = try folder.write(try Self.gzip(Self.content), to: "a.gz")
    #expect(try Gzip.read(path) == Self.content)
    let parts = try Self.gzip(Array(Self.content[..<1000])) + Self.gzip([]) + Self.gzip(Array(Self.content[1000...]))
    #expect(try Gzip.read(folder.write(parts, to: "b.gz")) == Self.content)
    #expect(try Gzip.read(folder.write(try Self.gzip([]), to: "c.gz")) == [])
    // A content that fills zlib's output buffer exactly.
    let exact = [UInt8](repeating: 7, count: 1 << 18)
    #expect(try Gzip.read(folder.write(try Self.gzip(exact), to: "d.gz")) == exact)
  }

  @Test("A file cut anywhere is called truncated")
  func truncated() throws {
    let whole = try Self.gzip(Array(Self.content[..<20_000]))
    for cut in Array(2..<30) + [whole.count / 2, whole.count - 8, whole.count - 1] {
      let path = try folder.write(Array(whole[..<cut]), to: "t.gz")
      let failure = try #require(throws: InputError.self, "cut after \(cut)") { try Gzip.read(path) }
      #expect(failure.description.contains("truncated") && failure.place.file == path)
    }
  }

  @Test("A flipped bit, trailing rubbish, and a file that is no gzip are refused")
  func corrupt() throws {
    let whole = try Self.gzip(Array(Self.content[..<20_000]))
    for index in [whole.count / 2, whole.count - 5, whole.count - 2] {
      var bytes = whole
      bytes[index] ^= 1
      let path = try folder.write(bytes, to: "c.gz")
      #expect(refusal { try Gzip.read(path) }?.hasPrefix(path) == true, "bit of byte \(index)")
    }
    #expect(refusal { try Gzip.read(folder.write(whole + [1, 2, 3], to: "r.gz")) }?.hasPrefix(folder.file("r.gz")) == true)
    let plain = try #require(throws: InputError.self) { try Gzip.read(folder.write("plain", to: "p.gz")) }
    #expect(plain.description.contains("not a gzip file"))
    #expect(refusal { try Gzip.read(folder.write([UInt8](), to: "e.gz")) } == "\(folder.file("e.gz")): the first bytes []")
    #expect(refusal { try Gzip.read(folder.file("none.gz")) }?.hasPrefix(folder.file("none.gz")) == true)
  }

  @Test("A file that would fill the memory is stopped at the limit")
  func limit() throws {
    let path = try folder.write(try Self.gzip([UInt8](repeating: 0, count: 2_000_000)), to: "bomb.gz")
    #expect(try Gzip.read(path, limit: 2_000_000).count == 2_000_000)
    let failure = try #require(throws: InputError.self) { try Gzip.read(path, limit: 1_999_999) }
    #expect(failure.description.contains("more than 1999999 bytes"))
  }
}
