import Cells
import ClosedFormSupport
import Compute
import Diagnosis
import Formats
import Foundation
import Landscape
import Problems
import Search
import Statistics
import TestSupport
import Testing

struct DiagnosisRunTests {
  private static func problem() throws -> QuadraticBilevelProblem {
    var stream = RandomStream(seed: 3, purpose: .alphas)
    var alphas = SearchSpace.s2.zeroAlphas
    alphas.flat = stream.normals(alphas.count).map { Float(0.3 * $0) }
    return try .random(seed: 3, weightCount: 6, alphas: alphas, stepsPerEpoch: 6, noise: 0.1)
  }

  private func search(in path: String, change: (inout SearchConfiguration) -> Void = { _ in }) throws -> SearchRunFolder {
    var configuration = SearchConfiguration(method: .darts1, space: .s2, dataset: "closed-form")
    (configuration.epochs, configuration.warmup, configuration.learningRate) = (4, 1, 0.1)
    change(&configuration)
    let run = try SearchRun(
      starting: Self.problem(), configuration: configuration, folder: .create(at: path), space: .s2)
    try run.run()
    return run.files
  }

  private func measure(
    _ files: SearchRunFolder, every: Int = 1, settings: MeasurementSettings = .init(), into folder: OutputFolder? = nil,
    made: @escaping () -> Void = {}, isStopRequested: @escaping () -> Bool = { false }
  ) throws -> [Int: CheckpointMeasurement] {
    try DiagnosisRun(of: files, settings: settings, every: every, in: folder ?? files.folder) {
      made()
      return try Self.problem()
    }.measure(CollapseDiagnosis(of: files), isStopRequested: isStopRequested)
  }

  @Test func measurementsAreThoseOfTheClosedForm() throws {
    let scratch = try ScratchFolder()
    let files = try search(in: scratch.file("run"))
    var settings = MeasurementSettings()
    (settings.samples, settings.innerSteps, settings.radius) = (7, 3, 0.5)
    let measured = try measure(files, settings: settings)
    #expect(measured.keys.sorted() == [1, 2, 3, 4])
    let problem = try Self.problem()
    for (epoch, found) in measured {
      let state = try SearchCheckpoint(readingFrom: files.checkpointPath(epoch: epoch), for: problem)
      let alphas = try #require(state.alphas)
      let genotype = try Genotype(alphas: alphas, space: .s2)
      #expect(found.supernetLoss == (try files.metrics()[epoch - 1].validationLoss))
      let derived = problem.evaluate(
        weights: state.weights, alphas: QuadraticBilevelProblem.alphas(of: genotype), batch: problem.validationSplitBatch(0))
      #expect(found.genotypeLoss == derived.loss && found.gap == derived.loss - found.supernetLoss)
      var step = WeightStep(learningRate: Float(try #require(state.learningRate)))
      step.momentum = 0.9
      let objectives: [Objective] = [.firstOrder, .secondOrder, .trueLoss(innerSteps: 3)]
      let evaluator = try ObjectiveEvaluator(
        problem: problem, weights: state.weights, velocity: state.momentum, step: step, epoch: epoch, objectives: objectives)
      let losses = try (0..<7).map { index in
        var stream = RandomStream(seed: 0, purpose: .directions, epoch: epoch, index: index)
        return try evaluator.evaluate(objectives, at: alphas.moved(by: stream.normals(56).map { 0.5 * $0 })).map(\.loss)
      }
      #expect(
        found.agreement(of: .firstOrder)?.spearman == (try Correlation.spearman(losses.map { $0[0] }, losses.map { $0[2] })))
      #expect(
        found.agreement(of: .secondOrder)?.spearman == (try Correlation.spearman(losses.map { $0[1] }, losses.map { $0[2] }))
      )
      let bias = losses.reduce(0) { $0 + $1[0] - $1[2] } / 7
      #expect(abs(try #require(found.agreement(of: .firstOrder)?.bias) - bias) < 1e-12)
    }
  }

