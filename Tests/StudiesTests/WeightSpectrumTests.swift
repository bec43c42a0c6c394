import Cells
import ClosedFormSupport
import Compute
import Datasets
import Formats
import Foundation
import Problems
import Statistics
import Studies
import TestSupport
import Testing

@Suite("Spectra of the Hessian in ω") struct WeightSpectrumTests {
  static let diagonal = [0.5, 8, 1, 4, 2]

  /// A closed form whose ∇²_ω L_val is diagonal.
  static func problem() throws -> CountingProblem {
    let random = try quadratic(noise: 0.3).coefficients
    return CountingProblem(
      try QuadraticBilevelProblem(
        coefficients: .init(
          trainingCurvature: random.trainingCurvature, response: random.response, responseOffset: random.responseOffset,
          validationCurvature: DenseMatrix(diagonal: diagonal), weightTarget: random.weightTarget,
          alphaCurvature: random.alphaCurvature, alphaTarget: random.alphaTarget),
        initialAlphas: smallAlphas(), stepsPerEpoch: 4, noise: 0.3, seed: 3))
  }

  static func settings(vectors: Bool = false) throws -> WeightSpectrumSettings {
    try WeightSpectrumSettings(
      eigenvalues: 2, probes: 3, densitySteps: 9, densityStarts: 2, batches: 3, keepsVectors: vectors, seed: 4)
  }

  static func run(
    _ problems: [CountingProblem], _ settings: WeightSpectrumSettings, crew: Crew? = nil, epochs: [Int?] = [3],
    moved: Float = 0
  ) throws -> WeightSpectrumRun<CountingProblem> {
    try WeightSpectrumRun(
      problem: problems[0],
      checkpoints: epochs.map { epoch in
        .init(name: "epoch-\(epoch ?? 0)", epoch: epoch) {
          let weights = problems[0].makeInitialWeights()
          weights[0] += moved
          return (weights, smallAlphas())
        }
      }, settings: settings, copies: problems, crew: crew ?? Crew(workers: problems.count), origin: [("space", "none")])
  }

  private func values(_ rows: [SpectrumRow], _ quantity: SpectrumRow.Quantity) -> [Double] {
    rows.filter { $0.quantity == quantity }.map(\.value)
  }

  /// Random signs weigh each of n eigenvalues by 1/n, and zᵀDz is the trace whatever z.
  @Test("of a diagonal Hessian eigenvalues, vectors, trace and density are its own, for each single random vector")
  func diagonal() throws {
    let scratch = try ScratchFolder()
    let folder = try OutputFolder.create(at: scratch.file("out"))
    let rows = try Self.run([Self.problem()], Self.settings(vectors: true)).run(in: folder)
    #expect(
      rows.map(\.quantity) == [.eigenvalue, .eigenvalue, .smallest, .trace, .densityTrace, .asymmetry]
        && rows.allSatisfy { $0.epoch == 3 })
    #expect(close(values(rows, .eigenvalue), [8, 4], .absolute(2e-5)))
    #expect(close(values(rows, .smallest), [0.5], .absolute(2e-5)))
    // Sums of exact products: no rounding but that of three equal batches.
    let trace = try #require(rows.first { $0.quantity == .trace })
    #expect(close(trace.value, 15.5, .absolute(1e-5)) && close(trace.error, 0, .absolute(1e-6)))
    #expect(close(values(rows, .densityTrace), [15.5], .absolute(1e-4)))
    #expect(values(rows, .asymmetry)[0] < 1e-6)

    let density = try CSVTable(readingFrom: folder.file("spectrum-density.csv"))
    #expect(try density.integers("start") == [1, 1, 1, 1, 1, 2, 2, 2, 2, 2])
    #expect(close(try density.doubles("node"), [0.5, 1, 2, 4, 8, 0.5, 1, 2, 4, 8], .absolute(2e-5)))
    #expect(close(try density.doubles("weight"), [Double](repeating: 0.2, count: 10), .absolute(1e-5)))
    let curve = try CSVTable(readingFrom: folder.file("spectrum-curve.csv"))
    let (places, heights) = (try curve.doubles("eigenvalue"), try curve.doubles("density"))
    #expect(close(heights.reduce(0, +) * (places[1] - places[0]), 1, .absolute(1e-6)))
    #expect(close(try curve.doubles("width")[0], (7.5e-5).squareRoot(), .relative(1e-5)))

