import Cells
import Formats

/// Published settings under which a found network is trained.
public struct RetrainingPreset: Equatable, Sendable {
  public let name: String
  /// What it is for, in a line.
  public let summary: String
  /// Paper, or public repository with file and lines, that the values are from.
  public let source: String
  public let scale: DerivedArchitecture.Scale
  /// The usual place of its data.
  public let dataset: String?
  /// What differs from the defaults of the scale.
  private let settings: @Sendable (inout RetrainingConfiguration) -> Void

  public static func == (left: RetrainingPreset, right: RetrainingPreset) -> Bool { left.name == right.name }

  init(
    name: String, summary: String, source: String, scale: DerivedArchitecture.Scale = .cifar, dataset: String? = nil,
    settings: @escaping @Sendable (inout RetrainingConfiguration) -> Void
  ) {
    self.name = name
    self.summary = summary
    self.source = source
    self.scale = scale
    self.dataset = dataset
    self.settings = settings
  }

  /// The preset that a genotype is trained under where none is asked for.
  public static func usual(for genotype: Genotype) -> String {
    genotype.macroArchitecture == .reductions ? "cifar" : "nb201"
  }

  /// - Throws: `InputError` for a name that no preset has.
  public init(named name: String, at place: InputError.Place) throws {
    guard let preset = Self.all.first(where: { $0.name == name }) else {
      throw InputError("no such preset", at: place, found: "'\(name)'", wanted: Self.all.map(\.name).joined(separator: ", "))
    }
    self = preset
  }

  /// Its settings for a genotype.
  public func configuration(genotype: String, dataset: String) -> RetrainingConfiguration {
    var result = RetrainingConfiguration(genotype: genotype, dataset: dataset, scale: scale)
    settings(&result)
    return result
  }
}
