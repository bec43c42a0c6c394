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
}
