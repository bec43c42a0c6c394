/// The content of a safetensors file.
public struct TensorFile: Sendable {
  /// Where it was read from, for messages.
  public let path: String
  public let metadata: [String: String]
  public let tensors: [String: NamedTensor]

  public init(path: String, metadata: [String: String], tensors: [NamedTensor]) {
    self.path = path
    self.metadata = metadata
    self.tensors = Dictionary(tensors.map { ($0.name, $0) }, uniquingKeysWith: { _, last in last })
  }

  public func contains(_ name: String) -> Bool { tensors[name] != nil }

  /// A tensor of that name and, where one is given, that shape.
  ///
  /// - Throws: `InputError` naming the file, the tensor, the shape found and the shape wanted.
  public func tensor(_ name: String, shape: [Int]? = nil) throws -> NamedTensor {
    guard let tensor = tensors[name] else {
      throw InputError(
        "there is no such tensor", at: .file(path, name), found: nearby(name),
        wanted: shape.map { "a tensor of shape \($0)" })
    }
    if let shape, tensor.shape != shape {
      throw InputError("wrong shape", at: .file(path, name), found: "\(tensor.shape)", wanted: "\(shape)")
    }
    return tensor
  }

  /// Values of a floating-point tensor as float32; a float64 tensor is rounded.
  public func floats(_ name: String, shape: [Int]? = nil) throws -> [Float] {
    let tensor = try tensor(name, shape: shape)
    switch tensor.values {
    case .float32(let values): return values
    case .float64(let values): return values.map(Float.init)
    default: throw wrongType(tensor, wanted: "float32 or float64")
    }
  }

  /// Values of a floating-point tensor as float64.
  public func doubles(_ name: String, shape: [Int]? = nil) throws -> [Double] {
    let tensor = try tensor(name, shape: shape)
    switch tensor.values {
    case .float32(let values): return values.map(Double.init)
    case .float64(let values): return values
    default: throw wrongType(tensor, wanted: "float32 or float64")
    }
  }

  /// Values of an integer tensor.
  public func integers(_ name: String, shape: [Int]? = nil) throws -> [Int] {
    let tensor = try tensor(name, shape: shape)
    switch tensor.values {
    case .int64(let values): return values.map { Int($0) }
    case .uint8(let values): return values.map { Int($0) }
    default: throw wrongType(tensor, wanted: "int64, int32 or uint8")
    }
  }

  private func wrongType(_ tensor: NamedTensor, wanted: String) -> InputError {
    InputError("wrong type", at: .file(path, tensor.name), found: tensor.values.typeName, wanted: wanted)
  }

  /// What the file does hold, so that a wrong name can be put right.
  private func nearby(_ name: String) -> String {
    let last = name.split(separator: ".").last.map(String.init) ?? name
    let names = tensors.keys.sorted()
    let alike = names.filter { $0.hasSuffix(last) }.prefix(3)
    let shown = alike.isEmpty ? names.prefix(3) : alike
    if shown.isEmpty { return "no tensors at all" }
    let rest = names.count - shown.count
    return shown.joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
  }
}

extension NamedTensor.Values {
  /// Number of values.
  public var count: Int {
    switch self {
    case .float32(let values): values.count
    case .float64(let values): values.count
    case .int64(let values): values.count
    case .uint8(let values): values.count
    }
  }

  /// The type's name in numpy's words.
  public var typeName: String {
    switch self {
    case .float32: "float32"
    case .float64: "float64"
    case .int64: "int64"
    case .uint8: "uint8"
    }
  }
}

extension NamedTensor {
  /// Number of values that a shape holds, or nil where an extent is negative or the product overflows.
  package static func count(of shape: [Int]) -> Int? {
    var total = 1
    var isEmpty = false
    for extent in shape {
      if extent < 0 { return nil }
      if extent == 0 {
        isEmpty = true
        continue
      }
      let (product, overflow) = total.multipliedReportingOverflow(by: extent)
      if overflow { return nil }
      total = product
    }
    return isEmpty ? 0 : total
  }
}
