/// What `torch.save` wrote: a pickle of lists, dictionaries, texts and numbers, and tensors that are views of storages beside it.
///
/// Both formats are read: the zip archive of PyTorch 1.6 and later (`NAME/data.pkl`, `NAME/data/KEY` for each storage,
/// `NAME/byteorder`), and the older one, pickles in a row (a magic number, a version, the machine, the object, the keys of the
/// storages) with the storages behind them (pytorch/pytorch, torch/serialization.py, `_save` and `_legacy_save`). The pickle is
/// read as data (`PickleFile`): a global of anything else than tensors is refused by its name, and nothing is executed.
package struct TorchFile {
  package let path: String
  /// The object.
  package let pickle: PickleFile
  /// Bytes of each storage.
  private let records: [String: ArraySlice<UInt8>]
  private let isBigEndian: Bool
  /// Bytes that its values may still take.
  private var room: Int

  /// Most bytes of values that a byte of the file may stand for: views may show a storage several times, and a byte become an
  /// integer of eight.
  private static let mostWidening = 16

  /// The formats of `torch.save`, by the first bytes of a file.
  package enum Format {
    case archive, pickles

    /// - Parameter start: the first bytes, 40 or the whole file; nil for those of another file.
    package init?(_ start: some Collection<UInt8>) {
      if start.starts(with: ZipArchive.magic) {
        self = .archive
      } else if TorchFile.magicLength(Array(start.prefix(40))) != nil {
        self = .pickles
      } else {
        return nil
      }
    }
  }

  /// - Throws: `InputError` where the file cannot be read, is truncated or damaged, is neither format, or holds anything else
  ///   than tensors and plain data.
  package init(readingFrom path: String) throws {
    try self.init(FileBytes.read(path), path: path)
  }

  /// - Parameter path: where the bytes are from, for messages.
  /// - Throws: as the other.
  package init(_ bytes: [UInt8], path: String) throws {
    self.path = path
    room = max(1 << 16, Self.mostWidening * bytes.count)
    switch Format(bytes) {
    case .archive?: (pickle, records, isBigEndian) = try Self.archive(bytes, path: path)
    case .pickles?:
      (pickle, records) = try Self.pickles(bytes, path: path)
      isBigEndian = false
    case nil:
      throw InputError(
        "not what torch.save writes", at: .file(path), found: "the first bytes \(Array(bytes.prefix(4)))",
        wanted: "a zip archive, or a pickle of PyTorch's magic number")
    }
  }

  /// A tensor's values, row-major.
  ///
  /// - Parameter item: what it is called, for messages.
  /// - Returns: nil where the value is no tensor.
  /// - Throws: `InputError` where its storage is absent or of another length, or the tensors of the file take more memory than
  ///   can be right.
  package mutating func tensor(_ value: PickleValue, named item: String) throws -> NamedTensor? {
    guard case .tensor(let place) = value else { return nil }
    let tensor = pickle.tensors[place]
    let (storage, count) = (tensor.storage, NamedTensor.count(of: tensor.shape) ?? 0)
    guard let record = records[storage.key] else {
      throw InputError(
        "its storage is not in the file", at: .file(path, item), found: "storage '\(storage.key)'",
        wanted: "one of \(records.count) that are")
    }
    guard record.count == storage.count * storage.element.size else {
      throw InputError(
        record.count < storage.count * storage.element.size ? "its storage is truncated" : "its storage is too long",
        at: .file(path, item), found: "\(record.count) bytes of storage '\(storage.key)'",
        wanted: "\(storage.count * storage.element.size) for \(storage.count) of \(storage.element.rawValue)")
    }
    let size = count.multipliedReportingOverflow(by: storage.element.widenedSize)
    guard !size.overflow, size.partialValue <= room else {
      throw InputError(
        "its values take more memory than a file of this size can ask for", at: .file(path, item),
        found: "shape \(tensor.shape) of a storage of \(storage.count)", wanted: "at most \(room) bytes")
    }
    room -= size.partialValue
    let isContiguous = tensor.isContiguous
    let values = record.withUnsafeBytes { raw in
      storage.element.values(raw, isBigEndian: isBigEndian, count: count) { index in
        isContiguous ? tensor.offset + index : tensor.place(of: index)
      }
    }
    return NamedTensor(name: item, shape: tensor.shape, values: values)
  }
}

// MARK: The archive

