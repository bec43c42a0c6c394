import Cells
import Compute
import Formats
import Problems

/// Makes the directions of a list in ω: what they come from, then, block by block, orthogonal where that is asked for and of the
/// length that their normalisation says. Everything but the last rounding is in double precision.
///
/// loss-landscape (commit 64ef4d5) scales filters in the same way (net_plotter.py, lines 108–112), but makes nothing orthogonal; copies
/// ω itself into tensors of one dimension where they are not ignored (lines 138–142), where here they are a block like any other;
/// and neither scales nor ignores in directions to another model (lines 251–253), as here by default.
struct WeightDirectionSource<Problem: BilevelProblem> {
  let problem: Problem
  let center: ParameterVector
  /// α beside ω, which eigenvectors are found at.
  let alphas: ArchitectureParameters
  let randomSeed: UInt64
  let files: WeightDirectionFiles

  /// - Throws: `InputError` where a direction cannot be had, has a value that is not finite or none that is not zero, or depends on
  ///   those before it; `MemoryShortage` where they don't fit.
  func make(_ kinds: [WeightDirectionKind], _ settings: WeightDirectionSettings) throws -> WeightDirections {
    try settings.check(kinds)
    let principal = Set(kinds.compactMap { kind -> Int? in if case .principal(let index) = kind { index } else { nil } })
      .sorted()
    let kept =
      (settings.isOrthogonalised ? kinds.count * MemoryLayout<Double>.stride : 0)
      + principal.count * (MemoryLayout<Double>.stride + MemoryLayout<Float>.stride)
    try MemoryShortage.check(
      "\(kinds.count) \(kinds.count == 1 ? "direction" : "directions") in the space of \(center.count) weights",
      neededBytes: .saturatingProduct(
        center.count, (kinds.count + 2) * MemoryLayout<Float>.stride + 4 * MemoryLayout<Double>.stride + kept),
      advice: "fewer directions")
    let named = problem.export(center)
    let (layout, weights) = (WeightLayout(named), try WeightLayout.flat(named))
    // All of them at once: checkpoints are read anew each time.
    let components = principal.isEmpty ? [:] : try components(principal)
    var (vectors, earlier): ([ParameterVector], [[Double]]) = ([], [])
    var randomCount = 0
    for (index, kind) in kinds.enumerated() {
      var values = try raw(kind, randomCount, layout, weights, components)
      if kind == .random { randomCount += 1 }
      let place = InputError.Place.words("direction \(kind.label) of ω")
      guard values.allSatisfy(\.isFinite) else {
        throw InputError("a value that is not finite", at: place, wanted: "finite values")
      }
      let ignored = settings.ignored(index, of: kind)
      for tensor in layout.tensors where ignored.ignores(tensor.shape) {
        for position in tensor.range { values[position] = 0 }
      }
      let normalisation = settings.normalisation(index, of: kind)
      for block in layout.blocks(normalisation, ignoring: ignored) {
        let length = normalisation == .own ? nil : Self.norm(weights, block)
        if settings.isOrthogonalised, length != 0 { try Self.orthogonalise(&values, earlier, block, at: place) }
        guard let length else { continue }
        let norm = Self.norm(values, block)
        let scale = norm > 0 ? length / norm : 0
        for range in block.ranges { for position in range { values[position] *= scale } }
      }
      guard values.contains(where: { Float($0) != 0 }) else {
        throw InputError(
          "zero in every value", at: place,
          found: "ignore \(ignored.rawValue), weight_normalisation \(normalisation.rawValue)",
          wanted: "a direction of some length: ω may be zero, or all that differs be ignored")
      }
      vectors.append(
        try problem.importVector(
          from: TensorFile(path: "direction \(kind.label) of ω", metadata: [:], tensors: layout.tensors(of: values)),
          prefix: ""))
      if settings.isOrthogonalised { earlier.append(values) }
    }
    return try WeightDirections(center: center, vectors: vectors)
  }

