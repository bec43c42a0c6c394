import Formats
import Landscape
import Search

/// What a study of estimators makes of the losses in its journal.
extension EstimatorStudy {
  /// Variants in the order of the table.
  public var variants: [Variant] {
    settings.estimators.flatMap { estimator -> [Variant] in
      switch estimator.definition.dependence {
      case .place:
        [Variant(estimator: estimator, innerSteps: settings.referenceSteps, candidates: nil, sigma: nil)]
      case .innerSteps:
        settings.innerSteps.map { Variant(estimator: estimator, innerSteps: $0, candidates: nil, sigma: nil) }
      case .candidates:
        settings.innerSteps.flatMap { steps in
          settings.candidates.flatMap { candidates in
            settings.sigmas.map { Variant(estimator: estimator, innerSteps: steps, candidates: candidates, sigma: $0) }
          }
        }
      }
    }
  }

  /// Estimates of every variant against the reference, place by place, from a complete journal.
  ///
  /// - Throws: `InputError` where the reference or a gradient is not finite.
  func samples(_ journal: StudyJournal, watch: WalkWatch) throws -> [Variant: [EstimateSample]] {
    var result: [Variant: [EstimateSample]] = [:]
    let places = 0..<settings.places
    // Before gradients are taken in vain.
    for place in places { _ = try finiteReference(journal, place) }
    let known = try guides(of: settings.estimators, places: places, isStopRequested: watch.isStopRequested)
    for place in places {
      try watch.checkStop()
      let (reference, guides) = (try finiteReference(journal, place), known[place] ?? PlaceGuides())
      let batches = batchesApart(journal, place)
      let references = batches.map { difference(journal, place: place, innerSteps: settings.referenceSteps, without: $0) }
      let (means, left) = (guides.means(), batches.map { guides.means(without: $0) })
      for variant in variants {
        let guide = variant.estimator.definition.guide
        // The points of candidates are those that the guide on all batches led to.
        let isPlaced = !variant.estimator.isSampled
        let others = batches.map { batch in
          (
            self.estimates(
              variant, journal, place, guide: guide.flatMap { isPlaced ? left[batch][$0] : means[$0] }, without: batch),
            references[batch]
          )
        }
        let estimates = self.estimates(variant, journal, place, guide: guide.flatMap { means[$0] })
        result[variant, default: []].append(
          EstimateSample(estimates: estimates, reference: reference, withoutEach: others))
      }
    }
    return result
  }

  /// The estimates that know nothing but the place, by the name of the objective whose gradient each is, else by its own: place
  /// by place, flat.
  ///
  /// - Throws: `InputError` where a gradient is not finite.
  func estimatesOfPlaces(_ journal: StudyJournal) throws -> [(name: String, estimates: [[Double]])] {
    try variants.filter { $0.estimator.definition.dependence == .place }.map { variant in
      let definition = variant.estimator.definition
      let estimates = try (0..<settings.places).flatMap { place in
        let guide = try guides(of: [variant.estimator], places: [place])[place]?.means() ?? [:]
        return self.estimates(variant, journal, place, guide: definition.guide.flatMap { guide[$0] })
      }
      return (definition.objective(innerSteps: variant.innerSteps)?.name ?? definition.name, estimates)
    }
  }

  /// Validation batches, by number, whose losses are known apart: of a journal of an earlier version none.
  private func batchesApart(_ journal: StudyJournal, _ place: Int) -> Range<Int> {
    let count = settings.validationBatches
    let objective = Objective.trueLoss(innerSteps: settings.referenceSteps)
    let areKnown = points(place: place).allSatisfy { point in
      journal.samples(point.key, [objective])?.first?.batchLosses.count == count
    }
    return 0..<(count > 1 && areKnown ? count : 0)
  }

  /// - Parameter batch: a validation batch that is left out.
  private func estimates(
    _ variant: Variant, _ journal: StudyJournal, _ place: Int, guide: [Double]?, without batch: Int? = nil
  ) -> [[Double]] {
    let definition = variant.estimator.definition
    let objective = Objective.trueLoss(innerSteps: variant.innerSteps)
    let candidates = variant.candidates ?? settings.mostCandidates
    let compared = comparesUntrained(variant.estimator) ? .firstOrder : objective
    let baseline = definition.needsBaseline ? journal.loss(key("centre", place), compared, without: batch) : .nan
    let families = definition.families(candidates: candidates)
    let sigma = variant.sigma.flatMap { settings.sigmas.firstIndex(of: $0) } ?? 0
    return (0..<(variant.estimator.isSampled ? settings.repeats : 1)).compactMap { repetition in
      let first = sigma * settings.repeats + repetition
      var draw = draw(place: place, first: first, candidates: candidates)
      if let guide { draw.guide = guide }
      let losses = CandidateLosses(baseline: baseline) { [self] name in
        let count = families.first { $0.name == name }?.count ?? 0
        return (0..<count).map { journal.loss(key(name, place, first, $0), objective, without: batch) }
      } difference: { [self] in
        difference(
          journal, place: place, innerSteps: definition.differencedSteps ?? variant.innerSteps, without: batch)
      }
      return definition.estimate(draw, losses)
    }
  }

  /// The central difference gradient of L_M, flat; of L₁ where M is 0.
  ///
  /// - Parameters:
  ///   - displacement: the number of h: 0 for the reference's, then the compared ones.
  ///   - batch: a validation batch that is left out.
  func difference(
    _ journal: StudyJournal, place: Int, innerSteps: Int, displacement: Int = 0, without batch: Int? = nil
  ) -> [Double] {
    let objective = Objective.afterSteps(innerSteps)
    return (0..<alphas.count).map { coordinate in
      let sides = (0..<2).map {
        journal.loss(key("difference", place, displacement, 2 * coordinate + $0), objective, without: batch)
      }
      return (sides[0] - sides[1]) / (2 * displacements[displacement])
    }
  }

  /// The gradients with the other displacements against the reference, place by place.
  func comparedDisplacements(_ journal: StudyJournal) throws -> [(displacement: Double, samples: [EstimateSample])] {
    try settings.comparedDisplacements.enumerated().map { index, displacement in
      let samples = try (0..<settings.places).map { place in
        func compared(_ batch: Int?) -> [Double] {
          difference(
            journal, place: place, innerSteps: settings.referenceSteps, displacement: index + 1, without: batch)
        }
        return EstimateSample(
          estimates: [compared(nil)], reference: try finiteReference(journal, place),
          withoutEach: batchesApart(journal, place).map { batch in
            ([compared(batch)], difference(journal, place: place, innerSteps: settings.referenceSteps, without: batch))
          })
      }
      return (displacement, samples)
    }
  }

  /// What is wrong with losses or gradients that are not finite.
  static var diverged: String { "diverged" }

  private func finiteReference(_ journal: StudyJournal, _ place: Int) throws -> [Double] {
    let reference = difference(journal, place: place, innerSteps: settings.referenceSteps)
    guard reference.allSatisfy(\.isFinite) else {
      throw InputError(
        Self.diverged, at: "the gradient of the true loss", found: "losses that are not finite",
        wanted: "finite losses: a smaller inner_learning_rate or displacement may help")
    }
    return reference
  }
}