extension TorchFile {
  private static func archive(
    _ bytes: [UInt8], path: String
  ) throws -> (PickleFile, [String: ArraySlice<UInt8>], isBigEndian: Bool) {
    var members: [String: [UInt8]] = [:]
    // PyTorch stores without compression, so that all members together are no longer than the file.
    try ZipArchive.read(bytes, path: path, mostBytes: { bytes.count - $0 }) { name, content in
      guard members.updateValue(content, forKey: name) == nil else {
        throw InputError("the archive holds a name twice", at: .file(path, name))
      }
    }
    let roots = members.keys.filter { $0.hasSuffix("/data.pkl") }.map { String($0.dropLast("data.pkl".count)) }.sorted()
    guard roots.count == 1, let root = roots.first else {
      throw InputError(
        "a zip archive, but not one that torch.save writes", at: .file(path),
        found: roots.isEmpty ? "\(members.count) members, no data.pkl" : "\(roots.count) times data.pkl",
        wanted: "NAME/data.pkl with NAME/data/KEY beside it")
    }
    guard members[root + "constants.pkl"] == nil else {
      throw InputError(
        "a TorchScript archive, which holds code", at: .file(path), found: "\(root)constants.pkl",
        wanted: "a state_dict that torch.save wrote")
    }
    let order = members[root + "byteorder"].map { String(decoding: $0, as: UTF8.self) } ?? "little"
    guard ["little", "big"].contains(order) else {
      throw InputError(
        "unknown byte order", at: .file(path, "\(root)byteorder"), found: "'\(order)'", wanted: "little or big")
    }
    let pickle = try PickleFile(members[root + "data.pkl"] ?? [], vocabulary: .torch, source: "\(path), \(root)data.pkl")
    let folder = root + "data/"
    var records: [String: ArraySlice<UInt8>] = [:]
    for (name, content) in members where name.hasPrefix(folder) {
      records[String(name.dropFirst(folder.count))] = content[...]
    }
    return (pickle, records, order == "big")
  }
}

// MARK: Pickles in a row

extension TorchFile {
  /// 0x1950A86A20F9469CFC6C as a pickle writes it.
  private static let magic: [UInt8] = [0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]
  /// Its version of the format.
  private static let version = 1001

  /// Bytes of the pickle of the magic number; nil where there is none.
  private static func magicLength(_ start: [UInt8]) -> Int? {
    guard start.count > 2, start[0] == 0x80, (2...5).contains(start[1]) else { return nil }
    // From protocol 4 on a frame of 8 bytes of length stands before it.
    let begin = start[2] == 0x95 ? 11 : 2
    return start.dropFirst(begin).starts(with: magic) ? begin + magic.count : nil
  }

  private static func pickles(_ bytes: [UInt8], path: String) throws -> (PickleFile, [String: ArraySlice<UInt8>]) {
    var position = magicLength(Array(bytes.prefix(40))) ?? 0
    func next() throws -> PickleFile { try PickleFile(bytes, from: &position, vocabulary: .torch, source: path) }
    let versionPlace = position
    let version = try next().top
    guard version == .integer(Self.version) else {
      var found = version.kind
      if case .integer(let number) = version { found = "\(number)" }
      throw InputError(
        "unknown version of PyTorch's format", at: .file(path, "byte \(versionPlace)"), found: found,
        wanted: "\(Self.version)")
    }
    let machine = try next()
    guard try machine.entry("little_endian") == .bool(true) else {
      throw InputError(
        "written on a machine of another byte order", at: .file(path, "little_endian"), found: "big-endian",
        wanted: "little-endian")
    }
    let object = try next()
    let keysPlace = position
    let keys = try next()
    guard let names = keys.texts(keys.top), Set(names).count == names.count else {
      throw InputError(
        "not the keys of storages", at: .file(path, "byte \(keysPlace)"), found: keys.top.kind,
        wanted: "a list of texts, each once")
    }
    let storages = Dictionary(object.storages.map { ($0.key, $0) }) { first, _ in first }
    var records: [String: ArraySlice<UInt8>] = [:]
    for name in names {
      guard let storage = storages[name] else {
        throw InputError("a storage that no tensor is of", at: .file(path, "byte \(keysPlace)"), found: name)
      }
      let left = bytes.count - position - 8
      guard left >= 0 else {
        throw InputError(
          "truncated", at: .file(path, "storage '\(name)', byte \(position)"),
          found: "\(bytes.count - position) bytes to the end", wanted: "8 bytes of length")
      }
      let length = bytes[position..<position + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      guard length == UInt64(storage.count) else {
        throw InputError(
          "not as long as its tensors say", at: .file(path, "storage '\(name)', byte \(position)"), found: "\(length)",
          wanted: "\(storage.count) elements")
      }
      position += 8
      let size = storage.count * storage.element.size
      guard size <= left else {
        throw InputError(
          "truncated", at: .file(path, "storage '\(name)', byte \(position)"), found: "\(left) bytes to the end",
          wanted: "\(size) bytes")
      }
      records[name] = bytes[position..<position + size]
      position += size
    }
    guard position == bytes.count else {
      throw InputError(
        "bytes after the end", at: .file(path, "byte \(position)"), found: "\(bytes.count - position)", wanted: "none")
    }
    return (object, records)
  }
}
