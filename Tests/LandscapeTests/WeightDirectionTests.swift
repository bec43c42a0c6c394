import Cells
import ClosedFormSupport
import Compute
import Formats
import Foundation
import Landscape
import Problems
import TestSupport
import Testing

/// On a problem whose ω is a convolution [2, 2, 1, 1], a classifier [2, 2] and its bias [2].
@Suite("Directions in ω") struct WeightDirectionTests {
  /// One direction as a line along it makes it.
  private func direction(
    _ kinds: [WeightDirectionKind], _ settings: WeightDirectionSettings = .init(), seed: UInt64 = 0,
    files: WeightDirectionFiles = .init(), weights: [Float]? = nil
  ) throws -> [[Double]] {
    let problem = try LayeredProblem()
    var made = LandscapeSettings(
      objectives: [.firstOrder], grid: try .init(size: 3, range: 1), directionsSeed: seed, kind: .line)
    made.axes = kinds.map(LandscapeAxis.weights)
    made.weightDirections = settings
    let run = try LandscapeRun(
      problem: problem, weights: weights.map(problem.vector) ?? problem.makeInitialWeights(), velocity: nil,
      alphas: smallAlphas(), settings: made, files: files)
    return try #require(run.axes.weights).vectors.map { doubles(problem.values($0)) }
  }

  /// A file with a direction of given values, and the kind that reads it.
  private func file(_ values: [Float], in scratch: ScratchFolder, name: String = "d") throws -> WeightDirectionKind {
    let problem = try LayeredProblem()
    let path = scratch.file("\(name).safetensors")
    try TensorFile.write(
      problem.export(problem.vector(values)).map {
        NamedTensor(name: "\(name).\($0.name)", shape: $0.shape, values: $0.values)
      },
      metadata: [:], to: path)
    return .file(path: path, name: name)
  }

  /// ω is 3 4 | 0 0 ‖ 1 0 | 2 2 ‖ −1 1, so its filters have the norms 5, 0, 1, √8, its tensors 5, 3, √2, and it has 6.
  private static let raw: [Float] = [0, 2, 1, 1, 1, -1, 0.5, 0, 3, 4]

  /// Scales worked out by hand: norm of ω over norm of the direction, of each block.
  private static let expected: [(WeightNormalisation, IgnoredWeights, [Double])] = [
    (.own, .none, [1, 1, 1, 1, 1]),
    (.own, .biasbn, [1, 1, 1, 1, 0]),
    (.filter, .biasbn, [5.0 / 2, 0, 1 / 2.0.squareRoot(), 8.0.squareRoot() / 0.5, 0]),
    (.filter, .none, [5.0 / 2, 0, 1 / 2.0.squareRoot(), 8.0.squareRoot() / 0.5, 2.0.squareRoot() / 5]),
    (.layer, .biasbn, [5 / 6.0.squareRoot(), 5 / 6.0.squareRoot(), 2, 2, 0]),
    (.layer, .none, [5 / 6.0.squareRoot(), 5 / 6.0.squareRoot(), 2, 2, 2.0.squareRoot() / 5]),
    // Without biases ‖ω‖² is 34 and ‖d‖² 8.25.
    (.model, .biasbn, [Double](repeating: (34 / 8.25).squareRoot(), count: 4) + [0]),
    (.model, .none, [Double](repeating: 6 / 33.25.squareRoot(), count: 5)),
  ]

  @Test(
    "each block takes over the norm of ω's, as worked out by hand; where ω is zero, so is the direction",
    arguments: Self.expected.indices)
  func normalisation(index: Int) throws {
    let (normalisation, ignored, scales) = Self.expected[index]
    let scratch = try ScratchFolder()
    let found = try direction(
      [file(Self.raw, in: scratch)], .init(normalisations: [normalisation], ignored: [ignored]))[0]
    let expected = Self.raw.indices.map { Double(Self.raw[$0]) * scales[$0 / 2] }
    #expect(close(found, expected, .scaled(1e-6)), "\(found), \(expected)")
    // A product with 0 or 1 is exact.
    for place in expected.indices where scales[place / 2] == 0 || scales[place / 2] == 1 {
      #expect(found[place] == expected[place])
    }
  }

  @Test("random ones are filter-normalised and leave biases alone unless told otherwise, the others as they come")
  func defaults() throws {
    let scratch = try ScratchFolder()
    let found = try direction([.random, file(Self.raw, in: scratch), .random])
    #expect(found[1] == doubles(Self.raw))
    for index in [0, 2] {
      let norms = (0..<5).map { norm(Array(found[index][2 * $0..<2 * $0 + 2])) }
      #expect(close(norms, [5, 0, 1, 8.0.squareRoot(), 0], .scaled(1e-6)), "\(norms)")
    }
    #expect(found[0] != found[2])
    // A list gives each its own.
    let own = try direction(
      [.random, file(Self.raw, in: scratch)], .init(normalisations: [.own, .layer], ignored: [.none, .biasbn]))
    #expect(own[0][8] != 0 && own[1][8] == 0)
    #expect(close(norm(Array(own[1][4..<8])), 3, .scaled(1e-6)))
  }

