import Cells
import Compute
import Diagnosis
import Formats
import Foundation
import Search
import TestSupport
import Testing

/// Verdicts on constructed trajectories of α.
struct CollapseVerdictTests {
  /// How α of one cell moves: logits of a drive towards operations, by epoch from 1.
  struct Drive: Sendable {
    /// The operations of which the first candidate of an edge gets the push; nil for a random one of each edge.
    var towards: [CellOperation]?
    /// Added to that operation's α at an epoch.
    var push: @Sendable (_ epoch: Int) -> Double

    static let still = Drive(towards: []) { _ in 0 }
    static func ramp(_ operations: [CellOperation], from first: Int, by slope: Double = 0.1) -> Drive {
      Drive(towards: operations) { $0 >= first ? slope * Double($0 - first + 1) : 0 }
    }
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var space: SearchSpace
    var epochs = 20
    var warmup = 0
    var normal: Drive
    var reduce = Drive.still
    var eigenvalues: [Double]?
    var state: CollapseVerdict.State
    /// Of the collapse; nil for none.
    var since: ClosedRange<Int>?
    /// Criteria that have to be among evidence and signs.
    var criteria: [String] = []
    var testDescription: String { name }
  }

  private static let conv: [CellOperation] = [
    .separableConv3x3, .separableConv5x5, .dilatedConv3x3, .dilatedConv5x5,
  ]
  private static let skip: [CellOperation] = [.skipConnect]

  static let cases: [Case] = [
    Case(
      name: "s2 driven to skip", space: .s2, normal: .ramp(skip, from: 5), state: .collapsed, since: 5...6,
      criteria: ["skips_normal", "parameter_free_normal"]),
    Case(name: "s3 driven to skip", space: .s3, normal: .ramp(skip, from: 5), state: .collapsed, since: 5...6),
    Case(name: "s5 driven to skip", space: .s5, normal: .ramp(skip, from: 8), state: .collapsed, since: 8...10),
    Case(name: "s6 driven to skip", space: .s6, normal: .ramp(skip, from: 8), state: .collapsed, since: 8...10),
    Case(name: "s1 driven to skip", space: .s1, normal: .ramp(skip, from: 4), state: .collapsed, since: 4...6),
    Case(
      name: "slowly, as Adam with 3e-4 on 40 steps an epoch", space: .s2, normal: .ramp(skip, from: 1, by: 0.012),
      state: .collapsed, since: 2...4),
    Case(name: "s2 driven to convolutions", space: .s2, normal: .ramp(conv, from: 3), state: .healthy),
    Case(name: "s6 driven to convolutions", space: .s6, normal: .ramp(conv, from: 3), state: .healthy),
    Case(
      name: "s6, every edge another operation", space: .s6, normal: Drive(towards: nil) { 0.1 * Double($0) },
      state: .healthy),
    Case(name: "α as it was drawn", space: .s2, normal: .still, state: .healthy),
    Case(
      name: "s4, where noise wins and no skip exists", space: .s4, normal: .ramp([.noise], from: 6),
      state: .collapsed, since: 6...7, criteria: ["parameter_free_normal"]),
    Case(name: "s4, where convolutions win", space: .s4, normal: .ramp(conv, from: 6), state: .healthy),
    Case(
      name: "reduction cell alone", space: .s2, normal: .ramp(conv, from: 3), reduce: .ramp(skip, from: 7),
      state: .collapsed, since: 7...8, criteria: ["skips_reduce"]),
    Case(
      name: "s6 driven to average pooling", space: .s6, normal: .ramp([.averagePool3x3], from: 5), state: .collapsed,
      since: 5...7, criteria: ["parameter_free_normal"]),
    Case(
      name: "s3 driven to none, convolutions second", space: .s3,
      normal: .ramp([.none], from: 2), state: .healthy),
    Case(
      name: "oscillating", space: .s2, normal: Drive(towards: skip) { $0.isMultiple(of: 2) ? 1 : -1 }, state: .healthy),
    Case(
      name: "with single epochs of doubt", space: .s2,
      normal: Drive(towards: skip) { [9, 15].contains($0) ? -1 : $0 > 5 ? 1 : -1 },
      state: .collapsed, since: 6...6),
    Case(
      name: "late, three epochs before the end", space: .s2, normal: .ramp(skip, from: 18, by: 0.5), state: .collapsed,
      since: 18...18),
    Case(name: "in the last epoch alone", space: .s2, normal: .ramp(skip, from: 20, by: 1), state: .healthy),
    Case(
      name: "collapsed and recovered", space: .s2, normal: Drive(towards: skip) { (6...12).contains($0) ? 1 : -1 },
      state: .suspect, criteria: ["skips_normal"]),
    Case(name: "within the warm-up alone", space: .s2, epochs: 8, warmup: 8, normal: .ramp(skip, from: 1), state: .healthy),
    Case(name: "after the warm-up", space: .s2, warmup: 6, normal: .ramp(skip, from: 7), state: .collapsed, since: 7...8),
    Case(
      name: "sharp, but with good cells", space: .s2, normal: .ramp(conv, from: 2),
      eigenvalues: (1...20).map { $0 < 11 ? 0.1 : 0.1 * pow(1.3, Double($0 - 10)) }, state: .suspect,
      criteria: ["eigenvalue"]),
    Case(
      name: "sharp and collapsed", space: .s2, normal: .ramp(skip, from: 6),
      eigenvalues: (1...20).map { 0.1 * pow(1.2, Double($0)) }, state: .collapsed, since: 6...7, criteria: ["eigenvalue"]),
    Case(
      name: "eigenvalues that fall", space: .s2, normal: .ramp(conv, from: 2),
      eigenvalues: (1...20).map { 1 / Double($0) }, state: .healthy),
    Case(
      name: "negative eigenvalues", space: .s2, normal: .ramp(conv, from: 2),
      eigenvalues: (1...20).map { -0.1 * Double($0) }, state: .healthy),
  ]

