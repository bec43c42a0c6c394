/// What PyTorch's pickles call: tensors as views of storages that lie outside the pickle.
extension PickleMachine {
  /// The function of a REDUCE and what it is given.
  mutating func called(at offset: Int) throws -> (function: PickleFunction, items: [PickleValue]) {
    let given = try pop(offset)
    guard case .tuple(let items) = given, case .function(let function) = try pop(offset) else {
      throw wrong("a call of something that is no function", at: offset)
    }
    return (function, items)
  }

  mutating func callTorch(at offset: Int) throws {
    let (function, items) = try called(at: offset)
    switch (function, items.count) {
    case (.orderedDictionary, 0), (.orderedDictionary, 1):
      let pairs = try items.first.map { try self.pairs($0, at: offset) } ?? []
      file.dictionaries.append(pairs)
      stack.append(.dictionary(file.dictionaries.count - 1))
    case (.tensor, 4), (.tensor2, 6...7):
      // (storage, offset, extents, strides; whether it wants a gradient, hooks, metadata)
      file.tensors.append(try tensor(items, at: offset))
      stack.append(.tensor(file.tensors.count - 1))
    case (.parameter, 3):
      guard case .tensor = items[0] else { throw wrong("a parameter of something else than a tensor", at: offset) }
      stack.append(items[0])
    case (.size, 1):
      stack.append(.tuple(try lengths(items[0], "extents", at: offset).map(PickleValue.integer)))
    case (.device, 1...2):
      guard let name = file.text(items[0]) else { throw wrong("a device without a name", at: offset) }
      stack.append(.text(name))
    default:
      throw wrong("a call that data don't need", at: offset, found: "\(function.rawValue) of \(items.count) values")
    }
  }

  /// BUILD: an ordered dictionary's attributes, the `_metadata` of a state_dict, which say nothing about its tensors.
  mutating func fillTorch(at offset: Int) throws {
    let state = try pop(offset)
    guard case .dictionary = state, case .dictionary? = stack.last else {
      throw wrong("a state of something that has none", at: offset, found: stack.last?.kind ?? "nothing")
    }
  }

  /// BINPERSID: ('storage', type, key, device, number of elements), in the older format with what it is a view of.
  mutating func identifyTorch(at offset: Int) throws {
    guard case .tuple(let items) = try pop(offset), (5...6).contains(items.count), file.text(items[0]) == "storage",
      case .storageType(let element) = items[1], let key = file.text(items[2]), file.text(items[3]) != nil,
      case .integer(let count) = items[4], count >= 0, !count.multipliedReportingOverflow(by: element.size).overflow
    else {
      throw wrong(
        "something outside the pickle that is no storage", at: offset,
        expected: "('storage', type, key, device, number of elements)")
    }
    guard items.count == 5 || items[5] == .none else {
      throw wrong("a storage that is a view of another, as PyTorch before 0.4 wrote them", at: offset, found: key)
    }
    file.storages.append(TorchStorage(key: key, element: element, count: count))
    stack.append(.storage(file.storages.count - 1))
  }

  /// What Python 2 gives an ordered dictionary: a list of lists of two.
  private mutating func pairs(_ value: PickleValue, at offset: Int) throws -> [(key: PickleValue, value: PickleValue)] {
    guard let items = file.items(value) else {
      throw wrong("an ordered dictionary of no list", at: offset, found: value.kind)
    }
    // A list that is remembered could be copied without end.
    madeBytes += items.count
    guard madeBytes <= file.content.count else { throw wrong("more entries than the file has", at: offset) }
    return try items.map { item in
      guard let pair = file.items(item), pair.count == 2 else {
        throw wrong("an ordered dictionary of something else than pairs", at: offset, found: item.kind)
      }
      return (pair[0], pair[1])
    }
  }

  private func tensor(_ items: [PickleValue], at offset: Int) throws -> TorchTensor {
    guard case .storage(let place) = items[0] else {
      throw wrong("a tensor without a storage", at: offset, found: items[0].kind)
    }
    guard case .integer(let start) = items[1], start >= 0 else { throw wrong("a tensor without an offset", at: offset) }
    let storage = file.storages[place]
    let shape = try lengths(items[2], "extents", at: offset)
    let strides = try lengths(items[3], "strides", at: offset)
    guard shape.count == strides.count else {
      throw wrong(
        "a tensor whose extents and strides differ in number", at: offset, found: "\(shape.count), \(strides.count)")
    }
    let tensor = TorchTensor(storage: storage, offset: start, shape: shape, strides: strides)
    guard let end = tensor.end, end <= storage.count else {
      throw wrong(
        "a tensor beyond the end of its storage", at: offset,
        found: "extents \(shape), strides \(strides) from element \(start)", expected: "at most \(storage.count) elements")
    }
    return tensor
  }

  /// PyTorch's own limit.
  private static let mostExtents = 64

  private func lengths(_ value: PickleValue, _ name: String, at offset: Int) throws -> [Int] {
    guard let items = file.items(value) else { throw wrong("\(name) that are no tuple", at: offset, found: value.kind) }
    guard items.count <= Self.mostExtents else {
      throw wrong("more \(name) than a tensor has", at: offset, found: "\(items.count)", expected: "\(Self.mostExtents)")
    }
    return try items.map { item in
      guard case .integer(let length) = item, length >= 0 else {
        throw wrong("\(name) of something else than lengths", at: offset, found: item.kind)
      }
      return length
    }
  }
}
