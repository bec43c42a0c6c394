import Compute
import Formats

/// Laws of independent random values with mean 0 and variance 1.
public enum RandomLaw: String, CaseIterable, Sendable {
  /// ±1 with equal chances (Rademacher).
  case signs
  /// Standard normal.
  case normals
}

extension BilevelProblem {
  /// Values of ω that are free: those of its tensors, without what a vector holds beside them in memory.
  public var weightValueCount: Int { export(makeVector()).reduce(0) { $0 + $1.shape.reduce(1, *) } }

  /// A random vector of ω's shape, tensor by tensor in the order of `export`, each from a stream of its own (purpose
  /// eigenvalues, index one more than the tensor's number). So it does not depend on how a vector lies in memory.
  ///
  /// - Parameters:
  ///   - law: of each value.
  ///   - seed: with the epoch and the step, the key of the streams.
  /// - Throws: what `importVector` throws, which it does for no vector of its own.
  public func randomWeightVector(_ law: RandomLaw, seed: UInt64, epoch: Int, step: Int) throws -> ParameterVector {
    let tensors = export(makeVector()).enumerated().map { index, tensor in
      var stream = RandomStream(seed: seed, purpose: .eigenvalues, epoch: epoch, step: step, index: index + 1)
      let count = tensor.shape.reduce(1, *)
      let values: [Float]
      switch law {
      case .signs:
        values = (0..<(count + 31) / 32).flatMap { _ in
          let word = stream.nextWord()
          return (0..<32).map { word >> $0 & 1 == 0 ? Float(-1) : 1 }
        }
      case .normals: values = (0..<count).map { _ in Float(stream.normal()) }
      }
      return NamedTensor(name: tensor.name, shape: tensor.shape, values: .float32(Array(values.prefix(count))))
    }
    return try importVector(from: TensorFile(path: "random directions", metadata: [:], tensors: tensors), prefix: "")
  }
}
