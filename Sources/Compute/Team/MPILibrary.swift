import Foundation

/// An MPI library, loaded at run time: the few functions of the standard that a team needs.
///
/// Calls are not made safe here: the owner makes one at a time (`MPI_THREAD_SERIALIZED`).
struct MPILibrary {
  /// A communicator, a type or a request: an address or an `int`, by the kind. It is passed in a register, or alone in eight
  /// bytes, where a callee that wants an `int` reads the lower half (System V ABI for x86-64, 3.2.3; AAPCS64, 6.8.2).
  typealias Handle = UInt

  let kind: MPIKind
  /// What it was loaded as.
  let file: String
  /// The first line of what it says of itself.
  let version: String

  private let world: Handle
  private let byte: Handle
  private let ignoredStatus: UnsafeMutableRawPointer?
  private let functions: Functions

  private typealias InitThread =
    @convention(c) (UnsafeMutablePointer<Int32>?, UnsafeMutableRawPointer?, Int32, UnsafeMutablePointer<Int32>) -> Int32
  private typealias OfWorld = @convention(c) (Handle, UnsafeMutablePointer<Int32>) -> Int32
  private typealias Name = @convention(c) (UnsafeMutablePointer<CChar>, UnsafeMutablePointer<Int32>) -> Int32
  private typealias Isend =
    @convention(c) (UnsafeRawPointer?, Int32, Handle, Int32, Int32, Handle, UnsafeMutablePointer<Handle>) -> Int32
  private typealias Recv =
    @convention(c) (UnsafeMutableRawPointer?, Int32, Handle, Int32, Int32, Handle, UnsafeMutableRawPointer?) -> Int32
  private typealias Iprobe =
    @convention(c) (Int32, Int32, Handle, UnsafeMutablePointer<Int32>, UnsafeMutableRawPointer?) -> Int32
  private typealias Test =
    @convention(c) (UnsafeMutablePointer<Handle>, UnsafeMutablePointer<Int32>, UnsafeMutableRawPointer?) -> Int32
  private typealias Abort = @convention(c) (Handle, Int32) -> Int32
  private typealias Finalize = @convention(c) () -> Int32

  private struct Functions {
    let initThread: InitThread
    let rank: OfWorld
    let size: OfWorld
    let host: Name
    let isend: Isend
    let recv: Recv
    let iprobe: Iprobe
    let test: Test
    let abort: Abort
    let finalize: Finalize
  }

  /// - Parameter file: a path, or a name that the loader looks for (`LD_LIBRARY_PATH`, the system's folders).
  /// - Throws: `LaunchError` where it can't be loaded, lacks a function or is of an unknown kind.
  init(file: String) throws {
    // Open MPI's plug-ins look for its functions among those that all can see.
    guard let handle = dlopen(file, RTLD_NOW | RTLD_GLOBAL) else {
      throw LaunchError(
        "an MPI library cannot be loaded", found: dlerror().map { String(cString: $0) } ?? file, wanted: "a shared library")
    }
    func symbol<Function>(_ name: String, _ type: Function.Type) throws -> Function {
      guard let address = dlsym(handle, name) else {
        throw LaunchError("\(file) is no MPI library", found: "no \(name)", wanted: "the functions of MPI 3")
      }
      return unsafeBitCast(address, to: type)
    }
    functions = Functions(
      initThread: try symbol("MPI_Init_thread", InitThread.self), rank: try symbol("MPI_Comm_rank", OfWorld.self),
      size: try symbol("MPI_Comm_size", OfWorld.self), host: try symbol("MPI_Get_processor_name", Name.self),
      isend: try symbol("MPI_Isend", Isend.self), recv: try symbol("MPI_Recv", Recv.self),
      iprobe: try symbol("MPI_Iprobe", Iprobe.self), test: try symbol("MPI_Test", Test.self),
      abort: try symbol("MPI_Abort", Abort.self), finalize: try symbol("MPI_Finalize", Finalize.self))
    // One of the calls that are allowed before the first.
    let text = Self.text(try symbol("MPI_Get_library_version", Name.self), room: 8192)
    // Some separate its parts by tabs and end it by a space.
    let words = text.prefix { !$0.isNewline }.split(whereSeparator: \.isWhitespace)
    version = words.isEmpty ? "a library without a version" : words.joined(separator: " ")
    let worldOfOpenMPI = dlsym(handle, "ompi_mpi_comm_world")
    guard let kind = MPIKind(hasOpenMPIHandles: worldOfOpenMPI != nil, version: text) else {
      throw LaunchError("\(file) is of an unknown kind", found: version, wanted: "Open MPI, or MPICH or one of its kin")
    }
    switch kind {
    case .openMPI:
      world = Handle(bitPattern: worldOfOpenMPI)
      guard let type = dlsym(handle, "ompi_mpi_byte") else {
        throw LaunchError("\(file) is no Open MPI", found: "no ompi_mpi_byte", wanted: "the variables of Open MPI")
      }
      byte = Handle(bitPattern: type)
      ignoredStatus = nil
    case .mpich:
      world = 0x4400_0000
      byte = 0x4c00_010d
      ignoredStatus = UnsafeMutableRawPointer(bitPattern: 1)
    }
    (self.kind, self.file) = (kind, file)
  }