  @Test("random values are standard normal, a function of the seed and the place among the random ones alone")
  func randomness() throws {
    let scratch = try ScratchFolder()
    let own = WeightDirectionSettings(normalisations: [.own], ignored: [.none])
    let many = try direction(Array(repeating: .random, count: 400), own, seed: 7)
    let values = many.flatMap { $0 }
    let mean = values.reduce(0, +) / 4000
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 4000
    // Five standard errors of 4000 normal values: 5/√4000 and 5·√(2/4000).
    #expect(abs(mean) < 0.08 && abs(variance - 1) < 0.12, "\(mean), \(variance)")
    let mixed = try direction([.random, file(Self.raw, in: scratch), .random], own, seed: 7)
    #expect(mixed[0] == many[0] && mixed[2] == many[1])
    #expect(try direction([.random], own, seed: 8)[0] != many[0])
    // What is ignored does not shift what is drawn.
    let bare = try direction([.random], .init(normalisations: [.own]), seed: 7)[0]
    #expect(Array(bare[..<8]) == Array(many[0][..<8]) && bare[8] == 0 && bare[9] == 0)
  }

  @Test("orthogonalised ones are orthogonal within every block, and have the norms of ω's blocks all the same")
  func orthogonality() throws {
    let (first, second): ([Float], [Float]) = ([1, 2, 3, 4, 0.5, 1, -1, 2, 1, 1], [2, 1, 0, 1, 3, 1, 1, 1, 0, 2])
    let scratch = try ScratchFolder()
    let kinds = try [file(first, in: scratch, name: "a"), file(second, in: scratch, name: "b")]
    func blocks(_ values: [Double]) -> [[Double]] { (0..<5).map { Array(values[2 * $0..<2 * $0 + 2]) } }
    let settings = WeightDirectionSettings(normalisations: [.filter], ignored: [.none], isOrthogonalised: true)
    let found = try direction(kinds, settings)
    for ((a, b), length) in zip(zip(blocks(found[0]), blocks(found[1])), [5, 0, 1, 8.0.squareRoot(), 2.0.squareRoot()]) {
      #expect(close(norm(a), length, .scaled(1e-6)) && close(norm(b), length, .scaled(1e-6)))
      // Both are rounded to float32.
      #expect(abs(inner(a, b)) <= 2e-7 * length * length)
    }
    // In two dimensions what is left of the second is the first turned by a right angle: (1, 2) and (2, 1) make (2, −1)·3/5.
    let scale = 5 / 5.0.squareRoot()
    #expect(close(Array(found[1][..<2]), [2 * scale, -scale], .scaled(1e-6)))
    // As a whole, lengths kept: b − a·⟨a, b⟩/⟨a, a⟩.
    let whole = try direction(kinds, .init(isOrthogonalised: true))
    let share = inner(doubles(first), doubles(second)) / inner(doubles(first), doubles(first))
    #expect(whole[0] == doubles(first))
    #expect(close(whole[1], zip(second, first).map { Double($0) - share * Double($1) }, .scaled(1e-6)))
    // Without it nothing is made orthogonal.
    #expect(try direction(kinds)[1] == doubles(second))
  }

  @Test("to another checkpoint: the difference, so that 1 along it is the other's ω") func towards() throws {
    let scratch = try ScratchFolder()
    let problem = try LayeredProblem()
    let other: [Float] = [2, 4.5, 1, -1, 1, 0, 2, 2.5, -1, 3]
    try TensorFile.write(problem.export(problem.vector(other)), metadata: [:], to: scratch.file("other.safetensors"))
    let found = try direction([.towards(scratch.file("other.safetensors"))])[0]
    #expect(found == [-1, 0.5, 1, -1, 0, 0, 0, 0.5, 0, 2])
    // Told to leave biases alone, it does.
    let bare = try direction([.towards(scratch.file("other.safetensors"))], .init(ignored: [.biasbn]))[0]
    #expect(bare == [-1, 0.5, 1, -1, 0, 0, 0, 0.5, 0, 0])
  }

