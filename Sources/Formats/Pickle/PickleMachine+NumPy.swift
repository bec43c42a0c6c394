/// What NumPy's pickles call: arrays, their types and numbers.
extension PickleMachine {
  /// REDUCE: a function and the tuple of what it is given are replaced by its value.
  mutating func callNumPy(at offset: Int) throws {
    let (function, items) = try called(at: offset)
    switch (function, items.count) {
    case (.dtype, 1...3):
      guard let code = file.text(items[0]) else { throw wrong("a dtype without a name", at: offset) }
      file.types.append(PickleArray.Element(code: code))
      stack.append(.arrayType(file.types.count - 1))
    case (.reconstruct, 3):
      guard items[0] == .function(.ndarray) else {
        throw wrong("an array of another class", at: offset, found: items[0].kind, expected: "numpy.ndarray")
      }
      file.arrays.append(nil)
      stack.append(.array(file.arrays.count - 1))
    case (.fromBuffer, 4):
      let order = file.text(items[3])
      let array = try makeArray(type: items[1], shape: items[2], isColumnMajor: order == "F", data: items[0], at: offset)
      file.arrays.append(array)
      stack.append(.array(file.arrays.count - 1))
    case (.scalar, 2):
      let array = try makeArray(
        type: items[0], shape: .tuple([.integer(1)]), isColumnMajor: false, data: items[1], at: offset)
      file.arrays.append(array)
      let value = try file.integers(.array(file.arrays.count - 1), of: "byte \(offset)")
      stack.append(.integer(value[0]))
    case (.encode, 2):
      guard let text = file.text(items[0]), let coding = file.text(items[1]), ["latin1", "latin-1"].contains(coding),
        text.unicodeScalars.allSatisfy({ $0.value < 256 })
      else { throw wrong("encoded bytes in another coding than latin1", at: offset) }
      let bytes = text.unicodeScalars.map { UInt8($0.value) }
      // A text that is remembered could be encoded without end.
      madeBytes += bytes.count
      guard madeBytes <= file.content.count else { throw wrong("more bytes than the file has", at: offset) }
      file.buffers.append(bytes)
      stack.append(.buffer(file.buffers.count - 1))
    default:
      throw wrong("a call that data don't need", at: offset, found: "\(function.rawValue) of \(items.count) values")
    }
  }

  /// BUILD: the state of an array or a dtype.
  mutating func fillNumPy(at offset: Int) throws {
    guard case .tuple(let state) = try pop(offset), let target = stack.last else {
      throw wrong("a state without what it is of", at: offset)
    }
    switch target {
    case .arrayType(let index):
      // (version, byte order, subtype, names, fields, size, alignment, flags)
      guard state.count >= 2, let order = file.text(state[1]), ["<", ">", "|", "="].contains(order) else {
        throw wrong("a dtype without a byte order", at: offset)
      }
      file.types[index]?.isBigEndian = order == ">"
    case .array(let index):
      // (version, shape, dtype, is Fortran order, bytes)
      guard state.count == 5, case .bool(let isColumnMajor) = Self.flag(state[3]) else {
        throw wrong("an array's state of another form", at: offset, found: "\(state.count) values", expected: "5")
      }
      file.arrays[index] = try makeArray(
        type: state[2], shape: state[1], isColumnMajor: isColumnMajor, data: state[4], at: offset)
    default: throw wrong("a state of something that has none", at: offset, found: target.kind)
    }
  }

  /// Python 2 writes truth values of NumPy as integers.
  private static func flag(_ value: PickleValue) -> PickleValue {
    if case .integer(let number) = value { return .bool(number != 0) }
    return value
  }

  private func makeArray(
    type: PickleValue, shape: PickleValue, isColumnMajor: Bool, data: PickleValue, at offset: Int
  ) throws -> PickleArray {
    guard case .arrayType(let index) = type, let element = file.types[index] else {
      throw wrong("an array of something else than integers", at: offset, expected: "a dtype of integers")
    }
    guard case .tuple(let extents) = shape else { throw wrong("an array without a shape", at: offset) }
    var (lengths, size) = ([Int](), element.size)
    for extent in extents {
      guard case .integer(let length) = extent, length >= 0 else { throw wrong("a shape without lengths", at: offset) }
      let product = size.multipliedReportingOverflow(by: length)
      guard !product.overflow else { throw wrong("a shape that overflows", at: offset) }
      lengths.append(length)
      size = product.partialValue
    }
    guard let bytes = file.bytes(data), bytes.count == size else {
      throw wrong(
        "an array's bytes don't fill its shape", at: offset, found: "\(file.bytes(data)?.count ?? 0) bytes",
        expected: "\(size) for shape \(lengths)")
    }
    return PickleArray(element: element, shape: lengths, isColumnMajor: isColumnMajor, data: data)
  }
}
