import Figures
import Foundation
import Landscape
import Search

/// The figure of a landscape: its losses side by side, their differences from the true loss below.
struct LandscapePlot {
  private let figure: LandscapeFigure
  private let metadata: FigureMetadata

  /// - Throws: `FigureError` where a panel cannot be drawn.
  init(
    _ landscape: Landscape, settings: LandscapeSettings, checkpoint: String, configuration: SearchConfiguration,
    settingsText: String
  ) throws {
    let coordinates = (0..<landscape.grid.size).map(landscape.grid.coordinate)
    // The true loss of the most steps comes last: the figure takes the last one for the truth.
    let ordered =
      landscape.objectives.filter { $0 != landscape.reference } + [landscape.reference].compactMap { $0 }
    let losses = try ordered.map { objective in
      (
        title: Self.title(objective),
        grid: try Grid(x: coordinates, y: coordinates, values: Self.columnsToRows(landscape.losses(of: objective)))
      )
    }
    let title = "Validation loss of \(configuration.space.rawValue) around epoch \(settings.epoch)"
    let caption = [
      "Space \(configuration.space.rawValue), \(configuration.channels) channels, \(configuration.layers) cells, "
        + "\(Self.dataName(configuration.dataset)), seed \(configuration.seed), epoch \(settings.epoch), "
        + "step size \(settings.step.learningRate), directions of seed \(settings.directionsSeed)."
    ]
    var drawn =
      landscape.reference == nil
      ? try LandscapeFigure(
        title: title, panels: losses.map { LandscapePanel(title: Label($0.title), grid: $0.grid) }, caption: caption)
      : try LandscapeFigure.comparison(title: title, losses: losses, caption: caption)
    let unit = settings.normalisation == .model ? "‖α‖" : "‖α‖ per \(settings.normalisation.rawValue)"
    drawn.xLabel = Label("direction 1 (\(unit))")
    drawn.yLabel = Label("direction 2 (\(unit))")
    figure = drawn
    metadata = FigureMetadata(
      configSHA256: SHA256.hexadecimal(of: settingsText.utf8), seed: configuration.seed, checkpoint: checkpoint,
      command: CommandLine.arguments.joined(separator: " "))
  }

  /// Writes the figure in the format that the path's ending names, and returns the path.
  func write(to path: String) throws -> String {
    try FigureFile.write(figure, to: path, metadata: metadata)
    return path
  }

  private static func title(_ objective: Objective) -> String {
    switch objective {
    case .firstOrder: "L_{1}(α)"
    case .secondOrder: "L_{2}(α)"
    case .trueLoss(let steps): "L_{M = \(steps)}(α)"
    }
  }

  /// The grid counts its first index along x, a figure's rows go along y.
  private static func columnsToRows(_ values: [Double]) -> [Double] {
    let size = Int(Double(values.count).squareRoot().rounded())
    return (0..<values.count).map { values[$0 % size * size + $0 / size] }
  }

  /// A data set's name without the place where it lies on this machine, and without what a label would take for markup.
  private static func dataName(_ dataset: String) -> String {
    switch dataset.split(separator: ":").first.map(String.init) {
    case "fashion-mnist": "Fashion-MNIST"
    case "cifar10": "CIFAR-10"
    default: "tensors of a file"
    }
  }
}
