import Foundation
import Testing

@Suite("flags of threads") struct ThreadFlagTests {
  /// Flags of a command and of those below it, by what is typed.
  private static func flags(of command: CommandCatalogue.Command, under path: String = "") -> [(
    command: String, flags: [String]
  )] {
    let name = "\(path)\(command.commandName)"
    let own = (name, (command.arguments ?? []).compactMap(\.flag))
    return [own] + (command.subcommands ?? []).flatMap { flags(of: $0, under: "\(name) ") }
  }

  @Test("--pin stands wherever --threads does") func pin() throws {
    let all = try Self.flags(of: CommandCatalogue.read().command).filter { !$0.command.contains("help") }
    let threaded = all.filter { $0.flags.contains("--threads") }.map(\.command)
    #expect(threaded == all.filter { $0.flags.contains("--pin") }.map(\.command))
    #expect(Set(threaded).isSuperset(of: ["zarts search", "zarts landscape", "zarts data check", "zarts bench"]))
  }

  private static let bench =
    "zarts bench --json --channels 4 --layers 3 --batch 2 --repeats 1 --quantities forward"

  @Test(
    "without --threads there are no more than OMP_NUM_THREADS and SLURM_CPUS_PER_TASK say",
    arguments: [
      "OMP_NUM_THREADS=1", "SLURM_CPUS_PER_TASK=1", "OMP_NUM_THREADS=1,4 SLURM_CPUS_PER_TASK=64",
    ])
  func environment(variables: String) throws {
    let result = try CommandLineRunner.shell("\(variables) \(Self.bench)")
    #expect(result.status == 0 && result.output.contains("\"threads\":1}"), "\(result.output)\(result.errors)")
  }

  @Test("--threads overrides them, bound or not", arguments: ["", " --pin"]) func given(pin: String) throws {
    let result = try CommandLineRunner.shell("OMP_NUM_THREADS=1 \(Self.bench) --threads 3\(pin)")
    #expect(result.status == 0 && result.output.contains("\"threads\":3}"), "\(result.output)\(result.errors)")
  }
}
