import Cells
import Compute
import Datasets
import Problems
import Search
import SearchSupport
import TestSupport
import Testing

/// The laws of the two protocols that methods and landscapes rest on, for everything that conforms to them.
@Suite struct LawTests {
  private static func supernet(_ space: SearchSpace, variant: SupernetVariant = SupernetVariant()) throws -> SupernetProblem
  {
    var stream = RandomStream(seed: 4, purpose: .test)
    let images = (0..<24 * 3 * 64).map { _ in Float(stream.normal()) }
    let dataset = try ImageDataset(
      name: "noise", classes: 3, side: 8,
      training: .init(pixels: .floats(images), labels: (0..<24).map { _ in Int32(stream.integer(below: 3)) }), test: nil,
      normalisation: .cifar10)
    let loader = try BatchLoader(dataset: dataset, seed: 2, batchSize: 4, threads: 1)
    return try SupernetProblem(
      space: space, channels: 8, layers: 3, loader: loader, seed: 6, threads: 1, variant: variant)
  }

  private static var variants: [(space: SearchSpace, variant: SupernetVariant)] {
    var partial = SupernetVariant()
    (partial.partialChannels, partial.edgeNormalisation) = (2, true)
    var merged = SupernetVariant()
    merged.mergedConvolutions = true
    var auxiliary = SupernetVariant()
    auxiliary.auxiliarySkip = true
    return SearchSpace.allCases.map { ($0, SupernetVariant()) } + [(.s5, partial), (.s6, merged), (.s3, auxiliary)]
  }

  @Test("The closed form keeps the laws of a bilevel problem")
  func closedForm() throws {
    let report = try BilevelProblemLaws.check(quadratic())
    #expect(report.isEmpty, "\(report)")
  }

  @Test("A supernet keeps the laws of a bilevel problem, in every space and variant", arguments: 0..<10)
  func supernet(number: Int) throws {
    let (space, variant) = Self.variants[number]
    // Kinks of a small network under a step of this length are what the tolerance is for. Of what Hessian products are the
    // limit, `HessianProductTests` says in double precision.
    let report = try BilevelProblemLaws.check(
      Self.supernet(space, variant: variant), step: 1e-3, slopeTolerance: 2e-2, hessianTolerance: nil)
    #expect(report.isEmpty, "\(space): \(report)")
  }

  @Test("Every method keeps the laws of an optimiser, on the closed form", arguments: SearchMethod.allCases)
  func methods(method: SearchMethod) throws {
    let problem = try quadratic()
    var configuration = shortConfiguration(method)
    configuration.innerSteps = 2
    let report = try ArchitectureOptimiserLaws.check(problem) { try configuration.makeOptimiser(for: problem) }
    #expect(report.isEmpty, "\(method.rawValue): \(report)")
  }

  @Test("Every method keeps the laws of an optimiser, on a supernet", arguments: SearchMethod.allCases)
  func methodsOnASupernet(method: SearchMethod) throws {
    let problem = try Self.supernet(.s3)
    var configuration = shortConfiguration(method)
    configuration.space = .s3
    (configuration.innerSteps, configuration.candidates) = (2, 2)
    let report = try ArchitectureOptimiserLaws.check(problem) { try configuration.makeOptimiser(for: problem) }
    #expect(report.isEmpty, "\(method.rawValue): \(report)")
  }

  @Test("The checker finds a problem whose losses depend on what was asked before")
  func findsAProblemThatRemembers() throws {
    let problem = ObservedProblem(try quadratic())
    problem.interfere = { Double($0) }
    let report = try BilevelProblemLaws.check(problem)
    #expect(report.violations.contains { $0.contains("an evaluation repeats to the bit") }, "\(report)")
    #expect(report.violations.contains { $0.contains("function of its position") }, "\(report)")
    #expect(report.violations.contains { $0.contains("slope of the loss") }, "\(report)")
  }
}