  /// A problem on which first-order DARTS collapses and is wrong to: at fixed ω every edge's skip connection looks better,
  /// but ω answers to α, and with the answer the convolution is.
  private static func trap() throws -> QuadraticBilevelProblem {
    var alphas = SearchSpace.s2.zeroAlphas
    var stream = RandomStream(seed: 1, purpose: .alphas)
    alphas.flat = stream.normals(alphas.count).map { Float(1e-3 * $0) }
    let (edges, count) = (28, 56)
    var response = DenseMatrix(rows: edges, columns: count, values: [Double](repeating: 0, count: edges * count))
    for edge in 0..<edges { (response[edge, 2 * edge], response[edge, 2 * edge + 1]) = (1, -1) }
    let coefficients = QuadraticBilevelProblem.Coefficients(
      trainingCurvature: DenseMatrix.identity(edges), response: response,
      responseOffset: [Double](repeating: 0, count: edges), validationCurvature: 4 * DenseMatrix.identity(edges),
      weightTarget: [Double](repeating: -1, count: edges), alphaCurvature: 0.5 * DenseMatrix.identity(count),
      alphaTarget: (0..<count).map { $0.isMultiple(of: 2) ? 1 : 0 }, trainingFloor: 0.1, validationFloor: 0.2)
    return try QuadraticBilevelProblem(
      coefficients: coefficients, initialAlphas: alphas, stepsPerEpoch: 10, noise: 0.05, seed: 1)
  }

  @Test func searchOnATrapForDARTSIsCaughtAndZARTSIsNot() throws {
    let scratch = try ScratchFolder()
    func diagnose(_ method: SearchMethod) throws -> CollapseDiagnosis {
      var configuration = SearchConfiguration(method: method, space: .s2, dataset: "closed-form")
      (configuration.epochs, configuration.warmup, configuration.learningRate) = (12, 2, 0.1)
      (configuration.innerSteps, configuration.candidates, configuration.antithetic) = (10, 40, true)
      (configuration.mu, configuration.xi, configuration.alphaLearningRate) = (0.05, 0.02, 0.02)
      let run = try SearchRun(
        starting: Self.trap(), configuration: configuration, folder: .create(at: scratch.file(method.rawValue)), space: .s2)
      try run.run()
      let measured = try DiagnosisRun(of: run.files, in: run.files.folder) { try Self.trap() }
        .measure(CollapseDiagnosis(of: run.files))
      return try CollapseDiagnosis(of: run.files, measurements: measured)
    }
    let darts = try diagnose(.darts1)
    #expect(darts.verdict.isCollapsed && (3...5).contains(darts.verdict.epoch ?? 0), "\(darts.text)")
    #expect(darts.verdict.evidence.map(\.criterion).contains("skips_normal"))
    let agreement = try #require(darts.verdict.agreement)
    #expect(agreement.left.contains("L1"), "\(darts.text)")
    #expect(try #require(agreement.of(.firstOrder)?.spearman) < 0, "at fixed ω the order is the wrong way round")
    let zarts = try diagnose(.zartsRS)
    #expect(!zarts.verdict.isCollapsed, "\(zarts.text)")
    #expect(zarts.epochs.last?.normal.skips == 0, "\(zarts.text)")
  }

  @Test func measuredEigenvaluesAreThoseThatTheSearchWouldHaveLogged() throws {
    let scratch = try ScratchFolder()
    let logged = try search(in: scratch.file("logged")) { $0.eigenvalueEvery = 1 }.metrics().map(\.dominantEigenvalue)
    let measured = try measure(search(in: scratch.file("plain")))
    #expect((1...4).map { measured[$0]?.eigenvalue } == logged && logged.allSatisfy { $0 != nil })
    // Those that the search has are not computed again.
    let again = try measure(SearchRunFolder(existing: scratch.file("logged")))
    #expect(again.values.allSatisfy { $0.eigenvalue == nil })
  }

