import Figures
import Foundation
import Landscape
import Search

/// The figure of a landscape: its losses side by side, their differences from the true loss below.
struct LandscapePlot {
  private let figure: LandscapeFigure
  private let metadata: FigureMetadata

  /// - Throws: `FigureError` where a panel cannot be drawn.
  init<Problem: BilevelProblem>(
    _ landscape: Landscape, settings: LandscapeSettings, around place: LandscapeCheckpoint<Problem>, settingsText: String
  ) throws {
    let configuration = place.configuration
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
    let title = "Validation loss around \(Self.origin(of: place))"
    let caption = Self.caption(settings, place)
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
      configSHA256: SHA256.hexadecimal(of: settingsText.utf8), seed: configuration.seed, checkpoint: place.path,
      command: (["zarts"] + CommandLine.arguments.dropFirst()).joined(separator: " "))
  }

  /// Writes the figure in the format that the path's ending names, and returns the path.
  func write(to path: String) throws -> String {
    try FigureFile.write(figure, to: path, metadata: metadata)
    return path
  }

  /// What the centre is, in words.
  private static func origin<Problem>(of place: LandscapeCheckpoint<Problem>) -> String {
    guard let method = place.checkpoint.file.metadata["method"].flatMap(SearchMethod.init) else {
      return "given weights of \(place.configuration.space.rawValue)"
    }
    let epochs = place.epoch == 1 ? "1 epoch" : "\(place.epoch) epochs"
    return "\(method.rawValue) after \(epochs) on \(place.configuration.space.rawValue)"
  }

  /// What a reader needs to judge the picture or to draw it again.
  private static func caption<Problem>(
    _ settings: LandscapeSettings, _ place: LandscapeCheckpoint<Problem>
  ) -> [String] {
    let configuration = place.configuration
    let images = configuration.trainLimit.map { " (\($0) images)" } ?? ""
    let batches = settings.validationBatches == 1 ? "1 validation batch" : "\(settings.validationBatches) validation batches"
    let ofSize = configuration.dataset.hasPrefix("tensors:") ? "" : " of \(configuration.batch)"
    let norms = [place.alphas.normal, place.alphas.reduce].map { matrix in
      decimal(matrix.values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot())
    }
    return [
      "Space \(configuration.space.rawValue), \(configuration.channels) channels, \(configuration.layers) cells, "
        + "\(dataName(configuration.dataset))\(images), seed \(configuration.seed).",
      "Random directions of seed \(settings.directionsSeed); ‖α‖ is \(norms[0]) in the normal cell and \(norms[1]) in the "
        + "reduction cell.",
      "Losses over \(batches)\(ofSize); inner steps and ξ of size \(decimal(Double(settings.step.learningRate))).",
    ]
  }

  private static func decimal(_ value: Double) -> String { String(format: "%.3g", value) }

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