  static func configuration(_ space: SearchSpace, epochs: Int, warmup: Int) -> SearchConfiguration {
    var configuration = SearchConfiguration(method: .darts1, space: space, dataset: "constructed")
    (configuration.epochs, configuration.warmup) = (epochs, warmup)
    return configuration
  }

  /// Rows that hold nothing of interest but eigenvalues.
  static func records(_ count: Int, eigenvalues: [Double]? = nil) throws -> [EpochRecord] {
    let columns = [
      "epoch", "training_loss", "training_accuracy", "validation_loss", "validation_accuracy", "learning_rate", "sigma",
      "ess", "alpha_entropy_normal", "alpha_entropy_reduce", "alpha_norm", "alpha_updates", "accepted_updates",
      "baseline_loss", "alpha_gradient_norm", "alpha_update_norm", "diverged_candidates", "skip_connections",
      "skip_connections_reduce", "gradient_norm", "weight_steps", "dominant_eigenvalue", "seconds",
    ]
    let rows = (1...count).map { epoch -> [CSVField] in
      columns.map { column in
        switch column {
        case "epoch": .integer(epoch)
        case "dominant_eigenvalue": eigenvalues.map { .real($0[epoch - 1]) } ?? .text("")
        case "sigma", "ess", "baseline_loss", "alpha_gradient_norm", "alpha_update_norm": .text("")
        default: .integer(1)
        }
      }
    }
    let scratch = try ScratchFolder()
    try CSVWriter.write(columns: columns, rows: rows, to: scratch.file("metrics.csv"))
    return try EpochRecord.read(from: scratch.file("metrics.csv"))
  }

  static func alphas(_ example: Case, seed: UInt64 = 1) -> [ArchitectureParameters] {
    var start = example.space.zeroAlphas
    var stream = RandomStream(seed: seed, purpose: .alphas)
    start.flat = stream.normals(start.count).map { Float(1e-3 * $0) }
    func cell(
      _ matrix: ArchitectureParameters.Matrix, _ candidates: [[CellOperation]], _ drive: Drive, _ epoch: Int
    ) -> ArchitectureParameters.Matrix {
      var result = matrix
      for (row, operations) in candidates.enumerated() {
        let column =
          drive.towards.map { wanted in operations.firstIndex { wanted.contains($0) } }
          ?? (row * 3 + 3) % operations.count
        // One edge after another, or all nodes would choose the same two.
        if let column { result[row, column] += Float(drive.push(epoch) * (1 + 0.01 * Double(row))) }
      }
      return result
    }
    return (1...example.epochs).map { epoch in
      var alphas = start
      guard epoch > example.warmup else { return alphas }
      alphas.normal = cell(start.normal, example.space.normal, example.normal, epoch)
      alphas.reduce = cell(start.reduce, example.space.reduce, example.reduce, epoch)
      return alphas
    }
  }

  private static func diagnose(_ example: Case, seed: UInt64 = 1) throws -> CollapseDiagnosis {
    try CollapseDiagnosis(
      configuration: configuration(example.space, epochs: example.epochs, warmup: example.warmup),
      alphas: alphas(example, seed: seed),
      records: records(example.epochs, eigenvalues: example.eigenvalues))
  }

