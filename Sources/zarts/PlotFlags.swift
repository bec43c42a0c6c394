import ArgumentParser
import Figures
import Formats
import Foundation
import Landscape
import Plots

/// The flags of `zarts plot` that say how figures look; what is not given is as the command that made the files draws it.
struct PlotFlags: ParsableArguments {
  @Option(help: ArgumentHelp("Limits of colours and heights, or of the axis of values.", valueName: "low:high"))
  var range: String?
  @Option(
    help: ArgumentHelp(
      "Colour map: \(ColourMap.all.map(\.name).joined(separator: ", ")). A diverging one is that of the differences.",
      valueName: "name"))
  var colourMap: String?
  @Option(help: "What landscapes and lines show: loss or accuracy.")
  var quantity = PlotQuantity.loss
  @Option(
    help: ArgumentHelp(
      "Only these objectives, in this order: \(Objective.forms), with commas between.", valueName: "list"))
  var objective: String?
  @Flag(help: "Logarithmic colours, heights or axis of values.")
  var log = false
  @Flag(inversion: .prefixedNo, help: "Panels of what the approximations miss, below a heatmap.")
  var difference = true
  @Option(help: "Title of the figures. Default: made from the files.")
  var title: String?
  @Flag(inversion: .prefixedNo, help: "Sentences below the figures that say what they show.")
  var caption = true
  @Option(help: ArgumentHelp("Width of the page: a number with in, mm, cm or pt.", valueName: "length"))
  var width: String?
  @Option(help: "Height of a line plot in units of its width.")
  var aspect: Double?
  @Option(help: "Where the viewer of a surface stands, in degrees from the first direction towards the second.")
  var azimuth = -60.0
  @Option(help: "How high the viewer of a surface stands, in degrees: above 0 and up to 90.")
  var elevation = 30.0
  @OptionGroup var figure: FigureFlags

  /// - Throws: `ValidationError` where a flag doesn't say what it should.
  func style() throws -> PlotStyle {
    var style = PlotStyle()
    (style.range, style.colourMap, style.objectives, style.width) = (try limits(), try map(), try objectives(), try points())
    (style.quantity, style.isLogarithmic, style.showsDifferences) = (quantity, log, difference)
    (style.title, style.showsCaption, style.aspect) = (title, caption, aspect)
    (style.azimuth, style.elevation) = (azimuth, elevation)
    (style.file, style.words) = (figure.style, words)
    return style
  }

  /// The flags that were given, as they would be typed.
  private var words: [String] {
    var words: [String] = []
    func add(_ flag: String, _ value: String?) {
      if let value { words += [flag, value] }
    }
    add("--range", range)
    add("--colour-map", colourMap)
    add("--quantity", quantity == .loss ? nil : quantity.rawValue)
    add("--objective", objective)
    if log { words.append("--log") }
    if !difference { words.append("--no-difference") }
    add("--title", title)
    if !caption { words.append("--no-caption") }
    add("--width", width)
    add("--aspect", aspect.map { "\($0)" })
    add("--azimuth", azimuth == -60 ? nil : "\(azimuth)")
    add("--elevation", elevation == 30 ? nil : "\(elevation)")
    return words + figure.words
  }

  func validate() throws {
    let range = try limits()
    _ = try map()
    do {
      _ = try objectives()
    } catch let error as InputError {
      throw ValidationError("\(UsageError(error, of: "--objective"))")
    }
    _ = try points()
    if log, let range, range.lowerBound <= 0 {
      throw ValidationError("--range: found \(self.range ?? ""), wanted limits above 0 beside --log")
    }
    guard elevation > 0, elevation <= 90 else {
      throw ValidationError("--elevation: found \(elevation), wanted above 0 and at most 90 degrees")
    }
    guard azimuth.isFinite else { throw ValidationError("--azimuth: found \(azimuth), wanted a finite number of degrees") }
    if let aspect, !(0.2...3).contains(aspect) {
      throw ValidationError("--aspect: found \(aspect), wanted 0.2 to 3")
    }
  }

  private func limits() throws -> ClosedRange<Double>? {
    guard let range else { return nil }
    let parts = range.split(separator: ":", omittingEmptySubsequences: false).map { Double($0) }
    guard parts.count == 2, let low = parts[0], let high = parts[1], low.isFinite, high.isFinite, low < high else {
      throw ValidationError("--range: found '\(range)', wanted LOW:HIGH, two finite numbers in ascending order")
    }
    return low...high
  }

  private func map() throws -> ColourMap? {
    guard let colourMap else { return nil }
    guard let map = ColourMap.all.first(where: { $0.name == colourMap }) else {
      throw ValidationError(
        "--colour-map: found '\(colourMap)', wanted one of \(ColourMap.all.map(\.name).joined(separator: ", "))")
    }
    return map
  }

  private func objectives() throws -> [Objective]? {
    try objective.map { try Objective.parse(list: $0, setting: "objective") }
  }

  /// The page width in points.
  private func points() throws -> Double? {
    guard let width else { return nil }
    let units: [(String, Double)] = [("in", 72), ("mm", 72 / 25.4), ("cm", 72 / 2.54), ("pt", 1)]
    guard let (unit, points) = units.first(where: { width.hasSuffix($0.0) }),
      let number = Double(width.dropLast(unit.count)),
      (144...2000).contains(number * points)
    else {
      throw ValidationError("--width: found '\(width)', wanted a number with in, mm, cm or pt: 2in to 27in, such as 84mm")
    }
    return number * points
  }
}

extension PlotQuantity: ExpressibleByArgument {}
