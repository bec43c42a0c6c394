import ArgumentParser

@main
struct Zarts: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "zarts",
    abstract: "Zero-order architecture search beside DARTS, and the loss landscapes of both.",
    version: "0.1.0",
    subcommands: [
      SearchCommand.self, CompareCommand.self, DiagnoseCommand.self, PresetsCommand.self, SummaryCommand.self,
      LandscapeCommand.self, GradientsCommand.self,
      CurvesCommand.self, RetrainCommand.self, GenotypeCommand.self, DrawCommand.self, BenchCommand.self, DataCommand.self,
    ])
}