  @Test(arguments: cases)
  func verdictOnAConstructedTrajectory(example: Case) throws {
    for seed in [UInt64(1), 2] {
      let diagnosis = try Self.diagnose(example, seed: seed)
      let verdict = diagnosis.verdict
      #expect(verdict.state == example.state, "seed \(seed): \(diagnosis.text)")
      if let since = example.since {
        #expect(since.contains(verdict.epoch ?? 0), "seed \(seed): \(diagnosis.text)")
      } else {
        #expect(verdict.epoch == nil)
      }
      let met = (verdict.evidence + verdict.signs).map(\.criterion)
      #expect(Set(example.criteria).isSubset(of: met), "seed \(seed): \(met)")
    }
  }

  /// α that wanders as under ZARTS, with steps of σ = 0.2 in every coordinate, favours nothing.
  @Test(arguments: [SearchSpace.s1, .s2, .s3, .s4, .s5, .s6])
  func wanderingIsNoCollapse(space: SearchSpace) throws {
    let count = 40
    let collapsed = try (0..<count).count { seed in
      var stream = RandomStream(seed: UInt64(seed), purpose: .test)
      var alphas = space.zeroAlphas
      let path = (1...12).map { _ in
        alphas.flat = zip(alphas.flat, stream.normals(alphas.count)).map { $0 + Float(0.1 * $1) }
        return alphas
      }
      return try CollapseDiagnosis(
        configuration: Self.configuration(space, epochs: 12, warmup: 0), alphas: path, records: []
      ).verdict.isCollapsed
    }
    // Four criteria of at most 5 % each, which have to last.
    #expect(collapsed <= count / 8, "\(collapsed) of \(count)")
  }

  @Test func thresholdsFollowWhatChanceGives() throws {
    func lines(_ space: SearchSpace, _ kind: CollapseKind, chance: Double = 0.05) throws -> [Int?] {
      let counts = try ChanceCounts(operations: space.operations)
      return [CellKind].darts.map { counts.threshold(for: kind, in: $0, least: 5, chance: chance) }
    }
    // Eight fair coins: 9 in 256 show 7 or more, 37 in 256 show 6 or more.
    #expect(try lines(.s2, .skips) == [7, 7])
    #expect(try lines(.s2, .skips, chance: 0.2) == [6, 6])
    #expect(try lines(.s4, .parameterFree) == [7, 7])
    #expect(try lines(.s6, .skips) == [5, 5])
    // No skip connection exists in s4: five of them cannot be reached, whatever the chance.
    #expect(try ChanceCounts(operations: SearchSpace.s4.operations).share(of: .skips, in: .normal, atLeast: 1) == 0)
    let coins = try ChanceCounts(operations: SearchSpace.s2.operations)
    #expect(abs(coins.share(of: .skips, in: .normal, atLeast: 6) - 37.0 / 256) < 0.02)
    #expect(coins.share(of: .skips, in: .reduce, atLeast: 0) == 1)
  }

  @Test func thresholdsMoveTheVerdict() throws {
    let example = Case(name: "", space: .s2, normal: .ramp(Self.skip, from: 18, by: 0.5), state: .collapsed)
    func state(_ change: (inout CollapseThresholds) -> Void) throws -> CollapseVerdict.State {
      var thresholds = CollapseThresholds()
      change(&thresholds)
      return try CollapseDiagnosis(
        configuration: Self.configuration(.s2, epochs: 20, warmup: 0), alphas: Self.alphas(example),
        records: Self.records(20), thresholds: thresholds
      ).verdict.state
    }
    #expect(try state { _ in } == .collapsed)
    #expect(try state { $0.persistence = 4 } == .healthy)
    #expect(try state { $0.margin = 0.9 } == .healthy)
    #expect(try state { $0.chance = 0.001 } == .healthy)
  }

  @Test func ratioIsThatOfRobustDARTS() throws {
    let values = (1...14).map { 0.1 * Double($0 * $0) }
    let example = Case(
      name: "", space: .s2, epochs: 16, warmup: 2, normal: .ramp(Self.conv, from: 2),
      eigenvalues: [9, 9] + values, state: .suspect)
    let epochs = try Self.diagnose(example).epochs
    func mean(_ around: Int) -> Double { values[around - 3...around + 1].reduce(0, +) / 5 }
    // Epochs after the warm-up, from 1: the first with a full window is the third, the first ratio is at the eighth.
    #expect(epochs[3].smoothedEigenvalue == nil && epochs[15].smoothedEigenvalue == nil)
    #expect(epochs[4].smoothedEigenvalue == mean(3))
    #expect(epochs[8].eigenvalueRatio == nil)
    #expect(epochs[9].eigenvalueRatio == mean(3) / mean(8))
    #expect(epochs[13].eigenvalueRatio == mean(7) / mean(12))
  }

