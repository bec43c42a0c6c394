/// A value of a pickle. Containers are named by their place in `PickleFile`, so that no nesting or cycle of a hostile file
/// can exhaust the stack when values are released.
enum PickleValue: Equatable {
  case none
  case bool(Bool)
  case integer(Int)
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
  /// The mark below the items of a container under construction.
  case mark

  /// What it is, for messages.
  var kind: String {
    switch self {
    case .none: "None"
    case .bool: "a truth value"
    case .integer: "an integer"
    case .float: "a float"
    case .text: "a text"
    case .bytes, .buffer: "bytes"
    case .tuple: "a tuple"
    case .list: "a list"
    case .dictionary: "a dictionary"
    case .function: "a function"
    case .arrayType: "a dtype"
    case .array: "an array"
    case .mark: "a mark"
    }
  }
}

/// The only names that a pickle may call, each with one fixed meaning here; nothing is ever looked up or executed.
enum PickleFunction: String, CaseIterable {
  /// An empty array, to be filled by BUILD (protocols up to 4).
  case reconstruct = "_reconstruct"
  /// An array of bytes that precede it (protocol 5).
  case fromBuffer = "_frombuffer"
  /// A number of a NumPy type.
  case scalar
  /// The class that `_reconstruct` is given.
  case ndarray
  case dtype
  /// Bytes as Python 3 writes them for Python 2.
  case encode

  init?(module: String, name: String) {
    switch (module, name) {
    case ("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct"): self = .reconstruct
    case ("numpy.core.numeric", "_frombuffer"), ("numpy._core.numeric", "_frombuffer"): self = .fromBuffer
    case ("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar"): self = .scalar
    case ("numpy", "ndarray"): self = .ndarray
    case ("numpy", "dtype"): self = .dtype
    case ("_codecs", "encode"): self = .encode
    default: return nil
    }
  }
}

/// A NumPy array of integers.
struct PickleArray: Equatable {
  struct Element: Equatable {
    /// Bytes of an element: 1, 2, 4 or 8.
    var size: Int
    var isSigned: Bool
    var isBigEndian = false

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

  var element: Element
  var shape: [Int]
  /// Whether the first index runs fastest, as in Fortran.
  var isColumnMajor: Bool
  /// Bytes of the elements: a range of the file, or a buffer.
  var data: PickleValue

  var count: Int { shape.reduce(1, *) }
}
