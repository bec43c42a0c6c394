import Cells
import Compute
import Formats
import Foundation
import Landscape
import Problems
import Search

/// What ranks share of a study of estimators: its points, and the gradients that estimators are made of or guided by.
extension EstimatorStudy {
  /// Points of all places in one walk, so that nobody waits for the last points of a place. A bench is a place with one of two ways
  /// of training: 2 · place of the reference, 2 · place + 1 of candidates with steps of their own.
  var walk: PointWalk<Problem> {
    PointWalk(crew: crew, station: prefix + "points") { [self] bench, worker in
      try evaluator(
        place: bench / 2, training: bench % 2 == 0 ? CandidateTraining() : settings.training, problem: copies[worker])
    }
  }

  /// What answers on other ranks, by the names of the stations.
  var stations: [String: StudyServer.Station] {
    let points = PointServer(walk, objectives: differenced + settings.objectives + [.firstOrder], like: alphas).station
    return [
      points.name: points.answer,
      gradientStation: { [self] reader, worker in
        let piece = try GradientPiece(from: &reader, among: gradients(of: settings.estimators))
        return try gradient(piece, on: copies[worker]).bytes
      },
    ]
  }

  private var gradientStation: String { prefix + "gradients" }

  /// What some estimators are made of or guided by, each once.
  func gradients(of estimators: [StudiedEstimator]) -> [GradientEstimator] {
    estimators.compactMap(\.definition.guide).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  /// The gradients that some estimators are made of or guided by, at some places, each taken once in the life of the study.
  ///
  /// - Throws: `InputError` where one is not finite, `TeamError` where that was found on another rank; `CancellationError` when
  ///   a stop was requested.
  func guides(
    of estimators: [StudiedEstimator], places: some Sequence<Int>, isStopRequested: () -> Bool = { false }
  ) throws -> [Int: PlaceGuides] {
    let wanted = gradients(of: estimators)
    let missing = places.flatMap { place in
      wanted.filter { known[place]?.onBatches[$0] == nil }.flatMap { gradient in
        (0..<settings.validationBatches).map { GradientPiece(place: place, gradient: gradient, batch: $0) }
      }
    }
    var found = [GradientFound?](repeating: nil, count: missing.count)
    try crew.run(
      missing.count, isStopRequested: isStopRequested,
      make: { index, worker in try gradient(missing[index], on: copies[worker]) },
      courier: Crew.Courier(
        to: gradientStation, request: { index, writer in missing[index].write(to: &writer) },
        result: { _, reader in try GradientFound(from: &reader) }),
      finished: { found[$0] = $1 })
    for (piece, gradient) in zip(missing, found) {
      guard let gradient else { continue }
      known[piece.place, default: PlaceGuides()].onBatches[piece.gradient, default: []].append(
        gradient.values.map(Double.init))
      if let change = gradient.change { stepChange = max(stepChange ?? 0, change) }
    }
    return known
  }

  private func gradient(_ piece: GradientPiece, on problem: Problem) throws -> GradientFound {
    let (first, length) = (firstBatch(piece.place), max(1, problem.stepsPerEpoch))
    let offset = first.step + piece.batch
    let (found, change) = try piece.gradient.estimateWithStepChange(
      problem: problem, weights: weights, velocity: velocity, alphas: alphas,
      training: problem.trainingBatch(epoch: first.epoch, step: first.step),
      validation: problem.validationBatch(epoch: first.epoch + offset / length, step: offset % length),
      step: settings.step.at(settings.unrolledRate))
    return GradientFound(values: found.flat, change: change)
  }
}

/// A gradient at a place, on one of its validation batches.
package struct GradientPiece: Equatable {
  package var place: Int
  package var gradient: GradientEstimator
  package var batch: Int

  package init(place: Int, gradient: GradientEstimator, batch: Int) {
    (self.place, self.gradient, self.batch) = (place, gradient, batch)
  }

  package func write(to writer: inout MessageWriter) {
    writer.write(place)
    writer.write(gradient.rawValue)
    writer.write(batch)
  }

  /// - Parameter known: gradients that may be asked for.
  /// - Throws: `InputError` where another one is; `TruncatedMessage`.
  package init(from reader: inout MessageReader, among known: [GradientEstimator]) throws {
    place = try reader.int()
    let name = try reader.text()
    guard let gradient = known.first(where: { $0.rawValue == name }) else {
      throw InputError(
        "unknown", at: "gradient of a request", found: name, wanted: known.map(\.rawValue).joined(separator: ", "))
    }
    self.gradient = gradient
    batch = try reader.int()
  }
}

/// Its values, flat, and what the choice of ε made of it.
package struct GradientFound: Equatable {
  package var values: [Float]
  package var change: Double?

  package init(values: [Float], change: Double?) { (self.values, self.change) = (values, change) }

  package var bytes: [UInt8] {
    var writer = MessageWriter()
    writer.write(values)
    writer.write(change != nil)
    if let change { writer.write(change) }
    return writer.bytes
  }

  /// - Throws: `TruncatedMessage`.
  package init(from reader: inout MessageReader) throws {
    values = try reader.floats()
    change = try reader.bool() ? try reader.double() : nil
  }
}

/// The batches of the places that points are evaluated at, each place's made once for all workers. Only the latest two are kept:
/// points are begun place by place.
final class PlaceBatches<Problem: BilevelProblem> {
  private let lock = NSLock()
  private var known: [Int: EvaluationBatches<Problem>] = [:]

  /// - Throws: what `make` throws.
  func batches(
    of place: Int, make: () throws -> EvaluationBatches<Problem>
  ) rethrows -> EvaluationBatches<Problem> {
    try lock.withLock {
      if let found = known[place] { return found }
      let made = try make()
      known = known.filter { $0.key >= place - 1 }
      known[place] = made
      return made
    }
  }
}