  @Test("eigenvectors of a spectrum's file, and principal components of a path") func othersDirections() throws {
    let scratch = try ScratchFolder()
    let problem = try LayeredProblem()
    let vector: [Float] = [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    guard case .file(let path, _) = try file(vector, in: scratch, name: "hessian2") else { return }
    #expect(try direction([.eigenvector(2)], files: .init(eigenvectors: path))[0] == doubles(vector))
    // A path along one line has one component, of length 1, along it.
    let start = problem.values(problem.makeInitialWeights())
    let paths = try (0..<3).map { epoch in
      var weights = start
      weights[0] += 3 * Float(2 - epoch)
      weights[1] += 4 * Float(2 - epoch)
      let path = scratch.file("epoch-\(epoch).safetensors")
      try TensorFile.write(problem.export(problem.vector(weights)), metadata: [:], to: path)
      return path
    }
    let trajectory = try WeightTrajectory(
      paths.enumerated().map { .init(run: "a", epoch: $0, path: $1) },
      reading: { try problem.importVector(from: TensorFile(readingFrom: $0), prefix: "") })
    let found = try direction([.principal(1)], files: .init(trajectory: trajectory))[0]
    // Towards the end of the path.
    #expect(close(found, [-0.6, -0.8, 0, 0, 0, 0, 0, 0, 0, 0], .absolute(1e-6)), "\(found)")
  }

  @Test("eigenvectors are those of the checkpoint's own ω and α, where their file says whose they are")
  func ownEigenvectors() throws {
    let scratch = try ScratchFolder()
    let problem = try LayeredProblem()
    let weights = problem.makeInitialWeights()
    let vector = problem.export(problem.vector([0, 0, 0, 1, 0, 0, 0, 0, 0, 0])).map {
      NamedTensor(name: "hessian1.\($0.name)", shape: $0.shape, values: $0.values)
    }
    let path = scratch.file("eigenvectors.safetensors")
    let own = SHA256.ofState(weights, nil, smallAlphas())
    try TensorFile.write(vector, metadata: ["state_sha256": own], to: path)
    #expect(try direction([.eigenvector(1)], files: .init(eigenvectors: path))[0][3] == 1)
    let other = String(repeating: "0", count: 64)
    try TensorFile.write(vector, metadata: ["state_sha256": other], to: path)
    let error = #expect(throws: InputError.self) { try direction([.eigenvector(1)], files: .init(eigenvectors: path)) }
    #expect(error?.place == .file(path, "metadata state_sha256") && error?.found == other)
    #expect(
      error?.wanted?.hasPrefix(own) == true
        && error?.wanted?.hasSuffix("file:\(path)#hessian1 for a direction of any origin") == true)
    // What is asked for by file and name is taken whoever it is of.
    #expect(try direction([.file(path: path, name: "hessian1")])[0][3] == 1)
  }

  /// A file whose values are not those that its checksum was taken of.
  private func damaged(_ values: [Float], _ prefix: String, in scratch: ScratchFolder) throws -> String {
    let problem = try LayeredProblem()
    func tensors(_ values: [Float]) -> [NamedTensor] {
      problem.export(problem.vector(values)).map {
        NamedTensor(name: prefix + $0.name, shape: $0.shape, values: $0.values)
      }
    }
    let path = scratch.file("damaged-\(prefix)safetensors")
    let checksum = TensorFile.checksum(tensors(values), metadata: [:])
    try TensorFile.write(tensors(values.map { $0 + 1 }), metadata: [TensorFile.checksumKey: checksum], to: path)
    return path
  }

