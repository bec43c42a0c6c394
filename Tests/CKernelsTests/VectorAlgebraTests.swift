import CKernels
import Compute
import Testing

@Suite struct VectorAlgebraTests {
  @Test("A vector computes with the table that it was made with, and with no other")
  func ownTable() throws {
    // A table whose kernels leave marks that no arithmetic leaves.
    var marked = try #require(ck_get(0)).pointee
    marked.add_scaled = { y, _, _, count in y?.update(repeating: 101, count: Int(count)) }
    marked.sum_squares = { _, _ in 49 }
    marked.momentum_step = { w, v, _, step, count in
      w?.update(repeating: step.rate, count: Int(count))
      v?.update(repeating: step.decay, count: Int(count))
    }
    withUnsafePointer(to: marked) { table in
      let kernels = KernelSet(table)
      let (vector, other) = (
        ParameterVector(count: 3, kernels: kernels), ParameterVector(count: 3, kernels: Kernels.sets[0])
      )
      vector.add(other, scaledBy: 2)
      #expect(vector.values == [101, 101, 101] && vector.norm == 7)
      let copy = vector.duplicate()
      copy.momentumStep(
        velocity: other, gradient: vector, gradientScale: 1, learningRate: 5, momentum: 0, weightDecay: 6)
      #expect(copy.values == [5, 5, 5] && other.values == [6, 6, 6])
      other.add(vector, scaledBy: 2)
      #expect(other.values == [208, 208, 208], "the operand's set is not asked")
    }
  }

  @Test("The sets that Swift lists are the tables of C, in their order")
  func tables() {
    #expect(Kernels.sets.map(\.table) == (0..<ck_available()).compactMap { ck_get($0) })
    #expect(Kernels.sets.count == Int(ck_available()))
  }
}
