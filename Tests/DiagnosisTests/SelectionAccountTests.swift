import Cells
import ClosedFormSupport
import Compute
import Diagnosis
import Formats
import Foundation
import Problems
import Search
import Statistics
import TestSupport
import Testing

/// What a diagnosis says of selections, and of what operations contribute.
@Suite struct SelectionAccountTests {
  private static let argmax =
    "Genotype(normal=[('skip_connect', 0), ('skip_connect', 1), ('skip_connect', 0), ('skip_connect', 1), "
    + "('skip_connect', 0), ('skip_connect', 1), ('skip_connect', 0), ('skip_connect', 1)], normal_concat=range(2, 6), "
    + "reduce=[('sep_conv_3x3', 0), ('skip_connect', 1), ('skip_connect', 0), ('skip_connect', 1), ('skip_connect', 0), "
    + "('skip_connect', 1), ('skip_connect', 0), ('skip_connect', 1)], reduce_concat=range(2, 6))"
  /// Another operation on the normal cell's first edge; its last node fed by its third in place of its second input.
  private static let selected = argmax.replacing(
    "normal=[('skip_connect', 0)", with: "normal=[('sep_conv_3x3', 0)"
  ).replacing("('skip_connect', 1)], normal", with: "('sep_conv_3x3', 4)], normal")

  @Test("edges that differ are told in words and in YAML, with what each rule makes of them") func account() throws {
    let difference = SelectionDifference(
      argmax: try Genotype(parsing: Self.argmax), selected: try Genotype(parsing: Self.selected))
    let found = DiagnosisSupplement.account(difference, rule: "perturbation", in: "run/selection")
    #expect(found.title == "Selection by perturbation beside the argmax rule (selection)")
    #expect(
      found.lines == [
        "normal cell: 3 of 14 edges differ; skip connections 8 by argmax, 6 by perturbation; operations without weights 8 and 6",
        "reduction cell: 0 of 14 edges differ; skip connections 7 by argmax, 7 by perturbation; operations without weights 7 and 7",
        "normal cell, state 0 into node 0: skip_connect by argmax, sep_conv_3x3 by perturbation",
        "normal cell, state 1 into node 3: skip_connect by argmax, not kept by perturbation",
        "normal cell, state 4 into node 3: not kept by argmax, sep_conv_3x3 by perturbation",
      ])
    for line in [
      "selection:\n", "  rule: perturbation\n", "  edges_differing: {normal: 3, reduce: 0}\n",
      "  skip_connections_argmax: {normal: 8, reduce: 7}\n", "  skip_connections_selected: {normal: 6, reduce: 7}\n",
      "    - {kind: normal, edge: 13, source: 4, node: 3, argmax: null, selected: sep_conv_3x3}\n",
    ] { #expect(found.yaml.contains(line), "\(found.yaml)") }
    #expect(found.text.hasPrefix("\n\nSelection by") && found.text.contains("\n  normal cell: 3"))
    let same = SelectionDifference(argmax: difference.argmax, selected: difference.argmax)
    #expect(DiagnosisSupplement.account(same, rule: "magnitude", in: "x").yaml.hasSuffix("  edges: []\n"))
  }

  private static func problem() throws -> (problem: QuadraticBilevelProblem, alphas: ArchitectureParameters) {
    var stream = RandomStream(seed: 3, purpose: .alphas)
    var alphas = SearchSpace.s2.zeroAlphas
    alphas.flat = stream.normals(alphas.count).map { Float(0.3 * $0) }
    return (try .random(seed: 3, weightCount: 6, alphas: alphas, stepsPerEpoch: 6, noise: 0.1), alphas)
  }

  @Test("a survey holds the loss without each operation, and its account the correlations of a plain double loop")
  func contribution() throws {
    let (problem, alphas) = try Self.problem()
    let weights = problem.makeInitialWeights()
    var told: [[Int]] = []
    let survey = try RemovalSurvey(
      of: problem, weights: weights, alphas: alphas, operations: SearchSpace.s2.operations, batches: 1,
      progress: { told.append([$0, $1]) })
    let batch = problem.validationSplitBatch(0)
    let whole = problem.evaluate(weights: weights, alphas: alphas, batch: batch)
    #expect(close(survey.whole.loss, whole.loss, .relative(1e-12)) && survey.whole.correct == whole.correct)
    #expect(told == (1...57).map { [$0, 57] })
    let flat = alphas.flat
    let losses = flat.indices.map { index -> Double in
      var without = alphas
      without.flat = flat.enumerated().map { $0 == index ? 0 : $1 }
      return problem.evaluate(weights: weights, alphas: without, batch: batch).loss
    }
    // A mean over one batch is its loss but for rounding.
    #expect(close(survey.operations.map(\.result.loss), losses, .relative(1e-12)) && survey.edges.count == 28)
    #expect(survey.edges.allSatisfy { $0.map(\.operation) == [.skipConnect, .separableConv3x3] })
    let rises = losses.map { $0 - whole.loss }
    let strengths = alphas.matrices.flatMap { $0.strengths() }
    let account = try ContributionAccount(survey, epoch: 4)
    // With two operations Kendall's τ of an edge is 1 or −1.
    let agreeing = (0..<28).count { (edge: Int) -> Bool in
      let isStronger = strengths[2 * edge] > strengths[2 * edge + 1]
      return isStronger == (rises[2 * edge] > rises[2 * edge + 1])
    }
    #expect(account.agreeing == agreeing && account.edges == 28 && agreeing > 0 && agreeing < 28)
    #expect(close(account.edgeKendall, Double(2 * agreeing - 28) / 28, .absolute(1e-12)))
    #expect(account.spearman == (try Correlation.spearman(strengths, rises)))
    let scratch = try ScratchFolder()
    let folder = try OutputFolder.create(at: scratch.file("out"))
    try account.writeTable(to: folder)
    let table = try CSVTable(readingFrom: folder.file("diagnosis-removals.csv"))
    #expect(try table.doubles("loss") == survey.operations.map(\.result.loss) && table.rows.count == 56)
    #expect(try close(table.doubles("loss_rise"), rises, .absolute(1e-9)))
    let supplement = account.supplement
    #expect(
      supplement.lines[0].hasPrefix("on \(agreeing) of 28 edges")
        && supplement.yaml.contains("  agreeing_edges: \(agreeing)\n"))
  }

  @Test("edges and operations of one kind have no rank correlation where weights tie throughout") func ties() throws {
    let (problem, alphas) = try Self.problem()
    let survey = try RemovalSurvey(
      of: problem, weights: problem.makeInitialWeights(), alphas: alphas.zeros, operations: SearchSpace.s2.operations,
      batches: 1)
    let account = try ContributionAccount(survey, epoch: 1)
    #expect(account.edgeKendall == nil && account.spearman == nil)
    #expect(account.supplement.lines[1].contains("Kendall undefined") && account.supplement.yaml.contains("spearman: null"))
  }

  @Test("a stop ends a survey between batches") func stopped() throws {
    let (problem, alphas) = try Self.problem()
    var asked = 0
    #expect(throws: CancellationError.self) {
      try RemovalSurvey(
        of: problem, weights: problem.makeInitialWeights(), alphas: alphas, operations: SearchSpace.s2.operations,
        batches: 1,
        isStopRequested: {
          asked += 1
          return asked > 5
        })
    }
    #expect(asked == 6)
  }
}