    let arrays = try NPZFile(readingFrom: folder.file("spectrum.npz"))
    #expect(arrays["eigenvalues"]?.shape == [1, 2] && arrays["nodes"]?.shape == [1, 2, 5])
    #expect(arrays["trace_samples"]?.shape == [1, 3] && arrays["epochs"]?.values == .float64([3]))
    #expect(arrays["curve_density"]?.values == .float64(heights) && arrays["curve_density"]?.shape == [1, heights.count])

    let vectors = try TensorFile(readingFrom: folder.file("eigenvectors.safetensors"))
    #expect(Set(vectors.tensors.keys) == ["hessian1.omega", "hessian2.omega"])
    #expect(close(try vectors.doubles("hessian1.omega").map(abs), [0, 1, 0, 0, 0], .absolute(1e-3)))
    #expect(close(try vectors.doubles("hessian2.omega").map(abs), [0, 0, 0, 1, 0], .absolute(1e-3)))
    #expect(close(vectors.metadata["eigenvalue1"].flatMap(Double.init), 8, .absolute(2e-5)))
    #expect(!FileManager.default.fileExists(atPath: folder.file("journal.csv")))
    #expect(try String(contentsOfFile: folder.file("spectrum.yaml"), encoding: .utf8).contains("\nparameters: 5\n"))
  }

  private func requireSame(_ one: OutputFolder, _ other: OutputFolder, _ what: Comment) throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: one.path).sorted()
    #expect(
      names == [
        "eigenvectors.safetensors", "spectrum-curve.csv", "spectrum-density.csv", "spectrum.csv", "spectrum.npz",
        "spectrum.yaml",
      ])
    #expect(try FileManager.default.contentsOfDirectory(atPath: other.path).sorted() == names, what)
    for name in names { #expect(try FileBytes.read(one.file(name)) == FileBytes.read(other.file(name)), what) }
  }

  @Test("a stopped run goes on to the same bytes, several pieces at a time too, and not with other weights or settings")
  func resume() throws {
    let scratch = try ScratchFolder()
    let whole = try OutputFolder.create(at: scratch.file("whole"))
    let settings = try Self.settings(vectors: true)
    var reports: [[Int]] = []
    let expected = try Self.run([Self.problem()], settings).run(in: whole, progress: { reports.append([$0, $1]) })
    // Products at most: 60 + 4·2, two starts of 9 steps, 3 probes.
    let total = 68 + 2 * 9 + 3
    #expect(reports.first == [0, total] && reports.last == [total, total])
    let products = 5 + 2 * 5 + 3
    for stop in 1..<products {
      let parts = try OutputFolder.create(at: scratch.file("\(stop)"))
      let problem = try Self.problem()
      #expect(throws: CancellationError.self) {
        try Self.run([problem], settings).run(in: parts, isStopRequested: { problem.hessianProducts >= 3 * stop })
      }
      #expect(!FileManager.default.fileExists(atPath: parts.file("spectrum.csv")))
      let rest = [try Self.problem(), try Self.problem()]
      #expect(try Self.run(rest, settings).run(in: parts, isContinued: true) == expected)
      // Pieces that were finished are not computed again: the first takes 5 products of 3 batches.
      if stop >= 5 { #expect(rest.reduce(0) { $0 + $1.hessianProducts } <= 3 * (products - 5)) }
      try requireSame(whole, parts, "stopped after \(stop)")
    }
    #expect(
      try Self.run([Self.problem()], settings).run(in: whole, isContinued: true, isStopRequested: { true }) == expected)
    let yaml = whole.file("spectrum.yaml")
    #expect(
      refusal { try Self.run([Self.problem()], settings, moved: 0.5).run(in: whole, isContinued: true) }?
        .hasPrefix("\(yaml): 'checkpoints_sha256") == true)
    #expect(
      refusal { try Self.run([Self.problem()], Self.settings()).run(in: whole, isContinued: true) }?
        .hasPrefix("\(yaml): 'vectors: true'") == true)
  }

  @Test("a piece in the journal whose eigenvectors are missing is computed again") func lostVectors() throws {
    let scratch = try ScratchFolder()
    let (whole, parts) = (try OutputFolder.create(at: scratch.file("a")), try OutputFolder.create(at: scratch.file("b")))
    let settings = try Self.settings(vectors: true)
    _ = try Self.run([Self.problem()], settings).run(in: whole)
    let problem = try Self.problem()
    #expect(throws: CancellationError.self) {
      try Self.run([problem], settings).run(in: parts, isStopRequested: { problem.hessianProducts >= 3 * 7 })
    }
    try FileManager.default.removeItem(atPath: parts.file("eigenvectors.safetensors"))
    _ = try Self.run([Self.problem()], settings).run(in: parts, isContinued: true)
    try requireSame(whole, parts, "without the file")
  }

  @Test(
    "ranks share pieces, or the batches of products where there are fewer pieces, to the same bytes", arguments: [2, 3, 7])
  func ranks(count: Int) throws {
    let scratch = try ScratchFolder()
    let (whole, folder) = (try OutputFolder.create(at: scratch.file("a")), try OutputFolder.create(at: scratch.file("b")))
    let settings = try Self.settings(vectors: true)
    let expected = try Self.run([Self.problem()], settings).run(in: whole)
    // Of batches no more than three ranks have work at a time.
    let meeting = Meeting(of: count == 7 ? 1 : count)
    try ThreadTeam(size: count).run(
      leader: { team in
        let problem = try Self.problem()
        problem.beforePass = { meeting.attend(0) }
        let crew = Crew(team: team, workers: 1)
        defer { #expect(throws: Never.self) { try crew.dismiss() } }
        #expect(try Self.run([problem], settings, crew: crew).run(in: folder) == expected)
      },
      server: { team in
        try Self.run([Self.problem()], Self.settings(vectors: true), crew: Crew(workers: 1)).serve(
          count == 7 ? team : meeting.member(team))
      })
    #expect(meeting.isComplete, "every rank had a piece")
    try requireSame(whole, folder, "\(count) ranks")
  }

  @Test("a rank with other weights is refused by the key that differs") func strayRank() throws {
    let scratch = try ScratchFolder()
    let folder = try OutputFolder.create(at: scratch.file("out"))
    let error = #expect(throws: TeamError.self) {
      try ThreadTeam(size: 2).run(
        leader: { team in
          let problem = try Self.problem()
          problem.beforePass = { usleep(20_000) }
          let crew = Crew(team: team, workers: 1)
          defer { try? crew.dismiss() }
          return try Self.run([problem], Self.settings(), crew: crew).run(in: folder)
        },
        server: { try Self.run([Self.problem()], Self.settings(), crew: Crew(workers: 1), moved: 0.5).serve($0) })
    }
    #expect(error?.problem.hasPrefix("checkpoints_sha256: not that of rank 0: found ") == true, "\(error?.problem ?? "")")
  }

  @Test("several checkpoints are told apart by their epochs, and have no eigenvectors") func epochs() throws {
    let scratch = try ScratchFolder()
    let folder = try OutputFolder.create(at: scratch.file("out"))
    let rows = try Self.run([Self.problem()], Self.settings(), epochs: [0, 1, 5]).run(in: folder)
    #expect(rows.filter { $0.quantity == .eigenvalue && $0.index == 1 }.map(\.epoch) == [0, 1, 5])
    let density = try CSVTable(readingFrom: folder.file("spectrum-density.csv"))
    #expect(try density.integers("epoch") == [0, 1, 5].flatMap { [Int](repeating: $0, count: 10) })
    #expect(try NPZFile(readingFrom: folder.file("spectrum.npz"))["nodes"]?.shape == [3, 2, 5])
    #expect(
      refusal { try Self.run([Self.problem()], Self.settings(vectors: true), epochs: [0, 1]) }
        == "setting vectors: 2 checkpoints")
  }

  @Test("without starts and random vectors there is neither density nor trace") func eigenvaluesAlone() throws {
    let scratch = try ScratchFolder()
    let folder = try OutputFolder.create(at: scratch.file("out"))
    let settings = try WeightSpectrumSettings(eigenvalues: 9, probes: 0, densityStarts: 0)
    let rows = try Self.run([Self.problem()], settings).run(in: folder)
    // ω has five values.
    #expect(rows.map(\.quantity) == [SpectrumRow.Quantity](repeating: .eigenvalue, count: 5) + [.smallest, .asymmetry])
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        == ["spectrum.csv", "spectrum.npz", "spectrum.yaml"])
  }

  @Test("settings that cannot be meant and data that there are none of are refused") func refusals() throws {
    #expect(refusal { try WeightSpectrumSettings(eigenvalues: 0) } == "setting eigenvalues: 0")
    #expect(refusal { try WeightSpectrumSettings(probes: -1) } == "setting probes: -1")
    #expect(refusal { try WeightSpectrumSettings(densitySteps: 0) } == "setting density_steps: 0")
    #expect(refusal { try WeightSpectrumSettings(densityStarts: -1) } == "setting density_starts: -1")
    #expect(refusal { try WeightSpectrumSettings(densityWidth: 0) } == "setting density_width: 0.0")
    #expect(refusal { try WeightSpectrumSettings(batches: 0) } == "setting batches: 0")
    #expect(refusal { try WeightSpectrumSettings(tolerance: .nan) } == "setting tolerance: nan")
    #expect(
      refusal { try Self.run([Self.problem()], WeightSpectrumSettings(data: .training)) } == "setting data: training")
    #expect(refusal { try Self.run([Self.problem()], Self.settings(), epochs: []) } == "checkpoints")
  }

  @Test("random vectors are functions of seed, epoch and step alone, and of mean 0 and variance 1") func randomVectors()
    throws
  {
    let problem = try supernet()
    func vector(_ law: RandomLaw, _ step: Int = 0) throws -> ParameterVector {
      try problem.randomWeightVector(law, seed: 5, epoch: 2, step: step)
    }
    let signs = problem.export(try vector(.signs)).flatMap { tensor -> [Float] in
      guard case .float32(let values) = tensor.values else { return [] }
      return values
    }
    #expect(signs.count == problem.weightValueCount && signs.allSatisfy { abs($0) == 1 })
    // ‖v‖² counts the values of ω and nothing beside them; sums of n signs have the deviation √n.
    let count = Double(signs.count)
    #expect(try vector(.signs).dot(vector(.signs)) == count)
    #expect(abs(Double(signs.reduce(0, +))) < 4 * count.squareRoot())
    #expect(try abs(vector(.signs).dot(vector(.signs, 1))) < 4 * count.squareRoot())
    let normals = try vector(.normals)
    #expect(abs(normals.dot(normals) / count - 1) < 4 * (2 / count).squareRoot())
    #expect(try vector(.normals).values == normals.values && vector(.normals, 1).values != normals.values)
  }

  /// A supernet of 4 channels on the images of a golden file.
  private func supernet(threads: Int = 1) throws -> SupernetProblem {
    let loader = try BatchLoader(
      dataset: DatasetSpecification.tensors(file: GoldenFile.path("s2_c16_l3_b4")).load(), seed: 1, batchSize: 4,
      trainLimit: nil)
    return try SupernetProblem(space: .s2, channels: 4, layers: 3, loader: loader, seed: 1, threads: threads)
  }
}
