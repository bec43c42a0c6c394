import Figures

/// A figure that is drawn from the files of a folder.
///
/// A kind is declared in the file that draws it and listed in `declared`; whoever offers, finds or draws figures asks it.
public struct PlotKind: Sendable {
  /// What flags and metadata call it.
  public let name: String
  /// The files that it needs, one of which is enough.
  public let sources: [String]
  /// Name of the figure's file, without its ending.
  public let fileName: String
  /// Whether a source that is there can be drawn; most can.
  var fits: @Sendable (PlotFolder, _ source: String) -> Bool = { _, _ in true }
  /// Draws.
  ///
  /// - Throws: `InputError` where the files don't hold what it needs.
  let draw: @Sendable (PlotFolder, PlotStyle) throws -> any Figure

  /// One line a kind; its file says the rest.
  private static let declared: [PlotKind] = [
    .heatmap, .surface, .lines, .scatter, .density, .eigenvalues, .estimators, .curves, .alphas,
  ]

  /// Kinds beside the declared ones while a task runs: of tests.
  @TaskLocal package static var guests: [PlotKind] = []

  /// Every kind. The main figure of a folder is the first that fits.
  public static var all: [PlotKind] { declared + guests }

  /// The kind of a name; nil where there is none.
  public init?(named name: String) {
    guard let kind = Self.all.first(where: { $0.name == name }) else { return nil }
    self = kind
  }

  package init(
    name: String, sources: [String], fileName: String,
    fits: @escaping @Sendable (PlotFolder, _ source: String) -> Bool = { _, _ in true },
    draw: @escaping @Sendable (PlotFolder, PlotStyle) throws -> any Figure
  ) {
    (self.name, self.sources, self.fileName, self.fits, self.draw) = (name, sources, fileName, fits, draw)
  }
}
