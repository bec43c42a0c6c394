import Foundation

/// That a process works on something which many could work on, on one machine or on several that share a folder.
///
/// A claim is a file `NAME.GENERATION`. It outlives nobody: while its holder lives the file is locked (flock) and its time is
/// refreshed, and a claim that is neither is void. Whoever takes over makes the file of the next generation, which exactly one
/// can (`AtomicFile.create`), and only the highest generation counts. So nobody, however late, can remove or take what another has
/// taken since.
///
/// On the machine of the holder the lock alone decides, at once. Of another machine a lock that is held says that the
/// holder lives; one that can be had says little, since on some file systems (Lustre with `localflock`, NFS with
/// `local_lock`) each machine knows only its own: there the claim is void when its time has not been refreshed for
/// `Terms.patience`, on the clock of the file system.
public final class Claim: Sendable {
  /// How holders say that they live. All processes of a folder need the same.
  public struct Terms: Equatable, Sendable {
    /// Seconds from one refreshment to the next.
    public var beat: Double
    /// Seconds without one after which the claim of another machine is void. Above what clients of a network file system may
    /// keep times of files in a cache for, a minute as a rule.
    public var patience: Double

    public init(beat: Double = 20, patience: Double = 300) { (self.beat, self.patience) = (beat, patience) }
  }

  /// Who has a claim, as its file says.
  public struct Holder: Equatable, Sendable {
    public var host: String
    /// Of the running kernel; a machine that starts again has another.
    public var system: String
    public var process: Int32
    /// When it was made, ISO 8601, by the holder's clock.
    public var since: String
    /// Whether the holder could lock its file.
    var isLocked = false
    /// Whatever else the holder says, in a line.
    public var note: String

    /// This process, now.
    public static func present(note: String = "") -> Holder {
      Holder(
        host: ProcessInfo.processInfo.hostName, system: Self.bootIdentifier, process: getpid(),
        since: Date().formatted(.iso8601), note: note)
    }

    private static let bootIdentifier: String = {
      let text = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
      return text.map { $0.filter { !$0.isWhitespace } } ?? ProcessInfo.processInfo.hostName
    }()

    package init(host: String, system: String, process: Int32, since: String, note: String) {
      (self.host, self.system, self.process, self.since, self.note) = (host, system, process, since, note)
    }

    var text: String {
      "host: \(host)\nsystem: \(system)\nprocess: \(process)\nsince: \(since)\nlocked: \(isLocked)\nnote: \(note.replacing("\n", with: " "))\n"
    }

    /// nil for a text that is none, as one that is not written to its end.
    init?(_ text: String) {
      var values: [String: String] = [:]
      for line in text.split(separator: "\n") {
        let parts = line.split(separator: ":", maxSplits: 1)
        if parts.count == 2 { values[String(parts[0])] = String(parts[1].drop { $0 == " " }) }
      }
      guard let host = values["host"], let system = values["system"], let since = values["since"],
        let process = values["process"].flatMap({ Int32($0) }), text.hasSuffix("\n")
      else { return nil }
      self.init(host: host, system: system, process: process, since: since, note: values["note"] ?? "")
      isLocked = values["locked"] == "true"
    }
  }

  public enum State: Equatable, Sendable {
    /// Nobody has it.
    case free
    /// Somebody works; `quiet`: seconds since the last refreshment.
    case held(Holder, quiet: Double)
    /// Its holder was killed, and nobody has taken over.
    case void(Holder?)
  }

  private let heart: ClaimHeart

  private init(_ heart: ClaimHeart) { self.heart = heart }

  deinit { heart.release() }

  /// Claims something, or takes over from a holder that was killed.
  ///
  /// - Parameters:
  ///   - name: what to claim; a name that a file may have.
  ///   - folder: of claims, which is there.
  ///   - note: told to whoever asks who holds it.
  ///   - onLoss: called once, on another thread, where another takes over from a holder that stood still.
  /// - Returns: the claim, which lasts until it is released or deallocated; nil where another has it.
  /// - Throws: `InputError` where the folder cannot be read or written.
  public static func take(
    _ name: String, in folder: String, note: String = "", terms: Terms = Terms(), onLoss: @escaping @Sendable () -> Void = {}
  ) throws -> Claim? {
    let files = ClaimFiles(name: name, folder: folder)
    let newest = try files.newest()
    if let newest {
      switch try files.state(of: newest, terms) {
      case .held, nil: return nil
      case .free, .void: break
      }
    }
    let generation = (newest ?? 0) + 1
    let descriptor = try AtomicFile.create(at: files.path(generation)) { descriptor in
      var holder = Holder.present(note: note)
      // Before anybody can see it. Where the file system has no such locks, refreshments have to do.
      holder.isLocked = flock(descriptor, LOCK_EX | LOCK_NB) == 0
      return holder.text
    }
    guard let descriptor else { return nil }
    guard try files.newest() == generation else {
      // Others have come and gone while this process looked.
      unlink(files.path(generation))
      close(descriptor)
      return nil
    }
    files.remove(below: generation)
    return Claim(ClaimHeart(files, generation, descriptor, beat: terms.beat, onLoss: onLoss))
  }

  /// Names under which anything was ever claimed in a folder: all others are free.
  ///
  /// - Throws: `InputError` where the folder cannot be read.
  public static func names(in folder: String) throws -> Set<String> {
    Set(
      try ClaimFiles.entries(of: folder).compactMap { entry in
        entry.lastIndex(of: ".").flatMap { Int(entry[entry.index(after: $0)...]) == nil ? nil : String(entry[..<$0]) }
      })
  }