  /// The same constant in both kinds, as are success (0) and any tag.
  private static let serialized: Int32 = 2
  private var anySource: Int32 {
    switch kind {
    case .openMPI: -1
    case .mpich: -2
    }
  }

  /// Starts it, once a process.
  ///
  /// - Throws: `LaunchError` where it can't be called from several threads, one at a time.
  func start() throws {
    var provided: Int32 = 0
    let status = functions.initThread(nil, nil, Self.serialized, &provided)
    guard status == 0, provided >= Self.serialized else {
      throw LaunchError(
        "\(version) cannot be used", found: status == 0 ? "thread level \(provided)" : "MPI_Init_thread ends with \(status)",
        wanted: "MPI_THREAD_SERIALIZED")
    }
  }

  func rank() throws -> Int {
    var rank: Int32 = 0
    try check(functions.rank(world, &rank), "MPI_Comm_rank")
    return Int(rank)
  }

  func size() throws -> Int {
    var size: Int32 = 0
    try check(functions.size(world, &size), "MPI_Comm_size")
    return Int(size)
  }

  func host() -> String { Self.text(functions.host, room: 1024) }

  /// Begins to send; the memory must stay as it is until `isDone`.
  func send(_ memory: UnsafeRawBufferPointer, to rank: Int, tag: Int32) throws -> Handle {
    var request: Handle = 0
    try check(
      functions.isend(memory.baseAddress, Int32(memory.count), byte, Int32(rank), tag, world, &request), "MPI_Isend")
    return request
  }

  func isDone(_ request: inout Handle) throws -> Bool {
    var flag: Int32 = 0
    try check(functions.test(&request, &flag, ignoredStatus), "MPI_Test")
    return flag != 0
  }

  /// Whether a message with a tag is there, from anyone.
  func hasMessage(tag: Int32) throws -> Bool {
    var flag: Int32 = 0
    try check(functions.iprobe(anySource, tag, world, &flag, ignoredStatus), "MPI_Iprobe")
    return flag != 0
  }

  /// Waits for a message and reads it.
  ///
  /// - Parameter rank: nil for anyone.
  func receive(_ memory: UnsafeMutableRawBufferPointer, from rank: Int?, tag: Int32) throws {
    try check(
      functions.recv(
        memory.baseAddress, Int32(memory.count), byte, rank.map { Int32($0) } ?? anySource, tag, world, ignoredStatus),
      "MPI_Recv")
  }

  func abort(status: Int32) { _ = functions.abort(world, status) }
  func end() { _ = functions.finalize() }

  /// As a rule MPI ends the job itself when a call fails.
  private func check(_ status: Int32, _ function: String) throws {
    guard status != 0 else { return }
    throw LaunchError("MPI failed", found: "\(function) ends with \(status)", wanted: "0")
  }

  private static func text(_ function: Name, room: Int) -> String {
    var text = [CChar](repeating: 0, count: room)
    var length: Int32 = 0
    guard function(&text, &length) == 0 else { return "" }
    return String(decoding: text.prefix(max(0, min(room, Int(length)))).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
