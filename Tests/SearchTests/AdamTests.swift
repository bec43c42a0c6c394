import Cells
import Formats
import Search
import TestSupport
import Testing

/// Adam against steps computed apart, with the formulas of torch.optim.Adam in double precision.
struct AdamTests {
  private func parameters(_ normal: [Float], _ reduce: [Float]) -> ArchitectureParameters {
    .init(
      normal: .init(rows: 1, columns: normal.count, values: normal),
      reduce: .init(rows: 1, columns: reduce.count, values: reduce))
  }

  @Test func threeStepsWithDecayAndBiasCorrectionMatch() {
    var alphas = parameters([0.5], [-0.25])
    var adam = Adam(size: 2)
    let gradients: [[Float]] = [[0.2, -0.4], [-0.1, 0.3], [0.05, 0]]
    let expected = [
      [0.4997000000149626, -0.24970000000749532], [0.4996990525200336, -0.2497563548827848],
      [0.49963319621373525, -0.24978579407986476],
    ]
    for (gradient, wanted) in zip(gradients, expected) {
      adam.step(&alphas, gradient: parameters([gradient[0]], [gradient[1]]))
      #expect(distance(doubles(alphas.flat), wanted) < 6e-8)
    }
    #expect(adam.count == 3)
  }

  @Test func exportedMomentsContinueBitForBit() throws {
    var whole = Adam(size: 2)
    var alphas = parameters([0.3], [0.1])
    whole.step(&alphas, gradient: parameters([1], [-2]))
    var resumed = Adam(size: 2)
    try resumed.restore(from: TensorFile(path: "memory", metadata: [:], tensors: whole.export()))
    #expect(resumed == whole)
    var other = alphas
    whole.step(&alphas, gradient: parameters([0.5], [0.25]))
    resumed.step(&other, gradient: parameters([0.5], [0.25]))
    #expect(alphas == other)
  }

  @Test func momentsOfAnotherSizeAreRefused() {
    var adam = Adam(size: 3)
    let file = TensorFile(path: "memory", metadata: [:], tensors: Adam(size: 2).export())
    #expect(refusal { try adam.restore(from: file) } == "memory: adam.first: [2]")
  }
}
