import Cells
import Formats
import Foundation
import Yams

/// Several genotypes of which one is chosen on held-out training images, before any test image is read, as the papers choose
/// among their searches (DARTS, §3: by validation, after a short training from scratch).
public struct SelectionPlan: Equatable, Sendable, Encodable {
  /// A genotype to choose from.
  public struct Candidate: Equatable, Sendable, Codable {
    /// Where it is from, as it was given.
    public let source: String
    public let genotype: String

    public init(source: String, genotype: String) {
      self.source = source
      self.genotype = genotype
    }
  }

  public let candidates: [Candidate]
  /// Epochs of the short trainings.
  public let briefEpochs: Int
  /// Settings of all trainings, the genotype aside; its epochs are those of the chosen network.
  public var settings: RetrainingConfiguration

  enum CodingKeys: String, CodingKey {
    case candidates
    case briefEpochs = "brief_epochs"
    case settings
  }

  /// - Throws: `InputError` where there are fewer than two candidates, two are the same, they are of different families of
  ///   networks, or settings are out of range.
  public init(candidates: [Candidate], briefEpochs: Int, settings: RetrainingConfiguration) throws {
    self.candidates = candidates
    self.briefEpochs = briefEpochs
    self.settings = settings
    try validate()
  }

  private func validate() throws {
    guard candidates.count >= 2 else {
      throw InputError("nothing to choose from", at: "candidates", found: "\(candidates.count)", wanted: "two or more")
    }
    for (index, candidate) in candidates.enumerated() {
      if let same = candidates[..<index].first(where: { $0.genotype == candidate.genotype }) {
        throw InputError(
          "the same genotype twice", at: .words(candidate.source), found: "that of \(same.source)",
          wanted: "each of them once")
      }
    }
    let families = try candidates.map { try Genotype(parsing: $0.genotype).macroArchitecture }
    if let index = families.firstIndex(where: { $0 != families[0] }) {
      throw InputError(
        "genotypes of different networks", at: .words(candidates[index].source), found: candidates[index].genotype,
        wanted: "a genotype of the network of \(candidates[0].source)")
    }
    for index in candidates.indices {
      do {
        try brief(index).validate()
      } catch var error as InputError where error.place.setting == "epochs" {
        error.place = .setting("brief_epochs")
        throw error
      }
    }
    try final(0).validate()
  }

  /// The short training of a candidate: on half of the training images, reported on the other half.
  func brief(_ index: Int) -> RetrainingConfiguration {
    var result = settings
    result.genotype = candidates[index].genotype
    result.epochs = briefEpochs
    result.holdOut = true
    return result
  }

  /// The training of the chosen one on all training images, tested once, after its last epoch.
  func final(_ index: Int) -> RetrainingConfiguration {
    var result = settings
    result.genotype = candidates[index].genotype
    result.holdOut = false
    result.testEvery = result.epochs
    return result
  }

  /// The content of selection.yaml.
  var yaml: String {
    get throws {
      let encoder = YAMLEncoder()
      encoder.options.width = -1
      encoder.options.allowUnicode = true
      return "# zarts select --resume THIS_FOLDER goes on.\n" + (try encoder.encode(self))
    }
  }

  /// The plan of a selection that was begun.
  ///
  /// - Throws: `InputError` where the file cannot be read or holds no such plan.
  public init(readingFrom path: String) throws {
    let text = try String(decoding: FileBytes.read(path), as: UTF8.self)
    func wrong(_ found: String) -> InputError {
      InputError(
        "not the plan of a selection", at: .file(path), found: found,
        wanted: "candidates, brief_epochs and settings, as 'zarts select' writes them")
    }
    let found: (candidates: [Candidate], briefEpochs: Int, settings: String)
    do {
      let mapping = try compose(yaml: text)?.mapping ?? [:]
      guard let list = mapping[CodingKeys.candidates.rawValue], let settings = mapping[CodingKeys.settings.rawValue],
        let epochs = mapping[CodingKeys.briefEpochs.rawValue]?.int
      else { throw wrong("not all three") }
      found = (
        try YAMLDecoder().decode([Candidate].self, from: serialize(node: list)), epochs, try serialize(node: settings)
      )
    } catch let error as InputError {
      throw error
    } catch {
      throw wrong(String("\(error)".prefix { $0 != "\n" }))
    }
    // Settings that this version has and the one that wrote the file had not are at their defaults.
    let settings = try RetrainingConfiguration(yaml: found.settings, from: path)
    self = try InputError.naming(path) {
      try SelectionPlan(candidates: found.candidates, briefEpochs: found.briefEpochs, settings: settings)
    }
  }
}
