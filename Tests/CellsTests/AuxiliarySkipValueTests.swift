import Cells
import Compute
import Formats
import TestSupport
import Testing

/// β of auxiliary skip connections as a part of what α says of the network, and no coordinate.
@Suite struct AuxiliarySkipValueTests {
  private func alphas(_ beta: Float) -> ArchitectureParameters {
    var alphas = SearchSpace.s3.zeroAlphas
    alphas.flat = alphas.flat.indices.map { Float($0) / 8 }
    alphas.auxiliarySkip = beta
    return alphas
  }

  private func file(_ tensors: [NamedTensor]) -> TensorFile { TensorFile(path: "memory", metadata: [:], tensors: tensors) }

  @Test("It is equal only to itself, stays where α moves, and has no place in the vector")
  func value() {
    let (plain, with) = (alphas(0), alphas(0.75))
    #expect(plain != with && plain.flat == with.flat && with.count == 2 * 14 * 3)
    let moved = with.moved(by: [Double](repeating: 1, count: with.count))
    #expect(moved.auxiliarySkip == 0.75 && moved.flat[0] == 1)
    #expect(with.zeros == SearchSpace.s3.zeroAlphas)
  }

  @Test("Files hold it where it is not 0 and give it back, whatever the shape that asks has")
  func tensors() throws {
    let with = alphas(0.3)
    #expect(with.tensors.map(\.name) == ["alphas_normal", "alphas_reduce", "auxiliary_skip"])
    #expect(alphas(0).tensors.map(\.name) == ["alphas_normal", "alphas_reduce"])
    for shape in [SearchSpace.s3.zeroAlphas, alphas(0.9)] {
      #expect(try ArchitectureParameters(from: file(with.tensors), like: shape) == with)
      #expect(try ArchitectureParameters(from: file(alphas(0).tensors), like: shape) == alphas(0))
    }
    #expect(try ArchitectureParameters(inferringFrom: file(with.tensors)) == with)
    #expect(!ArchitectureParameters.isIn(file(Array(with.tensors.suffix(1)))), "it is no α by itself")
  }

  @Test("What is no weight is refused with its place", arguments: [-0.5, Float.nan, .infinity])
  func refused(value: Float) {
    let wrong = NamedTensor(name: "auxiliary_skip", shape: [1], values: .float32([value]))
    let error = #expect(throws: InputError.self) {
      try ArchitectureParameters(from: file(alphas(0).tensors + [wrong]), like: SearchSpace.s3.zeroAlphas)
    }
    #expect(error?.place == .file("memory", "auxiliary_skip"))
    #expect(error?.found == "\(value)" && error?.wanted == "a finite number, 0 or more")
  }

  @Test("A state is named by it too, and states without it are named as before")
  func digest() {
    let weights = ParameterVector(count: 4, kernels: Kernels.sets[0])
    func name(_ beta: Float) -> String { SHA256.ofState(weights, nil, alphas(beta)) }
    var plain = SHA256()
    plain.update(floats: weights.values)
    plain.update(floats: [])
    plain.update(floats: alphas(0).flat)
    #expect(name(0) == plain.hexadecimal())
    #expect(name(0.5) != name(0) && name(0.5) != name(0.25))
  }
}
