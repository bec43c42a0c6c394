import Compute
import Formats
import Foundation
import Problems
import Statistics

/// The path that ω took in one or more trainings: their checkpoints, read one at a time, and the principal components of all of
/// them together (Li et al., *Visualizing the Loss Landscape of Neural Nets*, NeurIPS 2018, §7).
///
/// Components are those of the checkpoints with their mean taken off. So are those of tomgoldstein/loss-landscape: projection.py,
/// lines 203–224, hands differences from the last model to scikit-learn's `PCA`, which centres them (`_fit_full` and
/// `_fit_truncated` of its `_pca.py`: `X -= self.mean_`), and what is then found does not depend on which model they were taken
/// from. There it is a randomised method where a network has more than 500 values; here it is exact, from the inner products of
/// all pairs of differences.
///
/// Memory: vectors of ω's size by the block (`init`), one more, and one of double precision for each component that is made; not
/// one for each checkpoint.
public struct WeightTrajectory {
  /// One checkpoint.
  public struct Checkpoint: Equatable, Sendable {
    /// Name of the training, for files and legends.
    public var run: String
    public var epoch: Int
    public var path: String

    public init(run: String, epoch: Int, path: String) { (self.run, self.epoch, self.path) = (run, epoch, path) }
  }

  /// Training by training, each in its order.
  public let checkpoints: [Checkpoint]
  /// Share of the variance of all checkpoints along each component, in falling order.
  public let explainedVariance: [Double]
  /// Variance of all checkpoints about their mean, in all directions together; the sum of squares divided by their number.
  public let variance: Double
  private let read: (String) throws -> ParameterVector
  private let mask: ParameterVector?
  /// The last checkpoint of the first training.
  private let origin: ParameterVector
  /// A component is Σ of its factors · (checkpoint − origin); one list for each that is more than rounding.
  private let factors: [[Double]]

  /// - Parameters:
  ///   - reading: ω of a file; called once and again, since few are kept.
  ///   - mask: 1 where a value of ω counts for the components, 0 where it is left out (`WeightMask`); nil for all.
  ///   - blockSize: how many vectors are held at a time while inner products are taken, which saves reading; nil for what fits in an
  ///     eighth of the memory. No result depends on it.
  /// - Throws: `InputError` where there are fewer than two checkpoints, one does not fit or is not finite, or ω never moved; what
  ///   `reading` throws.
  public init(
    _ checkpoints: [Checkpoint], mask: ParameterVector? = nil, blockSize: Int? = nil,
    reading: @escaping (String) throws -> ParameterVector
  ) throws {
    guard checkpoints.count >= 2 else {
      throw InputError(
        "principal components need a path of ω", at: .setting("trajectory"),
        found: checkpoints.isEmpty ? "none" : "1 checkpoint",
        wanted: "a training with two checkpoints or more\(Self.advice)")
    }
    let last = checkpoints.lastIndex { $0.run == checkpoints[0].run } ?? checkpoints.count - 1
    let origin = try Self.checked(reading(checkpoints[last].path), checkpoints[last].path, like: mask)
    let products = try Self.products(
      count: checkpoints.count,
      block: max(1, blockSize ?? AvailableMemory.bytes() / 8 / max(1, origin.count * MemoryLayout<Float>.stride))
    ) { index in
      let path = checkpoints[index].path
      return try Self.difference(reading(path), path, from: origin, mask)
    }
    let solved = try Self.centred(products)
    let total = solved.values.reduce(0) { $0 + max(0, $1) }
    guard let largest = solved.values.last, largest > 0, total.isFinite else {
      throw InputError("ω never moved", at: .setting("trajectory"), wanted: "a path with two different points")
    }
    let kept = solved.values.indices.reversed()
    explainedVariance = kept.map { max(0, solved.values[$0]) / total }
    variance = total / Double(checkpoints.count)
    // Beyond that, what is left of a component is the rounding of float32 weights.
    factors = kept.prefix { solved.values[$0] > 1e-12 * largest }.map { place in
      let vector = solved.vectors[place]
      let along = vector[last] - vector[0]
      let greatest = vector.max { abs($0) < abs($1) } ?? 0
      let sign = (along != 0 ? along < 0 : greatest < 0) ? -1.0 : 1.0
      let mean = vector.reduce(0, +) / Double(vector.count)
      return vector.map { sign * ($0 - mean) / solved.values[place].squareRoot() }
    }
    (self.checkpoints, self.mask, self.origin, read) = (checkpoints, mask, origin, reading)
  }

  /// The path through checkpoints of one training, in their order.
  ///
  /// - Parameters:
  ///   - checkpoints: paths of safetensors files.
  ///   - importing: ω of a file.
  /// - Throws: as the other, and `InputError` where a file is damaged.
  public init(
    checkpoints: [String], name: String = "training", epochs: [Int]? = nil, mask: ParameterVector? = nil,
    blockSize: Int? = nil, importing: @escaping (TensorFile) throws -> ParameterVector
  ) throws {
    let numbers = epochs ?? Array(1...max(1, checkpoints.count))
    let named = zip(checkpoints, numbers).map { Checkpoint(run: name, epoch: $1, path: $0) }
    try self.init(named, mask: mask, blockSize: blockSize) { path in
      let file = try TensorFile(readingFrom: path)
      try file.verifyChecksum()
      return try importing(file)
    }
  }

