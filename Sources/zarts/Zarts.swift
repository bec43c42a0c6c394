import ArgumentParser

@main
struct Zarts: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "zarts",
    abstract: "Zero-order architecture search beside DARTS, and the loss landscapes of both.",
    version: "0.1.0",
    groupedSubcommands: [
      CommandGroup(
        name: "Search",
        subcommands: [SearchCommand.self, CompareCommand.self, RetrainCommand.self, PresetsCommand.self, SummaryCommand.self]),
      CommandGroup(
        name: "Analysis",
        subcommands: [
          LandscapeCommand.self, FidelityCommand.self, SpectrumCommand.self, EstimatorsCommand.self, DiagnoseCommand.self,
          GradientsCommand.self,
        ]),
      CommandGroup(name: "Figures", subcommands: [PlotCommand.self, CurvesCommand.self, DrawCommand.self]),
      CommandGroup(name: "Tools", subcommands: [GenotypeCommand.self, DataCommand.self, BenchCommand.self]),
    ])
}
