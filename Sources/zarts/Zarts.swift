import ArgumentParser
import Search

@main
struct Zarts: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "zarts",
    abstract: "Zero-order architecture search beside DARTS, and the loss landscapes of both.",
    version: Provenance.version,
    subcommands: [
      SearchCommand.self, PresetsCommand.self, SummaryCommand.self, LandscapeCommand.self, GradientsCommand.self,
      CurvesCommand.self, RetrainCommand.self, GenotypeCommand.self, DrawCommand.self, ReportCommand.self, WatchCommand.self,
      BenchCommand.self, DataCommand.self,
    ])
}
