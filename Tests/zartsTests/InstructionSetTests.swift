import Compute
import Foundation
import Testing

struct InstructionSetTests {
  private func run(_ arguments: [String], set: String) throws -> CommandLineRunner.Result {
    let process = CommandLineRunner.process(arguments)
    process.environment = ProcessInfo.processInfo.environment.merging([Kernels.environmentVariable: set]) { $1 }
    return try CommandLineRunner.run(process)
  }

  @Test("A set that there is not ends the program before a command runs, and the message lists those that there are")
  func unknown() throws {
    let result = try run(["presets"], set: "sse9")
    #expect(result.status == 1 && result.output.isEmpty)
    #expect(result.errors.contains("ZARTS_ISA=sse9"), "\(result.errors)")
    for name in Kernels.available { #expect(result.errors.contains(name), "\(result.errors)") }
  }

  @Test("Every set that there is can be forced")
  func known() throws {
    for name in Kernels.available { #expect(try run(["presets"], set: name).status == 0, "\(name)") }
  }
}
