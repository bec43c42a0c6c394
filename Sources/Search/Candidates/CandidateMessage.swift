import Cells
import Compute
import Problems

/// What rank 0 tells those that evaluate candidates for it, as a context of their requests (`Crew.prepare`).
enum CandidateMessage {
  /// Another problem: that of a search, or of one of its stages.
  case problem(ProblemNotice)
  /// Candidates of the update before a weight step of an epoch (both from 0).
  case update(UpdateNotice)
  /// Architectures on the whole validation split, with these weights.
  case validationSplit(ArraySlice<UInt8>)

  /// What the problem is made of, by which a rank that was told otherwise knows it.
  struct ProblemNotice: Equatable {
    /// Settings of the whole search, as its checkpoints have them.
    var search: String
    /// Those of the stage that runs; the same where there are no stages.
    var settings: String
    /// No result should depend on it, but engines agree to rounding only.
    var engine: String
    /// `BilevelProblem.dataChecksum`.
    var checksum: String?
  }

  /// Batches are functions of their places, so each rank makes them itself.
  struct UpdateNotice {
    var epoch: Int
    var step: Int
    /// M.
    var trainingBatches: Int
    var weightStep: WeightStep
    var weights: ArraySlice<UInt8>
    var velocity: ArraySlice<UInt8>?
    /// The run's running statistics, where perturbations of inner steps are made with them.
    var statistics: ArraySlice<UInt8>?
  }

  static func bytes(_ notice: ProblemNotice) -> [UInt8] {
    var writer = MessageWriter()
    writer.write(0)
    for text in [notice.search, notice.settings, notice.engine] { writer.write(text) }
    writer.write(notice.checksum != nil)
    if let checksum = notice.checksum { writer.write(checksum) }
    return writer.bytes
  }

  static func bytes<Problem>(_ start: CandidateStart<Problem>, epoch: Int, step: Int) -> [UInt8] {
    var writer = MessageWriter()
    for number in [1, epoch, step, start.trainingBatches.count] { writer.write(number) }
    let (settings, velocity) = (start.step, start.velocity)
    writer.write([settings.learningRate, settings.momentum, settings.weightDecay, settings.gradientClip])
    writer.write(settings.isNesterov)
    writer.write(start.weights.memory)
    writer.write(velocity != nil)
    if let velocity { writer.write(velocity.memory) }
    let statistics = start.perturbation.flatMap { $0.schedule.kind == .adversarial ? $0.statistics : nil }
    writer.write(statistics != nil)
    if let statistics { writer.write(statistics.memory) }
    return writer.bytes
  }

  static func bytes(validationSplitAt weights: ParameterVector) -> [UInt8] {
    var writer = MessageWriter()
    writer.write(2)
    writer.write(weights.memory)
    return writer.bytes
  }

  /// - Throws: `TruncatedMessage`.
  init(_ bytes: [UInt8]) throws {
    var reader = MessageReader(bytes)
    switch try reader.int() {
    case 0:
      let (search, settings, engine) = (try reader.text(), try reader.text(), try reader.text())
      let checksum = try reader.bool() ? reader.text() : nil
      self = .problem(ProblemNotice(search: search, settings: settings, engine: engine, checksum: checksum))
    case 1:
      let (epoch, step, batches) = (try reader.int(), try reader.int(), try reader.int())
      let numbers = try reader.floats()
      guard numbers.count == 4 else { throw TruncatedMessage() }
      let weightStep = WeightStep(
        learningRate: numbers[0], momentum: numbers[1], weightDecay: numbers[2], gradientClip: numbers[3],
        isNesterov: try reader.bool())
      let weights = try reader.octets()
      let velocity = try reader.bool() ? reader.octets() : nil
      let statistics = try reader.bool() ? reader.octets() : nil
      self = .update(
        UpdateNotice(
          epoch: epoch, step: step, trainingBatches: batches, weightStep: weightStep, weights: weights, velocity: velocity,
          statistics: statistics))
    case 2: self = .validationSplit(try reader.octets())
    default: throw TruncatedMessage()
    }
  }
}

/// A candidate as it travels: α, and what it came to.
enum CandidateLetter {
  static func request(_ alphas: ArchitectureParameters) -> [UInt8] {
    var writer = MessageWriter()
    writer.write(alphas.flat)
    writer.write([alphas.auxiliarySkip])
    return writer.bytes
  }

  /// - Parameter shape: of α.
  /// - Throws: `TruncatedMessage` where it is another's.
  static func alphas(_ request: [UInt8], like shape: ArchitectureParameters) throws -> ArchitectureParameters {
    var reader = MessageReader(request)
    let (values, beta) = (try reader.floats(), try reader.floats())
    guard values.count == shape.count, beta.count == 1 else { throw TruncatedMessage() }
    var result = shape
    (result.flat, result.auxiliarySkip) = (values, beta[0])
    return result
  }

  static func answer(_ loss: Double) -> [UInt8] {
    var writer = MessageWriter()
    writer.write(loss)
    return writer.bytes
  }

  /// - Throws: `TruncatedMessage`.
  static func loss(_ answer: [UInt8]) throws -> Double {
    var reader = MessageReader(answer)
    return try reader.double()
  }

  static func answer(_ loss: BatchLoss) -> [UInt8] {
    var writer = MessageWriter()
    writer.write(loss.loss)
    writer.write(loss.correct)
    writer.write(loss.count)
    return writer.bytes
  }

  /// - Throws: `TruncatedMessage`.
  static func batchLoss(_ answer: [UInt8]) throws -> BatchLoss {
    var reader = MessageReader(answer)
    return BatchLoss(loss: try reader.double(), correct: try reader.int(), count: try reader.int())
  }
}

extension ParameterVector {
  /// The values as they lie there, for another rank's vector of the same problem.
  fileprivate var memory: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: storage, count: count * MemoryLayout<Float>.stride)
  }

  /// Takes over another rank's values.
  ///
  /// - Throws: `TruncatedMessage` where they are those of a vector of another size.
  func take(_ memory: ArraySlice<UInt8>) throws {
    guard memory.count == count * MemoryLayout<Float>.stride else { throw TruncatedMessage() }
    let place = UnsafeMutableRawBufferPointer(start: storage, count: memory.count)
    memory.withUnsafeBytes { place.copyMemory(from: $0) }
  }
}
