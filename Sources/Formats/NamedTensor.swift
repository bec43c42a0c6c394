/// A tensor with its name, as a safetensors file holds it: row-major values of a shape.
public struct NamedTensor: Equatable, Sendable {
  public enum Values: Equatable, Sendable {
    case float32([Float])
    case float64([Double])
    case int64([Int64])
    case uint8([UInt8])
  }

  public var name: String
  /// Extent of each dimension; empty for a scalar.
  public var shape: [Int]
  public var values: Values

  public init(name: String, shape: [Int], values: Values) {
    self.name = name
    self.shape = shape
    self.values = values
  }
}