  @Test func ruleOfTheEigenvaluesIsOneOfEarlyStopping() throws {
    var thresholds = CollapseThresholds()
    #expect(thresholds.earlyStopping == EarlyStopping(), "what a search stops by")
    let search = SearchConfiguration(method: .darts2ES, space: .s2, dataset: "constructed")
    #expect(search.earlyStopping == thresholds.earlyStopping && thresholds.eigenvalueStart == 10)
    thresholds.earlyStopping = .robustDARTSCode
    #expect(thresholds.earlyStopping == .robustDARTSCode)
    try thresholds.validate()
    // A run that has an eigenvalue an epoch is judged by every second of them.
    let values = (1...40).map { $0.isMultiple(of: 2) ? 1e6 : $0 < 25 ? 1 : 2 }
    let example = Case(
      name: "", space: .s2, epochs: 40, normal: .ramp(Self.conv, from: 2), eigenvalues: values, state: .suspect)
    let verdict = try CollapseDiagnosis(
      configuration: Self.configuration(.s2, epochs: 40, warmup: 0), alphas: Self.alphas(example),
      records: Self.records(40, eigenvalues: values), thresholds: thresholds
    ).verdict
    // Epochs 1, 3, …: 1 up to 23, 2 from 25 on. Around 21 the mean is that of 17 … 25, 1.2; around 23 it is 1.4, and around 15 it is 1.
    #expect(verdict.sharpness?.epoch == 23 && verdict.sharpness?.returned == 15)
  }

  @Test func missingEigenvaluesAreNamedNotGuessed() throws {
    var example = Case(name: "", space: .s2, normal: .ramp(Self.conv, from: 2), state: .healthy)
    #expect(try Self.diagnose(example).verdict.gaps.contains { $0.contains("0 of 20 epochs") })
    example.eigenvalues = [Double](repeating: 1, count: 20)
    #expect(try Self.diagnose(example).verdict.gaps.isEmpty)
  }

  @Test func measurementsSayHowFarTheApproximationsHadLeft() throws {
    let example = Case(name: "", space: .s2, normal: .ramp(Self.skip, from: 8, by: 0.5), state: .collapsed)
    func measured(_ gap: Double, _ first: Double, _ second: Double?) -> CheckpointMeasurement {
      var result = CheckpointMeasurement(
        supernetLoss: 1, supernetAccuracy: 0.6, genotypeLoss: 1 + gap, genotypeAccuracy: 0.3)
      result.agreements = [
        .init(.firstOrder, spearman: first, bias: 0.25), .init(.secondOrder, spearman: second, bias: 0.125),
      ]
      return result
    }
    let diagnosis = try CollapseDiagnosis(
      configuration: Self.configuration(.s2, epochs: 20, warmup: 0), alphas: Self.alphas(example),
      records: Self.records(20),
      measurements: [
        4: measured(0.1, 0.9, 0.95), 8: measured(1.5, 0.2, 0.7), 12: measured(0.2, 0.9, 0.9),
        16: measured(1.2, -0.3, nil), 20: measured(.nan, 0.1, 0.1),
      ])
    let agreement = try #require(diagnosis.verdict.agreement)
    #expect(agreement.epoch == 8 && agreement.left == ["L1"] && agreement.of(.secondOrder)?.spearman == 0.7)
    let gap = try #require(diagnosis.verdict.signs.first { $0.criterion == "gap" })
    #expect(gap.epoch == 16, "at epoch 12 the gap had closed")
    #expect(diagnosis.text.contains("COLLAPSED since epoch 8") && diagnosis.text.contains("L1: rank correlation 0.2, below"))
  }

  @Test(arguments: [
    "edges", "chance", "margin", "persistence", "share", "eigenvalue_every", "eigenvalue_window", "eigenvalue_distance",
    "eigenvalue_ratio", "eigenvalue_start", "gap", "agreement",
  ])
  func thresholdOutOfRangeIsRefusedByName(setting: String) throws {
    var thresholds = CollapseThresholds()
    switch setting {
    case "edges": thresholds.edges = 9
    case "chance": thresholds.chance = 0
    case "margin": thresholds.margin = -0.1
    case "persistence": thresholds.persistence = 0
    case "share": thresholds.share = .nan
    case "eigenvalue_every": thresholds.eigenvalueEvery = 0
    case "eigenvalue_window": thresholds.eigenvalueWindow = 4
    case "eigenvalue_distance": thresholds.eigenvalueDistance = -1
    case "eigenvalue_ratio": thresholds.eigenvalueRatio = 1.5
    case "eigenvalue_start": thresholds.eigenvalueStart = -1
    case "gap": thresholds.gap = .infinity
    default: thresholds.agreement = 2
    }
    let error = #expect(throws: InputError.self) { try thresholds.validate() }
    #expect(error?.place.setting == setting)
  }
}
