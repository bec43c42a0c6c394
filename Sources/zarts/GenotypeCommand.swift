import ArgumentParser
import Cells
import Datasets
import Foundation

extension NetworkScale: ExpressibleByArgument {}

struct GenotypeCommand: ParsableCommand {
  enum Form: String, CaseIterable, ExpressibleByArgument { case all, python, json }

  static let configuration = CommandConfiguration(
    commandName: "genotype", abstract: "Print a genotype as Python and JSON, and the size of its networks.",
    discussion: """
      Parameters and multiply-adds on one image (of convolutions and classifier; and as the tool ptflops counts them, with \
      norms, ReLUs, pools and biases) are those of the networks that the papers retrain: 36 channels and 20 cells for \
      CIFAR-10, 48 channels and 14 cells for ImageNet; of a cell of NAS-Bench-201, which is printed as \
      |op~0|+|op~0|op~1|+|op~0|op~1|op~2|, those of its table: 16 channels and 15 cells. Any of --scale, --channels, \
      --layers, --classes and --image-size asks for one network instead.
      """)

  @OptionGroup var source: GenotypeFlags
  @Option(help: "What to print: all, python or json.")
  var format = Form.all
  @Option(help: "Kind of network: cifar or imagenet.")
  var scale: DerivedArchitecture.Scale?
  @Option(help: "Channels of the first cells.")
  var channels: Int?
  @Option(help: "Cells.")
  var layers: Int?
  @Option(help: "Classes.")
  var classes: Int?
  @Option(help: "Height and width of an image.")
  var imageSize: Int?

  func validate() throws {
    try SupernetArchitecture.channelCounts.check(channels, "--channels")
    try SupernetArchitecture.layerCounts.check(layers, "--layers")
    try SupernetArchitecture.classCounts.check(classes, "--classes")
    try SupernetArchitecture.imageSizes.check(imageSize, "--image-size")
  }

  func run() throws {
    let genotype = try source.open().genotype
    switch format {
    case .python: print(genotype.line)
    case .json: print(genotype.json)
    case .all:
      print("\(genotype.line)\n\n\(genotype.json)\n")
      print(try table(genotype))
    }
  }

  private func table(_ genotype: Genotype) throws -> String {
    let isAsked = scale != nil || [channels, layers, classes, imageSize].contains { $0 != nil }
    let isChain = genotype.macroArchitecture == .reductions
    let scales = isAsked ? [scale ?? .cifar] : isChain ? DerivedArchitecture.Scale.allCases : [.cifar]
    let header = [
      "network", "channels", "cells", "classes", "image", "parameters", "auxiliary head", "multiply-adds",
      "as ptflops counts",
    ]
    return TextTable.text(header: header, rows: try scales.map { try row(genotype, $0) }, rightAligned: Set(1...8))
  }

  private func row(_ genotype: Genotype, _ scale: DerivedArchitecture.Scale) throws -> [String] {
    let isCIFAR = scale == .cifar
    let side = imageSize ?? (isCIFAR ? 32 : 224)
    // The auxiliary head is made for the papers' image sizes.
    let hasHead = genotype.macroArchitecture.hasAuxiliaryHead && side == (isCIFAR ? 32 : 224)
    let usual = isCIFAR ? genotype.macroArchitecture.retrainingSize : (48, 14)
    let network = try DerivedArchitecture(
      genotype: genotype, scale: scale, channels: channels ?? usual.0, layers: layers ?? usual.1,
      classes: classes ?? (isCIFAR ? 10 : 1000), imageSize: side, hasAuxiliaryHead: hasHead)
    let cost = network.cost
    func counted(_ count: Int) -> String { "\(count) (\(String(format: "%.3g", Double(count) / 1e6)) M)" }
    return [
      scale.rawValue, "\(network.channels)", "\(network.layers)", "\(network.classes)", "\(side)×\(side)",
      counted(cost.parameters), hasHead ? "+ " + counted(cost.auxiliaryParameters) : "-", counted(cost.multiplyAdds),
      counted(cost.ptflopsMultiplyAdds),
    ]
  }
}
