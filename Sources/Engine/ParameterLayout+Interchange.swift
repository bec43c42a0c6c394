import Compute
import Formats

extension ParameterLayout {
  /// A zero vector with room for the weights, a gradient or a momentum.
  func makeVector(_ kernels: KernelSet) -> ParameterVector { ParameterVector(count: count, kernels: kernels) }

  /// Weights as PyTorch initialises them: U(±1/√fan-in) for convolutions and classifiers, batch-norm scale 1 and shift 0;
  /// shared kernels of merged convolutions from N(0, 2/fan-in), its `kaiming_normal_`.
  func makeInitialWeights(seed: UInt64, kernels: KernelSet) -> ParameterVector {
    let weights = makeVector(kernels)
    for (index, entry) in entries.enumerated() {
      if let constant = entry.constant {
        entry.forEachStorageIndex { weights.storage[$0] = constant }
      } else {
        var stream = RandomStream(seed: seed, purpose: .weights, index: index)
        if let deviation = entry.deviation {
          entry.forEachStorageIndex { weights.storage[$0] = Float(deviation * stream.normal()) }
          continue
        }
        let bound = 1 / Double(entry.fanIn).squareRoot()
        entry.forEachStorageIndex { weights.storage[$0] = Float((2 * stream.uniform() - 1) * bound) }
      }
    }
    return weights
  }

  /// Named tensors of a vector.
  func export(_ vector: ParameterVector) -> [NamedTensor] {
    precondition(vector.count == count, "a vector of another network")
    return entries.map { entry in
      var values: [Float] = []
      values.reserveCapacity(entry.count)
      entry.forEachStorageIndex { values.append(vector.storage[$0]) }
      return NamedTensor(name: entry.name, shape: entry.shape, values: .float32(values))
    }
  }

  /// Reads what `export` wrote, each name preceded by `prefix`.
  ///
  /// - Throws: `InputError` for a tensor that is missing, misshapen or not finite; `InputError` for one of another type.
  func importVector(from file: TensorFile, prefix: String, kernels: KernelSet) throws -> ParameterVector {
    let vector = makeVector(kernels)
    for entry in entries {
      let values = try file.finiteFloats(prefix + entry.name, shape: entry.shape)
      var next = 0
      entry.forEachStorageIndex {
        vector.storage[$0] = values[next]
        next += 1
      }
    }
    return vector
  }
}

extension TensorFile {
  /// - Throws: `InputError` for a tensor that is missing, misshapen or not finite; `InputError` for one of another type.
  func finiteFloats(_ name: String, shape: [Int]) throws -> [Float] {
    guard let tensor = tensors[name] else {
      throw InputError("missing tensor", at: .file(path, "\(name)"), found: "nothing", wanted: "shape \(shape)")
    }
    guard tensor.shape == shape else {
      throw InputError(
        "misshapen tensor", at: .file(path, "\(name)"), found: "shape \(tensor.shape)", wanted: "shape \(shape)")
    }
    let values = try floats(name, shape: shape)
    guard values.allSatisfy(\.isFinite) else {
      throw InputError("tensor overflows", at: .file(path, "\(name)"), found: "NaN or infinity", wanted: "finite values")
    }
    return values
  }
}
