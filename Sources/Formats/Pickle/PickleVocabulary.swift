/// What a pickle may call, and what each call means here. Nothing is ever looked up or executed.
struct PickleVocabulary: Sendable {
  typealias Step = @Sendable (inout PickleMachine, Int) throws -> Void

  /// What its values are, in messages.
  let title: String
  /// What is wanted in place of another global.
  let wanted: String
  /// The value of a global, `module.name`; nil for one that data don't need.
  let global: @Sendable (String) -> PickleValue?
  /// REDUCE: a function and the tuple of what it is given are replaced by its value.
  let call: Step
  /// BUILD: what is on the stack takes its state.
  let fill: Step
  /// BINPERSID: a name is replaced by what lies outside the pickle; nil where there is no such opcode.
  var identify: Step?

  static let numpy = PickleVocabulary(
    title: "NumPy arrays", wanted: "NumPy's arrays and numbers",
    global: { PickleFunction.numpy[$0].map(PickleValue.function) },
    call: { machine, offset in try machine.callNumPy(at: offset) },
    fill: { machine, offset in try machine.fillNumPy(at: offset) })

  static let torch = PickleVocabulary(
    title: "PyTorch's tensors",
    wanted: "tensors, numbers, texts, lists and dictionaries alone (docs/data.md, \"Weights from and to PyTorch\")",
    global: { name in
      TorchElement(storageName: name).map(PickleValue.storageType) ?? PickleFunction.torch[name].map(PickleValue.function)
    },
    call: { machine, offset in try machine.callTorch(at: offset) },
    fill: { machine, offset in try machine.fillTorch(at: offset) },
    identify: { machine, offset in try machine.identifyTorch(at: offset) })
}

/// The only functions that a pickle may name, each with one fixed meaning here.
package enum PickleFunction: String, Sendable {
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

  /// A dictionary that keeps its order.
  case orderedDictionary = "OrderedDict"
  /// A view of a storage (PyTorch before 0.4).
  case tensor = "_rebuild_tensor"
  /// A view of a storage.
  case tensor2 = "_rebuild_tensor_v2"
  /// A tensor that is a parameter.
  case parameter = "_rebuild_parameter"
  /// The extents of a tensor.
  case size = "Size"
  case device

  static let numpy: [String: PickleFunction] = [
    "numpy.core.multiarray._reconstruct": .reconstruct, "numpy._core.multiarray._reconstruct": .reconstruct,
    "numpy.core.numeric._frombuffer": .fromBuffer, "numpy._core.numeric._frombuffer": .fromBuffer,
    "numpy.core.multiarray.scalar": .scalar, "numpy._core.multiarray.scalar": .scalar, "numpy.ndarray": .ndarray,
    "numpy.dtype": .dtype, "_codecs.encode": .encode,
  ]

  static let torch: [String: PickleFunction] = [
    "collections.OrderedDict": .orderedDictionary, "torch._utils._rebuild_tensor": .tensor,
    "torch._utils._rebuild_tensor_v2": .tensor2, "torch._utils._rebuild_parameter": .parameter, "torch.Size": .size,
    "torch.device": .device,
  ]
}