  @Test("Eigenvalues are measured as the search makes them, and all anew where another kind is asked for")
  func kindsOfEigenvaluesAreNotMixed() throws {
    let scratch = try ScratchFolder()
    let files = try search(in: scratch.file("run")) { ($0.eigenvalueEvery, $0.hessian) = (1, .difference) }
    let configuration = try files.configuration()
    var settings = MeasurementSettings()
    #expect(configuration.hessian == .difference && settings.products(of: configuration) == .difference)
    let earlier = settings.key(of: configuration)
    #expect(!earlier.contains("hessian"), "journals of earlier versions name no kind")
    settings.hessian = .difference
    #expect(settings.key(of: configuration) == earlier && settings.takesLogged(by: configuration))
    settings.hessian = .exact
    #expect(settings.key(of: configuration).contains(" hessian=exact") && !settings.takesLogged(by: configuration))
    let logged = try files.metrics().compactMap(\.dominantEigenvalue)
    let alphas = try files.alphaHistory()
    var measured = CheckpointMeasurement(
      supernetLoss: 1, supernetAccuracy: 0.5, genotypeLoss: 1, genotypeAccuracy: 0.5)
    measured.eigenvalue = 7
    func eigenvalues(_ kind: HessianKind?) throws -> [Double?] {
      let diagnosis = try CollapseDiagnosis(
        configuration: configuration, alphas: alphas, records: files.metrics(), measurements: [2: measured],
        hessian: kind)
      #expect(diagnosis.hessian == kind ?? .difference)
      return diagnosis.epochs.map(\.eigenvalue)
    }
    #expect(logged.count == 4)
    #expect(try eigenvalues(nil) == logged && eigenvalues(.difference) == logged)
    #expect(try eigenvalues(.exact) == [nil, 7, nil, nil])
  }

  @Test func whatWasMeasuredIsNotMeasuredAgain() throws {
    let scratch = try ScratchFolder()
    let files = try search(in: scratch.file("run"))
    var made = 0
    let first = try measure(files, every: 2, made: { made += 1 })
    #expect(first.keys.sorted() == [2, 4] && made == 1)
    #expect(try measure(files, every: 2, made: { made += 1 }) == first && made == 1)
    let all = try measure(files, made: { made += 1 })
    #expect(all.count == 4 && made == 2 && all[2] == first[2])
    var settings = MeasurementSettings()
    settings.radius = 0.3
    #expect(try measure(files, settings: settings, made: { made += 1 }) != all && made == 3)
    // Another checkpoint under the same name is another state.
    let path = files.checkpointPath(epoch: 3)
    try AtomicFile.write(FileBytes.read(files.checkpointPath(epoch: 2)), to: path)
    #expect(try measure(files)[3]?.supernetLoss == all[2]?.supernetLoss)
  }