  /// A component as a direction of length 1, counted from 1; it points the way that the first training went.
  ///
  /// - Throws: `InputError` where the checkpoints do not extend that way; what reading a file throws.
  public func component(_ index: Int) throws -> ParameterVector { try components([index])[0] }

  /// Several of them, for which the checkpoints are read once.
  ///
  /// - Throws: as `component`.
  public func components(_ indices: [Int]) throws -> [ParameterVector] {
    for index in indices where !(1...max(1, factors.count)).contains(index) {
      throw InputError(
        "the path of ω does not extend in so many directions", at: .setting("directions"), found: "pca\(index)",
        wanted: "pca1 to pca\(factors.count), all that \(Self.text(checkpoints.count)) span\(Self.advice)")
    }
    var sums = indices.map { _ in [Double](repeating: 0, count: origin.count) }
    for place in checkpoints.indices {
      let path = checkpoints[place].path
      let offset = try Self.difference(read(path), path, from: origin, mask)
      for (number, index) in indices.enumerated() {
        offset.add(to: &sums[number], scaledBy: factors[index - 1][place])
      }
    }
    return sums.map { values in
      let length = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let result = ParameterVector(count: origin.count, kernels: origin.kernels)
      result.round(values.map { $0 / length })
      return result
    }
  }

  /// Where a checkpoint lies as seen from some directions.
  public struct Foot: Equatable, Sendable {
    /// Coordinates of the nearest point of their span, in units of the directions.
    public var coordinates: [Double]
    /// ‖ω − that point‖, over all values of ω, those that components leave out included.
    public var distance: Double
  }

  /// The coordinates of every checkpoint, by least squares: directions need be neither orthogonal nor of length 1. With the
  /// method of loss-landscape's own figure (projection.py, lines 87–116, `cos`) they would have to be both.
  ///
  /// - Parameter center: where the directions start; nil for the last checkpoint of the first training.
  /// - Throws: `InputError` where directions are dependent or of another network; what reading a file throws.
  public func project(onto directions: [ParameterVector], around center: ParameterVector? = nil) throws -> [[Double]] {
    try feet(on: directions, around: center).map(\.coordinates)
  }

  /// The same with the distances.
  public func feet(on directions: [ParameterVector], around center: ParameterVector? = nil) throws -> [Foot] {
    let span = try VectorSpan(directions)
    let center = try Self.checked(center ?? origin, "centre", like: origin)
    return try checkpoints.map { checkpoint in
      let offset = try Self.difference(read(checkpoint.path), checkpoint.path, from: center, nil)
      let coordinates = span.coordinates(of: offset)
      return Foot(
        coordinates: coordinates,
        distance: offset.distance(from: zip(directions, coordinates).map { (vector: $0, scale: $1) }))
    }
  }

  // MARK: Parts

  private static func text(_ count: Int) -> String { "\(count) checkpoints" }
  /// A retraining keeps the last two unless it is told otherwise.
  private static let advice = "; a training keeps more with keep_last, all with keep_last: 0"

  /// ⟨dᵢ, dⱼ⟩ of all pairs, the lower triangle; each found alike, whatever the block.
  private static func products(
    count: Int, block: Int, difference: (Int) throws -> ParameterVector
  ) throws -> [[Double]] {
    var products = (0..<count).map { [Double](repeating: 0, count: $0 + 1) }
    for start in stride(from: 0, to: count, by: block) {
      var held: [ParameterVector] = []
      for row in start..<count {
        let vector = try difference(row)
        if row < start + block { held.append(vector) }
        for (place, other) in held.enumerated() { products[row][start + place] = vector.dot(other) }
      }
    }
    return products
  }

  /// The eigenproblem of the products about the mean of all: eigenvalues are sums of squares along the components.
  private static func centred(_ products: [[Double]]) throws -> SymmetricEigenproblem {
    let count = Double(products.count)
    func product(_ row: Int, _ column: Int) -> Double { products[max(row, column)][min(row, column)] }
    let means = products.indices.map { row in products.indices.reduce(0) { $0 + product(row, $1) } / count }
    let mean = means.reduce(0, +) / count
    return try SymmetricEigenproblem(
      products.indices.map { row in products.indices.map { product(row, $0) - means[row] - means[$0] + mean } })
  }

  private static func difference(
    _ weights: ParameterVector, _ path: String, from origin: ParameterVector, _ mask: ParameterVector?
  ) throws -> ParameterVector {
    let result = try checked(weights, path, like: origin).duplicate()
    result.add(origin, scaledBy: -1)
    if let mask { result.multiply(by: mask) }
    return result
  }

  private static func checked(
    _ weights: ParameterVector, _ path: String, like other: ParameterVector?
  ) throws -> ParameterVector {
    guard weights.count == other?.count ?? weights.count else {
      throw InputError(
        "weights of another network", at: .file(path), found: "\(weights.count) values", wanted: "\(other?.count ?? 0)")
    }
    guard weights.norm.isFinite else {
      throw InputError("not finite", at: .file(path, "weights"), found: "norm \(weights.norm)", wanted: "finite values")
    }
    return weights
  }
}
