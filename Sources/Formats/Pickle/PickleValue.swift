/// A value of a pickle. Containers are named by their place in `PickleFile`, so that no nesting or cycle of a hostile file
/// can exhaust the stack when values are released.
package enum PickleValue: Equatable, Sendable {
  case none
  case bool(Bool)
  case integer(Int)
  /// An integer that no word holds, whose value nobody asks for: so many bytes.
  case wideInteger(Int)
  case float(Double)
  case text(String)
  /// Bytes, or a string of Python 2: a range of the file.
  case bytes(Range<Int>)
  /// Bytes that the file holds in another form.
  case buffer(Int)
  case tuple([PickleValue])
  case list(Int)
  case dictionary(Int)
  case function(PickleFunction)
  /// A place in the file's array types.
  case arrayType(Int)
  /// A place in the file's arrays.
  case array(Int)
  /// A type of PyTorch's storages.
  case storageType(TorchElement)
  /// A place in the file's storages.
  case storage(Int)
  /// A place in the file's tensors.
  case tensor(Int)
  /// The mark below the items of a container under construction.
  case mark

  /// What it is, for messages.
  package var kind: String {
    switch self {
    case .none: "None"
    case .bool: "a truth value"
    case .integer: "an integer"
    case .wideInteger: "an integer of more than 64 bits"
    case .float: "a float"
    case .text: "a text"
    case .bytes, .buffer: "bytes"
    case .tuple: "a tuple"
    case .list: "a list"
    case .dictionary: "a dictionary"
    case .function: "a function"
    case .arrayType: "a dtype"
    case .array: "an array"
    case .storageType: "a type of storage"
    case .storage: "a storage"
    case .tensor: "a tensor"
    case .mark: "a mark"
    }
  }
}

/// A NumPy array of integers.
package struct PickleArray: Equatable, Sendable {
  package struct Element: Equatable, Sendable {
    /// Bytes of an element: 1, 2, 4 or 8.
    package var size: Int
    package var isSigned: Bool
    package var isBigEndian = false

    /// From NumPy's letters: `u1`, `<i8`, `|b1` and so on; nil for what is no integer.
    init?(code: some StringProtocol) {
      var code = Substring(code)
      if let order = code.first, "<>|=".contains(order) {
        isBigEndian = order == ">"
        code = code.dropFirst()
      }
      guard let kind = code.first, "iub".contains(kind), let size = Int(code.dropFirst()), [1, 2, 4, 8].contains(size)
      else { return nil }
      self.size = size
      isSigned = kind == "i"
    }
  }

  package var element: Element
  package var shape: [Int]
  /// Whether the first index runs fastest, as in Fortran.
  package var isColumnMajor: Bool
  /// Bytes of the elements: a range of the file, or a buffer.
  package var data: PickleValue

  package var count: Int { shape.reduce(1, *) }
}