  /// Who has a claim.
  ///
  /// - Throws: `InputError` where the folder cannot be read.
  public static func state(of name: String, in folder: String, terms: Terms = Terms()) throws -> State {
    let files = ClaimFiles(name: name, folder: folder)
    // One that vanishes meanwhile has a successor.
    for _ in 0..<8 {
      guard let newest = try files.newest() else { return .free }
      if let state = try files.state(of: newest, terms) { return state }
    }
    return .free
  }

  /// Whether another has taken over, as from a process that stood still for longer than `Terms.patience`.
  public var isLost: Bool { heart.isLost }

  /// Gives it up. Others may have it from here on.
  public func release() { heart.release() }
}

/// The files of what is claimed under one name.
struct ClaimFiles: Sendable {
  let name: String
  let folder: String

  private static let released = "released\n"

  func path(_ generation: Int) -> String { "\(folder)/\(name).\(generation)" }

  static func entries(of folder: String) throws -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: folder)
    } catch {
      throw InputError("cannot be read", at: .file(folder), found: error.localizedDescription, wanted: "a folder of claims")
    }
  }

  private func generations() throws -> [Int] {
    try Self.entries(of: folder).compactMap { $0.hasPrefix(name + ".") ? Int($0.dropFirst(name.count + 1)) : nil }
  }

  /// The generation that counts; nil where nothing was ever claimed.
  func newest() throws -> Int? { try generations().max() }

  /// Those that count no more.
  func remove(below generation: Int) {
    for old in (try? generations()) ?? [] where old < generation { unlink(path(old)) }
  }

  /// nil where the file is gone: then another counts.
  func state(of generation: Int, _ terms: Claim.Terms) throws -> Claim.State? {
    let path = path(generation)
    var descriptor = open(path, O_RDWR | O_CLOEXEC)
    // Of somebody who may only look.
    if descriptor < 0, [EACCES, EROFS, EPERM].contains(errno) { descriptor = open(path, O_RDONLY | O_CLOEXEC) }
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw InputError("cannot be read", at: .file(path), found: FileBytes.systemReason(), wanted: "a claim")
    }
    defer { close(descriptor) }
    guard let bytes = try? FileBytes.read(path, atMost: 4096) else { return nil }
    let text = String(decoding: bytes, as: UTF8.self)
    if text == Self.released { return .free }
    let holder = Claim.Holder(text)
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return nil }
    let unknown = Claim.Holder(host: "unknown", system: "", process: 0, since: "", note: "")
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0 {
      if let holder, holder.isLocked, holder.system == Claim.Holder.present().system { return .void(holder) }
    } else if errno == EWOULDBLOCK {
      // Nothing depends on the time: the clock of this machine will do, and no file is made.
      return .held(holder ?? unknown, quiet: max(0, Date().timeIntervalSince1970 - Self.seconds(status)))
    }
    let quiet = max(0, clock() - Self.seconds(status))
    return quiet > terms.patience ? .void(holder) : .held(holder ?? unknown, quiet: quiet)
  }

  /// Seconds on the clock of the file system, that of a file made now; this machine's where none can be made.
  private func clock() -> Double {
    guard let (descriptor, temporary) = try? AtomicFile.openTemporary(folder: folder, name: "clock", path: folder) else {
      return Date().timeIntervalSince1970
    }
    defer {
      close(descriptor)
      unlink(temporary)
    }
    futimens(descriptor, nil)
    var status = stat()
    fstat(descriptor, &status)
    return Self.seconds(status)
  }

  private static func seconds(_ status: stat) -> Double {
    Double(status.st_mtim.tv_sec) + 1e-9 * Double(status.st_mtim.tv_nsec)
  }

  /// Says that nobody holds it any more. The file stays, so that generations never begin again.
  func markReleased(_ generation: Int) { try? AtomicFile.write(Self.released, to: path(generation)) }
}

/// What keeps a claim alive.
final class ClaimHeart: @unchecked Sendable {
  private let files: ClaimFiles
  private let generation: Int
  private let descriptor: Int32
  private let condition = NSCondition()
  private var ended = false
  private var lost = false
  private let onLoss: @Sendable () -> Void

  init(
    _ files: ClaimFiles, _ generation: Int, _ descriptor: Int32, beat: Double, onLoss: @escaping @Sendable () -> Void
  ) {
    (self.files, self.generation, self.descriptor, self.onLoss) = (files, generation, descriptor, onLoss)
    let thread = Thread { [self] in
      condition.lock()
      defer { condition.unlock() }
      while !ended, !lost {
        _ = condition.wait(until: Date(timeIntervalSinceNow: beat))
        if ended { break }
        // Null for the time: the file system's own, not that of this machine.
        futimens(descriptor, nil)
        look()
      }
    }
    thread.stackSize = 1 << 20
    thread.start()
  }

  /// What cannot be read now is asked again.
  private func look() {
    guard !ended, !lost, let newest = try? files.newest(), newest != generation else { return }
    lost = true
    onLoss()
  }

  /// Looks, so that a process that stood still until now knows.
  var isLost: Bool {
    condition.withLock {
      look()
      return lost
    }
  }

  func release() {
    condition.lock()
    defer { condition.unlock() }
    guard !ended else { return }
    ended = true
    condition.broadcast()
    if !lost { files.markReleased(generation) }
    close(descriptor)
  }
}
