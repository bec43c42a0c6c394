import Cells
import Compute
import Formats

/// Orthogonal directions around an α, of the norm of α block by block or of their own.
///
/// Within each block the directions are first orthogonalised, in their order (Gram–Schmidt, applied twice against
/// rounding), and only then scaled, each to the norm of that block of α. Scaling a block changes no angle within it, and
/// directions that are orthogonal in every block are orthogonal as a whole, so both properties hold to double precision.
/// A block in which α is zero has no scale of its own; directions get norm 1 there.
public struct Directions: Equatable, Sendable {
  /// The α that the directions start from.
  public let center: ArchitectureParameters
  public let normalisation: DirectionNormalisation
  public let directions: [AlphaDirection]

  /// Orthogonalises and normalises given directions.
  ///
  /// - Throws: `InputError` where a direction does not fit α or is not finite, where a block has fewer values than
  ///   there are directions, and where directions are dependent within a block.
  public init(
    _ raw: [AlphaDirection], around center: ArchitectureParameters, normalisation: DirectionNormalisation = .cell
  ) throws {
    guard !raw.isEmpty else { throw InputError("none given", at: "directions", wanted: "at least one") }
    let alpha = center.flat.map(Double.init)
    guard alpha.allSatisfy(\.isFinite) else {
      throw InputError("a value that is not finite", at: "alphas", wanted: "finite values")
    }
    for (index, direction) in raw.enumerated() {
      let (found, wanted) = (direction.cells.map(\.count), center.matrices.map(\.values.count))
      guard found == wanted else {
        throw InputError(
          "does not fit α", at: "direction \(index + 1)",
          found: "\(found.map(String.init).joined(separator: " and ")) values",
          wanted: wanted.map(String.init).joined(separator: " and "))
      }
      guard direction.flat.allSatisfy(\.isFinite) else {
        throw InputError("a value that is not finite", at: "direction \(index + 1)", wanted: "finite values")
      }
    }
    var flats = raw.map(\.flat)
    for block in normalisation.blocks(of: center) {
      guard block.count >= raw.count else {
        throw InputError(
          "more than fit orthogonally in a block of α (\(normalisation.rawValue)-wise)", at: "directions",
          found: "\(raw.count) directions in \(block.count) values", wanted: "at most \(block.count)")
      }
      let norm = Self.norm(alpha[block])
      let length = normalisation == .own ? nil : norm > 0 ? norm : 1
      try Self.orthogonalise(&flats, block: block, length: length)
    }
    self.center = center
    self.normalisation = normalisation
    directions = flats.map { AlphaDirection(flat: $0, like: center) }
  }

  /// No directions: a centre alone.
  init(around center: ArchitectureParameters) { (self.center, normalisation, directions) = (center, .own, []) }

  /// Random directions: standard normal values, then orthogonalised and normalised. Direction k depends on the seed and k
  /// alone before that, so two directions of one seed begin any longer list of that seed.
  ///
  /// - Throws: `InputError` where a block of α has fewer values than there are directions.
  public static func random(
    count: Int = 2, seed: UInt64, around center: ArchitectureParameters, normalisation: DirectionNormalisation = .cell
  ) throws -> Directions {
    let raw = (0..<max(0, count)).map { randomValues(index: $0, seed: seed, like: center) }
    return try Directions(raw, around: center, normalisation: normalisation)
  }

  /// Standard normal values, a function of the seed and the index alone.
  static func randomValues(index: Int, seed: UInt64, like center: ArchitectureParameters) -> AlphaDirection {
    var stream = RandomStream(seed: seed, purpose: .directions, index: index)
    return AlphaDirection(flat: stream.normals(center.count), like: center)
  }

  /// α + Σ coordinates[k] · direction k, summed in double precision and rounded to float32 once.
  public func alphas(at coordinates: [Double]) -> ArchitectureParameters {
    precondition(
      coordinates.count <= directions.count, "\(coordinates.count) coordinates for \(directions.count) directions")
    var flat = center.flat.map(Double.init)
    for (coordinate, direction) in zip(coordinates, directions) {
      for (index, value) in direction.flat.enumerated() { flat[index] += coordinate * value }
    }
    var result = center
    result.flat = flat.map(Float.init)
    return result
  }

  /// `direction1.normal`, `direction1.reduce`, … (float64; β, where there is any, in the last column) and the centre as
  /// checkpoints have α (float32).
  public var tensors: [NamedTensor] {
    directions.indices.flatMap { tensors(of: $0, prefix: "direction\($0 + 1).") } + center.tensors
  }

  /// One direction, counted from 0, by kind of cell.
  func tensors(of index: Int, prefix: String) -> [NamedTensor] {
    zip(zip(center.kinds, center.matrices), directions[index].cells).map { cell, values in
      NamedTensor(name: prefix + cell.0.name, shape: [cell.1.rows, cell.1.columns], values: .float64(values))
    }
  }

  private static func norm(_ values: ArraySlice<Double>) -> Double {
    // Scaled by the largest value, so that squares of tiny α do not underflow.
    let largest = values.reduce(0) { max($0, abs($1)) }
    guard largest > 0 else { return 0 }
    return largest * values.reduce(0) { $0 + ($1 / largest) * ($1 / largest) }.squareRoot()
  }

  /// - Parameter length: that every direction gets in the block; nil for its own.
  private static func orthogonalise(_ flats: inout [[Double]], block: Range<Int>, length: Double?) throws {
    var units: [[Double]] = []
    for index in flats.indices {
      var values = Array(flats[index][block])
      let before = norm(values[...])
      for _ in 0..<2 {
        for unit in units {
          let projection = zip(values, unit).reduce(0) { $0 + $1.0 * $1.1 }
          for position in values.indices { values[position] -= projection * unit[position] }
        }
      }
      let after = norm(values[...])
      guard after > 1e-10 * before else {
        throw InputError(
          "zero, or a combination of the ones before it, in values \(block) of α", at: "direction \(index + 1)",
          wanted: "independent directions")
      }
      values = values.map { $0 / after }
      units.append(values)
      for (offset, position) in block.enumerated() { flats[index][position] = (length ?? after) * values[offset] }
    }
  }
}
