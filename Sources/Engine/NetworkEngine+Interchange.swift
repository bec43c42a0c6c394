import Compute
import Formats

extension NetworkEngine {
  /// Weights as PyTorch initialises them: U(±1/√fan-in) for convolutions and classifiers, batch-norm scales
  /// as `initialisation` says and shifts 0; shared kernels of merged convolutions from N(0, 2/fan-in), its
  /// `kaiming_normal_`. The same on every engine.
  public func makeInitialWeights(
    seed: UInt64, initialisation: WeightInitialisation = WeightInitialisation()
  ) -> ParameterVector {
    makeVector(tensors.initialValues(seed: seed, initialisation: initialisation))
  }

  /// Running statistics at their start: mean 0, variance 1.
  public func makeInitialStatistics() -> ParameterVector {
    makeStatistics(
      tensors.norms.map {
        NormMoments(
          means: [Float](repeating: 0, count: $0.channels), variances: [Float](repeating: 1, count: $0.channels))
      })
  }

  /// Named tensors of a vector that holds ω, a gradient or a momentum.
  public func export(_ vector: ParameterVector) -> [NamedTensor] {
    zip(tensors.parameters, values(of: vector)).map {
      NamedTensor(name: $0.name, shape: $0.shape, values: .float32($1))
    }
  }

  /// Reads what `export` wrote, each name preceded by `prefix`.
  ///
  /// - Throws: `InputError` for a tensor that is missing, misshapen, of another type or not finite.
  public func importVector(from file: TensorFile, prefix: String) throws -> ParameterVector {
    makeVector(try tensors.parameters.map { try file.finiteFloats(prefix + $0.name, shape: $0.shape) })
  }

  /// Running means and variances under every public name; pools that share theirs repeat them.
  public func exportStatistics(_ statistics: ParameterVector) -> [NamedTensor] {
    zip(tensors.norms, moments(of: statistics)).flatMap { norm, moments in
      norm.names.flatMap { name in
        [("running_mean", moments.means), ("running_var", moments.variances)].map { suffix, values in
          NamedTensor(name: "\(name).\(suffix)", shape: [norm.channels], values: .float32(values))
        }
      }
    }
  }

  /// Reads running statistics, or nil where the file holds none. Of a shared batch norm the first name counts.
  ///
  /// - Throws: `InputError` for a tensor that is missing, misshapen, of another type or not finite.
  public func importStatistics(from file: TensorFile) throws -> ParameterVector? {
    guard tensors.norms.contains(where: { $0.names.contains { file.contains("\($0).running_mean") } }) else { return nil }
    return makeStatistics(
      try tensors.norms.map { norm in
        func values(_ suffix: String) throws -> [Float] {
          try file.finiteFloats("\(norm.names[0]).\(suffix)", shape: [norm.channels])
        }
        return NormMoments(means: try values("running_mean"), variances: try values("running_var"))
      })
  }
}

extension TensorFile {
  /// - Throws: `InputError` for a tensor that is missing, misshapen, of another type or not finite.
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
