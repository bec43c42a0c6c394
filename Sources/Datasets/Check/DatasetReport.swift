import Compute
import Formats
import Foundation
import Synchronization

/// What a dataset really holds.
public struct DatasetReport: Sendable {
  public struct Split: Sendable {
    /// `training`, `validation` or `test`.
    public var name: String
    public var count: Int
    /// Images of each class.
    public var labelCounts: [Int]
    /// Of every pixel of every image, of pixels scaled to 0…1, or of final values as they are; three channels.
    public var mean: [Double]
    public var standardDeviation: [Double]
    /// Smallest and largest width and height.
    public var widths: ClosedRange<Int>
    public var heights: ClosedRange<Int>
    /// Images that are equal, pixel for pixel, to an earlier one of the split.
    public var repeats: Int
    /// Images that are equal to one of the training split; zero for the training split itself.
    public var alsoInTraining: Int
    /// Images of those two kinds whose label is another.
    public var contradictions: Int
    /// SHA-256 over the SHA-256 digests of the image files in their order; nil where images are not in files of their own.
    public var filesSHA256: String?
  }

  public var splits: [Split] = []
  /// Image files that cannot be decoded, with the reason; they are left out of everything else.
  public var damaged: [InputError] = []

  /// Looks at every image.
  ///
  /// - Parameters:
  ///   - threads: No result depends on their number. 0 for `AvailableProcessors.count`.
  ///   - progress: Is told how many images of how many were looked at.
  /// - Throws: `InputError` where no image of a split can be decoded.
  public init(
    _ dataset: ImageDataset, threads: Int = 0, progress: (_ done: Int, _ of: Int) -> Void = { _, _ in }
  ) throws {
    let parts: [(name: String, split: ImageDataset.Split)] = [
      ("training", dataset.training), ("validation", dataset.validation), ("test", dataset.test),
    ].compactMap { name, split in split.map { (name, $0) } }
    let total = parts.reduce(0) { $0 + $1.split.count }
    let pool = ThreadPool(threadCount: threads > 0 ? threads : AvailableProcessors.count, isBound: true)
    var training: [SIMD2<UInt64>: Int32] = [:]
    var done = 0
    for (name, part) in parts {
      let start = done
      let facts = try Self.facts(of: part, dataset, pool: pool) { progress(start + $0, total) }
      done += part.count
      damaged += facts.compactMap { if case .failure(let error) = $0 { error } else { nil } }
      let summary = try Self.summary(name, of: part, facts, classes: dataset.classes, training: &training)
      guard let summary else {
        throw damaged.first ?? InputError("no images", at: "\(dataset.name), \(name)")
      }
      var split = summary
      if dataset.isAugmentable {
        split.mean = split.mean.map { $0 / 255 }
        split.standardDeviation = split.standardDeviation.map { $0 / 255 }
      }
      splits.append(split)
    }
  }

  private static func facts(
    of split: ImageDataset.Split, _ dataset: ImageDataset, pool: ThreadPool, progress: (Int) -> Void
  ) throws -> [Result<ImageFacts, InputError>] {
    let (side, stored) = (dataset.side, dataset.storedChannels * dataset.side * dataset.side)
    func facts(_ position: Int) -> Result<ImageFacts, InputError> {
      do {
        switch split.pixels {
        case .bytes(let bytes):
          let planes = bytes[position * stored..<(position + 1) * stored]
          return .success(try ImageFacts(planes: planes, channels: dataset.storedChannels, width: side, height: side))
        case .floats(let values):
          let planes = values[position * stored..<(position + 1) * stored]
          return .success(try ImageFacts(values: planes, width: side, height: side))
        case .files(let files): return .success(try ImageFacts(file: files.path(position)))
        }
      } catch {
        return .failure(error as? InputError ?? InputError("\(error)", at: "image \(position)"))
      }
    }
    var all: [Result<ImageFacts, InputError>] = []
    all.reserveCapacity(split.count)
    let portion = 1024
    while all.count < split.count {
      let start = all.count
      let found = Mutex([(Int, Result<ImageFacts, InputError>)]())
      pool.run(min(portion, split.count - start)) { task, _ in
        let result = facts(start + task)
        found.withLock { $0.append((task, result)) }
      }
      all += found.withLock { $0.sorted { $0.0 < $1.0 }.map(\.1) }
      progress(all.count)
    }
    return all
  }

  /// Nil where no image is left.
  private static func summary(
    _ name: String, of split: ImageDataset.Split, _ results: [Result<ImageFacts, InputError>], classes: Int,
    training: inout [SIMD2<UInt64>: Int32]
  ) throws -> Split? {
    var labelCounts = [Int](repeating: 0, count: classes)
    var (sums, squares, pixels) = (SIMD3<Double>(), SIMD3<Double>(), 0.0)
    var (widths, heights) = ([Int](), [Int]())
    var own: [SIMD2<UInt64>: Int32] = [:]
    var (repeats, shared, contradictions) = (0, 0, 0)
    var digests: [UInt8] = []
    for (result, label) in zip(results, split.labels) {
      guard case .success(let facts) = result else { continue }
      labelCounts[Int(label)] += 1
      sums += facts.sums
      squares += facts.squares
      pixels += Double(facts.pixels)
      widths = [min(widths.first ?? facts.width, facts.width), max(widths.last ?? facts.width, facts.width)]
      heights = [min(heights.first ?? facts.height, facts.height), max(heights.last ?? facts.height, facts.height)]
      digests += facts.fileDigest
      let (earlier, elsewhere) = (own[facts.digest], training[facts.digest])
      if earlier == nil { own[facts.digest] = label }
      if earlier != nil { repeats += 1 }
      if elsewhere != nil { shared += 1 }
      if [earlier, elsewhere].contains(where: { $0 != nil && $0 != label }) { contradictions += 1 }
    }
    guard widths.count == 2, heights.count == 2 else { return nil }
    if name == "training" { training = own }
    let mean = sums / pixels
    let variance = squares / pixels - mean * mean
    return Split(
      name: name, count: results.count, labelCounts: labelCounts, mean: (0..<3).map { mean[$0] },
      standardDeviation: (0..<3).map { max(0, variance[$0]).squareRoot() }, widths: widths[0]...widths[1],
      heights: heights[0]...heights[1], repeats: repeats, alsoInTraining: shared, contradictions: contradictions,
      filesSHA256: digests.isEmpty ? nil : try Digest.text(.sha256, of: digests))
  }
}
