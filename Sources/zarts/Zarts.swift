import ArgumentParser
import Compute
import Runs

@main
struct Zarts: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "zarts",
    abstract: "Zero-order architecture search beside DARTS, and the loss landscapes of both.",
    version: Provenance.version,
    groupedSubcommands: [
      CommandGroup(
        name: "Search",
        subcommands: [
          SearchCommand.self, DeriveCommand.self, CompareCommand.self, RetrainCommand.self, SelectCommand.self,
          SuiteCommand.self,
          PresetsCommand.self, SummaryCommand.self,
        ]),
      CommandGroup(
        name: "Analysis",
        subcommands: [
          EvaluateCommand.self, LandscapeCommand.self, FidelityCommand.self, SpectrumCommand.self, EstimatorsCommand.self,
          DiagnoseCommand.self,
          GradientsCommand.self,
        ]),
      CommandGroup(
        name: "Figures and reports",
        subcommands: [
          PlotCommand.self, CurvesCommand.self, AgreementCommand.self, DrawCommand.self, ReportCommand.self,
          WatchCommand.self,
        ]),
      CommandGroup(name: "Tools", subcommands: [GenotypeCommand.self, DataCommand.self, BenchCommand.self]),
    ])

  static func main() {
    StandardStream.openMissing()
    var running: ParsableCommand.Type?
    do {
      var command = try parseAsRoot()
      running = type(of: command)
      _ = try RunningProgram.kernels()
      if try RunningProgram.join(type(of: command)) { try command.run() }
    } catch {
      // Help and version are output as any other.
      guard exitCode(for: error).isSuccess else { CommandEnd.exit(error, command: running) }
      print(fullMessage(for: error))
    }
    RunningProgram.end(status: 0)
  }
}
