/// What the values of an objective are, in the words of axes, colour bars, tables and captions.
public struct ObjectiveQuantity: Hashable, Sendable {
  /// In the singular, without markup: `validation loss`.
  public let name: String
  /// `nats`; nil of a pure number, or where the name says it.
  public let unit: String?
  /// In one word, for tables: `loss`.
  public let word: String

  public init(_ name: String, word: String, unit: String? = nil) { (self.name, self.word, self.unit) = (name, word, unit) }

  /// Objectives of another quantity stand in no comparison with these, nor in one figure.
  public static let loss = ObjectiveQuantity("validation loss", word: "loss", unit: "nats")

  /// With its unit: `validation loss (nats)`.
  public var label: String { name + (unit.map { " (\($0))" } ?? "") }
  /// As the beginning of a title.
  public var title: String { name.prefix(1).uppercased() + name.dropFirst() }
}