  @Test func stoppedDiagnosisGoesOnToTheSameNumbers() throws {
    let scratch = try ScratchFolder()
    let files = try search(in: scratch.file("run"))
    let whole = try measure(files, into: .create(at: scratch.file("whole")))
    let folder = try OutputFolder.create(at: scratch.file("broken"))
    for calls in [1, 9, 17, 33] {
      var count = 0
      #expect(throws: CancellationError.self) {
        try measure(
          files, into: folder,
          isStopRequested: {
            count += 1
            return count > calls
          })
      }
    }
    // A row that a crash cut short is measured again.
    let path = folder.file("diagnosis-measurements.csv")
    try AtomicFile.write(Array(FileBytes.read(path).dropLast(9)), to: path)
    #expect(try measure(files, into: folder) == whole)
  }

  @Test func checkpointsThatAreGoneAreLeftOut() throws {
    let scratch = try ScratchFolder()
    let files = try search(in: scratch.file("run")) { $0.keepLast = 2 }
    #expect(try measure(files).keys.sorted() == [3, 4])
  }

  @Test func damagedCheckpointIsNamed() throws {
    let scratch = try ScratchFolder()
    let files = try search(in: scratch.file("run"))
    var bytes = try FileBytes.read(files.checkpointPath(epoch: 2))
    bytes[bytes.count - 5] ^= 0x40
    try AtomicFile.write(bytes, to: files.checkpointPath(epoch: 2))
    let error = #expect(throws: InputError.self) { try measure(files) }
    #expect(error?.place.file == files.checkpointPath(epoch: 2))
  }

  @Test func filesHoldOneRowAnEpochAndTheVerdict() throws {
    let scratch = try ScratchFolder()
    let files = try search(in: scratch.file("run"))
    let measured = try measure(files)
    let diagnosis = try CollapseDiagnosis(of: files, measurements: measured)
    try diagnosis.write(to: files.folder, run: "somewhere", settings: .init())
    let table = try CSVTable(readingFrom: files.folder.file("diagnosis.csv"))
    #expect(table.columns == DiagnosisEpoch.columns && table.rows.count == 4)
    #expect(try table.integers("warmup") == [1, 0, 0, 0])
    #expect(try table.doubles("entropy_normal") == files.metrics().map(\.normalEntropy))
    #expect(try table.integers("skips_normal") == files.metrics().map { $0.skipConnections ?? -1 })
    #expect(try table.column("genotype") == files.genotypes().map(\.pythonLine))
    #expect(try table.doubles("discretisation_gap") == (1...4).map { measured[$0]?.gap ?? .nan })
    let yaml = try String(contentsOfFile: files.folder.file("diagnosis.yaml"), encoding: .utf8)
    #expect(yaml.contains("collapsed: false\n") && yaml.contains("thresholds:\n  edges: 5\n  chance: 0.05\n"))
    #expect(yaml.contains("  radius: 0.2\n") && yaml.contains("agreement: {epoch: 4, "))
  }

  @Test func runThatIsAheadInOneFileIsJudgedUpToTheRest() throws {
    let scratch = try ScratchFolder()
    let files = try search(in: scratch.file("run"))
    // metrics.csv is written after alphas.npy, the checkpoint after both.
    for path in [files.genotypePath, files.checkpointPath(epoch: 4)] { try FileManager.default.removeItem(atPath: path) }
    let lines = try String(contentsOfFile: files.metricsPath, encoding: .utf8).split(separator: "\n")
    try AtomicFile.write(lines.dropLast().joined(separator: "\n") + "\n", to: files.metricsPath)
    #expect(try CollapseDiagnosis(of: files).epochs.count == 3)
    #expect(try measure(files).keys.sorted() == [1, 2, 3])
  }

  @Test func runsThatCannotBeJudgedAreRefused() throws {
    let scratch = try ScratchFolder()
    let files = try search(in: scratch.file("run"))
    let changed = try search(in: scratch.file("changed"))
    try FileManager.default.removeItem(atPath: files.metricsPath)
    let contradiction = #expect(throws: InputError.self) { try CollapseDiagnosis(of: files) }
    #expect("\(contradiction.map { "\($0)" } ?? "")".contains(files.metricsPath))
    for path in [files.genotypesPath, files.alphasPath, files.checkpointsPath] {
      try FileManager.default.removeItem(atPath: path)
    }
    let none = #expect(throws: InputError.self) { try CollapseDiagnosis(of: files) }
    #expect(none?.found == "no finished epoch")
    var configuration = try changed.configuration()
    configuration.space = .s3
    try AtomicFile.write(configuration.yaml, to: changed.configurationPath)
    #expect(refusal { try CollapseDiagnosis(of: changed) }?.hasPrefix(changed.folder.path) == true)
    var settings = MeasurementSettings()
    settings.samples = 2
    let wrong = #expect(throws: InputError.self) { try settings.validate() }
    #expect(wrong?.place.setting == "samples")
  }
}