  @Test("a damaged file is refused wherever a direction is read from it") func damage() throws {
    let scratch = try ScratchFolder()
    for (prefix, kind) in [
      ("", { WeightDirectionKind.towards($0) }), ("direction1.", { .file(path: $0, name: nil) }),
    ] as [(String, (String) -> WeightDirectionKind)] {
      let path = try damaged(Self.raw, prefix, in: scratch)
      #expect(refusal { try direction([kind(path)]) }?.hasPrefix("\(path): metadata \(TensorFile.checksumKey)") == true)
    }
    let path = try damaged(Self.raw, "hessian1.", in: scratch)
    #expect(
      refusal { try direction([.eigenvector(1)], files: .init(eigenvectors: path)) }?
        .hasPrefix("\(path): metadata \(TensorFile.checksumKey)") == true)
  }

  @Test("principal components of a list are made in one reading of the checkpoints") func readings() throws {
    let problem = try LayeredProblem()
    let start = problem.values(problem.makeInitialWeights())
    var count = 0
    let trajectory = try WeightTrajectory(
      (0..<4).map { .init(run: "a", epoch: $0, path: "\($0)") }, blockSize: 8,
      reading: { path in
        count += 1
        var weights = start
        let epoch = Float(path) ?? 0
        weights[0] += epoch
        weights[1] += epoch * epoch
        return problem.vector(weights)
      })
    count = 0
    let both = try direction([.principal(2), .principal(1)], files: .init(trajectory: trajectory))
    #expect(count == 4)
    let second = try direction([.principal(2)], files: .init(trajectory: trajectory))
    let first = try direction([.principal(1)], files: .init(trajectory: trajectory))
    #expect(both == second + first)
  }

  @Test("a list is read in its order, over one space or both, and written as it is read") func lists() throws {
    let weights = try LandscapeAxis.parse(list: "random*2, to:a/b, file:c#d,file:e ,pca1,hessian12", over: .weights)
    let kinds: [WeightDirectionKind] = [
      .random, .random, .towards("a/b"), .file(path: "c", name: "d"), .file(path: "e", name: nil), .principal(1),
      .eigenvector(12),
    ]
    #expect(weights == kinds.map { .weights($0) })
    #expect(weights.space == .weights && weights.list == "random,random,to:a/b,file:c#d,file:e,pca1,hessian12")
    let both = try LandscapeAxis.parse(list: "weights:random,alpha:true:3", over: .both)
    #expect(both == [.weights(.random), .alphas(.trueLoss(innerSteps: 3))])
    #expect(both.space == .both && both.list == "weights:random,alpha:true:3")
    #expect(try LandscapeAxis.parse(list: "first,zarts", over: .alphas) == [.alphas(.first), .alphas(.zarts)])
    #expect([LandscapeAxis.alphas(.first)].space == .alphas && [LandscapeAxis.alphas(.first)].list == "first")
  }

  @Test("a list that cannot be meant is refused with what would be right") func badLists() {
    for (list, space, found) in [
      ("first,random", LandscapeSpace.weights, "'first'"), ("alpha:random", .weights, "'alpha:random'"),
      ("random*0", .weights, "'random*0'"), ("pca0", .weights, "'pca0'"), ("hessian", .weights, "'hessian'"),
      ("hessian0", .weights, "'hessian0'"), ("to:", .weights, "'to:'"), ("file:", .weights, "'file:'"),
      ("file:a#", .weights, "'file:a#'"), ("random,", .weights, "''"), ("random,random", .both, "'random'"),
      ("alpha:random,alpha:first", .both, "'alpha:random,alpha:first'"), ("weights:first", .both, "'first'"),
      ("alpha:hessian1,weights:random", .both, "'hessian1'"), ("hessian1", .alphas, "'hessian1'"),
    ] {
      #expect(
        refusal { try LandscapeAxis.parse(list: list, over: space) } == "setting directions: \(found)",
        "\(list) over \(space)")
    }
  }

  @Test("directions that cannot be had are refused by name") func badDirections() throws {
    let scratch = try ScratchFolder()
    let zero = try file([Float](repeating: 0, count: 10), in: scratch, name: "zero")
    #expect(refusal { try direction([zero]) }?.hasPrefix("direction \(zero.label) of ω: ignore none") == true)
    // All that moves is ignored, or lies where ω is zero.
    let bias = try file([0, 0, 0, 0, 0, 0, 0, 0, 1, 0], in: scratch, name: "bias")
    #expect(refusal { try direction([bias], .init(ignored: [.biasbn])) }?.contains("ignore biasbn") == true)
    let dead = try file([0, 0, 1, 0, 0, 0, 0, 0, 0, 0], in: scratch, name: "dead")
    #expect(
      refusal { try direction([dead], .init(normalisations: [.filter])) }?.contains("weight_normalisation filter") == true)
    #expect(refusal { try direction([.random], weights: [Float](repeating: 0, count: 10)) }?.contains("random of ω") == true)
    let twice = try file(Self.raw, in: scratch)
    #expect(
      refusal { try direction([twice, twice], .init(isOrthogonalised: true)) }
        == "direction \(twice.label) of ω: 10 values")
    #expect(refusal { try direction([.principal(1)]) } == "setting directions: pca1")
    #expect(refusal { try direction([.eigenvector(3)]) } == "setting directions: hessian3")
    let none = scratch.file("none")
    #expect(refusal { try direction([.towards(none)]) } == none)
    #expect(refusal { try direction([.eigenvector(1)], files: .init(eigenvectors: none)) }?.hasPrefix(none) == true)
    guard case .file(let path, _) = twice else { return }
    #expect(refusal { try direction([.file(path: path, name: "other")]) }?.hasPrefix("\(path): other.conv.weight") == true)
    #expect(refusal { try direction([.towards(path)]) }?.hasPrefix("\(path): conv.weight") == true)
    let lists = WeightDirectionSettings(normalisations: [.filter, .own])
    #expect(refusal { try direction([.random], lists) } == "setting weight_normalisation: filter,none")
    let ignored = WeightDirectionSettings(ignored: [.none, .biasbn])
    #expect(refusal { try direction([.random, .random, .random], ignored) } == "setting ignore: none,biasbn")
  }
}
