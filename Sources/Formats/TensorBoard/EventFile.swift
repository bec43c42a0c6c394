import Foundation

/// An events.out.tfevents file, which TensorBoard reads while it grows: records in TensorFlow's framing
/// (tensorflow/core/lib/io/record_writer.h), each a `TrainingEvent`.
///
/// A record is handed to the system in one call before `append` returns, so a killed process loses none. Readers take the
/// files of a folder in the order of their names; a run that goes on opens a new one, and says from which step on the
/// earlier ones no longer count.
public final class EventFile {
  public let path: String
  private let descriptor: Int32
  private let now: () -> Double

  /// Opens a new file behind those that the folder holds.
  ///
  /// - Parameters:
  ///   - restartingAt: drops, for readers, what earlier files hold of this step and later ones; nil for a new run.
  ///   - now: seconds since 1970.
  /// - Throws: `InputError` where the file cannot be made.
  public init(
    in folder: OutputFolder, restartingAt step: Int? = nil, now: @escaping () -> Double = { Date().timeIntervalSince1970 }
  ) throws {
    self.now = now
    path = folder.file(Self.name(after: Self.names(in: folder), now: now()))
    descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw InputError("cannot be made", at: .file(path), found: FileBytes.systemReason())
    }
    try append(TrainingEvent(wallTime: now(), step: 0, content: .fileVersion))
    if let step { try append(TrainingEvent(wallTime: now(), step: step, content: .restart)) }
  }

  deinit { close(descriptor) }

  /// - Throws: `InputError` where the disk is full.
  public func append(_ values: [TrainingEvent.Value], step: Int) throws {
    try append(TrainingEvent(wallTime: now(), step: step, content: .summary(values)))
  }

  private func append(_ event: TrainingEvent) throws {
    try Self.record(event.bytes).withUnsafeBytes { try AtomicFile.writeAll($0, to: descriptor, path: path) }
  }

  /// Brings every record to disk.
  public func synchronise() throws {
    guard fsync(descriptor) == 0 else {
      throw InputError("cannot be brought to disk", at: .file(path), found: FileBytes.systemReason())
    }
  }

  /// Length, its masked check, the data, their masked check; all little-endian.
  public static func record(_ data: [UInt8]) -> [UInt8] {
    var result = withUnsafeBytes(of: UInt64(data.count).littleEndian) { Array($0) }
    result += masked(result)
    return result + data + masked(data)
  }

  /// Rotated and shifted, so that a check over data that hold checks stays meaningful.
  private static func masked(_ bytes: [UInt8]) -> [UInt8] {
    let check = CRC32C.value(of: bytes)
    let value = (check >> 15 | check << 17) &+ 0xA282_EAD8
    return withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  private static let prefix = "events.out.tfevents."

  /// Event files of a folder, in the order in which readers take them.
  public static func names(in folder: OutputFolder) -> [String] {
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return entries.filter { $0.hasPrefix(prefix) }.sorted()
  }

  /// Seconds since 1970 and the machine, as everywhere; later than the last file's even where runs start within a second.
  private static func name(after names: [String], now: Double) -> String {
    let last = names.last.flatMap { Int($0.dropFirst(prefix.count).prefix { $0.isNumber }) } ?? 0
    let second = max(Int(now), last + 1)
    let digits = String(second)
    var host = [CChar](repeating: 0, count: 256)
    gethostname(&host, host.count - 1)
    let machine = String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return prefix + String(repeating: "0", count: max(0, 10 - digits.count)) + digits + "." + machine
  }
}