  /// - Parameters:
  ///   - randomIndex: how many random directions there were before.
  ///   - components: principal ones, by their numbers.
  private func raw(
    _ kind: WeightDirectionKind, _ randomIndex: Int, _ layout: WeightLayout, _ weights: [Double],
    _ components: [Int: ParameterVector]
  ) throws -> [Double] {
    func flat(_ vector: ParameterVector) throws -> [Double] { try WeightLayout.flat(problem.export(vector)) }
    switch kind {
    case .random:
      // In the order of the public names, so that no engine's layout matters.
      var stream = RandomStream(seed: randomSeed, purpose: .weightDirections, index: randomIndex)
      return stream.normals(layout.count)
    case .towards(let path):
      let target = try flat(problem.importVector(from: files.checkpoint(path), prefix: ""))
      return zip(target, weights).map { $0 - $1 }
    case .file(let path, let name):
      let file = try TensorFile(readingFrom: path)
      try file.verifyChecksum()
      return try flat(problem.importVector(from: file, prefix: "\(name ?? "direction1")."))
    case .principal(let index): return try flat(components[index] ?? problem.makeVector())
    case .eigenvector:
      guard let path = files.eigenvectors else {
        throw InputError(
          "no eigenvectors given", at: .setting("directions"), found: kind.label,
          wanted: "the file of eigenvectors that a spectrum over weights wrote (eigenvectors)")
      }
      let file = try TensorFile(readingFrom: path)
      try file.verifyChecksum()
      try requireOwn(file, kind)
      return try flat(problem.importVector(from: file, prefix: "\(kind.label)."))
    }
  }

  /// - Throws: `InputError` for eigenvectors at another (ω, α), where the file says at which.
  private func requireOwn(_ file: TensorFile, _ kind: WeightDirectionKind) throws {
    let own = SHA256.ofState(center, nil, alphas)
    guard let found = file.metadata["state_sha256"], found != own else { return }
    throw InputError(
      "eigenvectors of other weights", at: .file(file.path, "metadata state_sha256"), found: found,
      wanted: "\(own), that of the checkpoint, or file:\(file.path)#\(kind.label) for a direction of any origin")
  }

  private func components(_ indices: [Int]) throws -> [Int: ParameterVector] {
    guard let trajectory = files.trajectory else {
      throw InputError(
        "principal components need a path of ω", at: .setting("directions"), found: "pca\(indices[0])",
        wanted: "the trajectory of a training with two checkpoints or more")
    }
    let vectors = try trajectory.components(indices)
    for vector in vectors where vector.count != center.count {
      throw InputError(
        "of another network", at: .setting("trajectory"), found: "\(vector.count) weights", wanted: "\(center.count)")
    }
    return Dictionary(uniqueKeysWithValues: zip(indices, vectors))
  }

  /// ‖values‖ over a block.
  private static func norm(_ values: [Double], _ block: WeightLayout.Block) -> Double {
    // Scaled by the largest value, so that squares of tiny weights do not underflow.
    var largest = 0.0
    for range in block.ranges { for position in range { largest = max(largest, abs(values[position])) } }
    guard largest > 0 else { return 0 }
    var sum = 0.0
    for range in block.ranges {
      for position in range { sum += (values[position] / largest) * (values[position] / largest) }
    }
    return largest * sum.squareRoot()
  }

  /// Takes off what a direction has in common with earlier ones within a block (Gram–Schmidt, twice against rounding). Orthogonal in
  /// every block of its own it is orthogonal as a whole, and remains so when blocks are scaled.
  private static func orthogonalise(
    _ values: inout [Double], _ earlier: [[Double]], _ block: WeightLayout.Block, at place: InputError.Place
  ) throws {
    func restricted(_ values: [Double]) -> [Double] { block.ranges.flatMap { values[$0] } }
    var units: [[Double]] = []
    for direction in earlier {
      let unit = restricted(direction)
      if let made = reduced(unit, by: units) { units.append(made.map { $0 / length(made) }) }
    }
    guard !units.isEmpty else { return }
    let before = restricted(values)
    guard length(before) > 0 else { return }
    guard let after = reduced(before, by: units) else {
      throw InputError(
        "a combination of the ones before it in \(block.name)", at: place, found: "\(block.count) values",
        wanted: "independent directions, or orthogonalise false")
    }
    var index = 0
    for range in block.ranges {
      for position in range {
        values[position] = after[index]
        index += 1
      }
    }
  }

  /// What is left of a vector orthogonal to unit vectors; nil where that is rounding.
  private static func reduced(_ vector: [Double], by units: [[Double]]) -> [Double]? {
    var result = vector
    for _ in 0..<2 {
      for unit in units {
        let projection = zip(result, unit).reduce(0) { $0 + $1.0 * $1.1 }
        for position in result.indices { result[position] -= projection * unit[position] }
      }
    }
    let left = length(result)
    return left > 0 && left > 1e-10 * length(vector) ? result : nil
  }

  private static func length(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }
}
