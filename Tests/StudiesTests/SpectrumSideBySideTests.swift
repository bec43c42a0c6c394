import ClosedFormSupport
import Compute
import Formats
import Foundation
import Landscape
import Problems
import Studies
import TestSupport
import Testing

@Suite("Spectra side by side") struct SpectrumSideBySideTests {
  /// Set by one thread, read by others.
  private final class Flag: @unchecked Sendable {
    private let lock = NSLock()
    private var value = false
    func set() { lock.withLock { value = true } }
    var isSet: Bool { lock.withLock { value } }
  }

  private func run(copies: Int) throws -> SpectrumRun<QuadraticBilevelProblem> {
    let problem = try quadratic()
    return try SpectrumRun(
      problem: problem,
      checkpoints: (0..<9).map { epoch in
        .init(name: "epoch-\(epoch)", epoch: epoch) {
          (problem.makeInitialWeights(), smallAlphas().moved(by: (0..<6).map { 0.1 * Double(epoch * $0) }))
        }
      }, settings: SpectrumSettings(eigenvalues: 2, probes: 3, seed: 4),
      copies: try (0..<copies).map { _ in try quadratic() })
  }

  @Test("rows and files do not depend on the number of checkpoints at a time, nor on a stop") func copies() throws {
    let scratch = try ScratchFolder()
    let (one, two, parts) = try (
      OutputFolder.create(at: scratch.file("one")), OutputFolder.create(at: scratch.file("two")),
      OutputFolder.create(at: scratch.file("parts"))
    )
    let expected = try run(copies: 0).run(in: one)
    // Nine checkpoints of two eigenvalues, the smallest, trace and asymmetry; smoothed ones of the inner five.
    #expect(expected.count == 9 * 5 + 5)
    let kinds = try CSVTable(readingFrom: one.file("spectrum.csv")).column("hessian")
    #expect(kinds == [String](repeating: "exact", count: expected.count))
    #expect(try run(copies: 2).run(in: two) == expected)

    let stop = Flag()
    var reported: [Int] = []
    #expect(throws: CancellationError.self) {
      try run(copies: 2).run(
        in: parts, isStopRequested: { stop.isSet },
        progress: { done, _ in
          reported.append(done)
          if done >= 2 { stop.set() }
        })
    }
    let kept = try CSVTable(readingFrom: parts.file("journal.csv")).column("checkpoint")
    let finished = Set(kept).count
    // What the other worker had in hand may have come to its end.
    #expect((2...3).contains(finished) && reported.last == finished && kept.count == 6 * finished)
    #expect(!FileManager.default.fileExists(atPath: parts.file("spectrum.csv")))
    #expect(try run(copies: 3).run(in: parts, isContinued: true) == expected)
    for name in ["spectrum.csv", "spectrum.yaml"] {
      let bytes = try FileBytes.read(one.file(name))
      #expect(try FileBytes.read(two.file(name)) == bytes && FileBytes.read(parts.file(name)) == bytes, "\(name)")
    }
    #expect(!FileManager.default.fileExists(atPath: parts.file("journal.csv")))
  }

  @Test("a copy of a problem takes the vectors that its objectives keep, and no more") func memory() {
    func bytes(_ objectives: [Objective]) -> Int {
      ParallelPlan.instanceBytes(activations: 1000, weights: 10, objectives: objectives)
    }
    #expect(bytes([]) == 1000 && bytes([.firstOrder]) == 1000)
    #expect(bytes([.secondOrder]) == 1000 + 3 * 40 && bytes([.firstOrder, .trueLoss(innerSteps: 5)]) == 1000 + 3 * 40)
    // Losses of several M share one run of inner training.
    #expect(bytes([.trueLoss(innerSteps: 5), .secondOrder, .trueLoss(innerSteps: 9)]) == 1000 + 6 * 40)
    #expect(ParallelPlan.instanceBytes(activations: 1, weights: .max, objectives: [.secondOrder]) == .max)
  }
}
