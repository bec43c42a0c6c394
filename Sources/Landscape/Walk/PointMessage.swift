import Cells
import Compute
import Formats
import Problems

/// A point as it travels to another rank.
package struct PointRequest: Equatable {
  /// `WalkPoint.bench`.
  package var bench: Int
  /// Labels of what is evaluated, in their order.
  package var objectives: [String]
  /// α there, flat.
  package var alphas: [Float]
  /// How far ω is moved along its directions.
  package var weights: [Double]
  /// `WalkPoint.number`.
  package var number: Int

  package init(bench: Int, objectives: [String], alphas: [Float], weights: [Double] = [], number: Int) {
    (self.bench, self.objectives, self.alphas, self.weights, self.number) = (bench, objectives, alphas, weights, number)
  }

  package func write(to writer: inout MessageWriter) {
    writer.write(bench)
    writer.write(objectives.count)
    for label in objectives { writer.write(label) }
    writer.write(alphas)
    writer.write(weights)
    writer.write(number)
  }

  /// - Throws: `TruncatedMessage`.
  package init(from reader: inout MessageReader) throws {
    bench = try reader.int()
    objectives = []
    for _ in 0..<max(0, try reader.int()) { objectives.append(try reader.text()) }
    alphas = try reader.floats()
    weights = try reader.doubles()
    number = try reader.int()
  }
}

/// What was found at a point, as it travels back: objectives × validation batches, with all bits.
package struct PointAnswer: Equatable {
  package var losses: [[BatchLoss]]

  package init(losses: [[BatchLoss]]) { self.losses = losses }

  package var bytes: [UInt8] {
    var writer = MessageWriter()
    writer.write(losses.count)
    for batches in losses {
      writer.write(batches.count)
      for batch in batches {
        writer.write(batch.loss)
        writer.write(batch.correct)
        writer.write(batch.count)
      }
    }
    return writer.bytes
  }

  /// - Throws: `TruncatedMessage`.
  package init(from reader: inout MessageReader) throws {
    losses = []
    for _ in 0..<max(0, try reader.int()) {
      var batches: [BatchLoss] = []
      for _ in 0..<max(0, try reader.int()) {
        batches.append(BatchLoss(loss: try reader.double(), correct: try reader.int(), count: try reader.int()))
      }
      losses.append(batches)
    }
  }
}

/// Answers the points of a walk on another rank, with evaluators made of the same.
package struct PointServer<Problem: BilevelProblem> {
  private let walk: PointWalk<Problem>
  private let objectives: [String: Objective]
  private let shape: ArchitectureParameters

  /// - Parameters:
  ///   - walk: as rank 0 has it.
  ///   - objectives: all that may be asked for.
  ///   - shape: of α.
  package init(_ walk: PointWalk<Problem>, objectives: [Objective], like shape: ArchitectureParameters) {
    self.walk = walk
    self.objectives = Dictionary(objectives.map { ($0.label, $0) }) { first, _ in first }
    self.shape = shape
  }

  /// The name of the walk's station with what answers it.
  package var station: (name: String, answer: StudyServer.Station) { (walk.station, answer) }

  private func answer(_ reader: inout MessageReader, worker: Int) throws -> [UInt8] {
    let request = try PointRequest(from: &reader)
    let asked = try request.objectives.map { label in
      guard let objective = objectives[label] else {
        throw InputError(
          "unknown", at: "objective of a request", found: label, wanted: objectives.keys.sorted().joined(separator: ", "))
      }
      return objective
    }
    guard request.alphas.count == shape.count else {
      throw InputError(
        "does not fit", at: "α of a request", found: "\(request.alphas.count) values", wanted: "\(shape.count)")
    }
    var alphas = shape
    alphas.flat = request.alphas
    let losses = try walk.evaluator(request.bench, worker).evaluateBatches(
      asked, at: alphas, along: request.weights, point: request.number)
    return PointAnswer(losses: losses).bytes
  }
}
