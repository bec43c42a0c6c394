import Figures
import Landscape

/// What landscapes and lines show of an evaluation.
public enum PlotQuantity: String, CaseIterable, Sendable { case loss, accuracy }

/// How figures look; the standard style is that of the command which made the files.
public struct PlotStyle: Sendable {
  /// Limits of colours and heights, or of the axis of values; nil for those of the data.
  public var range: ClosedRange<Double>?
  /// A diverging map is that of the differences, another that of the values; nil for the usual ones.
  public var colourMap: ColourMap?
  public var quantity = PlotQuantity.loss
  /// What is shown, in this order; nil for all that was sampled.
  public var objectives: [Objective]?
  public var isLogarithmic = false
  /// Whether a heatmap has panels of what the approximations miss.
  public var showsDifferences = true
  /// nil for one made from the files.
  public var title: String?
  public var showsCaption = true
  /// Of the page, in points; nil for the usual width.
  public var width: Double?
  /// Height of a line plot in units of its width; nil for the usual one.
  public var aspect: Double?
  /// Where the viewer of a surface stands, in degrees from the first direction towards the second.
  public var azimuth = -60.0
  /// How high the viewer of a surface stands, in degrees: above 0 and up to 90.
  public var elevation = 30.0
  public var file = FigureFile.Style()
  /// What `zarts plot` is told beside folder and kind for this style: part of the figures' metadata.
  public var words: [String] = []

  public init() {}

  /// Colour map of what has a sign, and of what has none.
  var maps: (sequential: ColourMap, diverging: ColourMap) {
    guard let colourMap else { return (.viridis, .blueWhiteRed) }
    return colourMap.isDiverging ? (.viridis, colourMap) : (colourMap, .blueWhiteRed)
  }
}
