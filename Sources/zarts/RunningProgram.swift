import Compute
import Foundation

/// The program that runs: what it computes with, and its binary.
enum RunningProgram {
  private static let chosenKernels = Result { try Kernels.select() }

  /// The instruction set that everything in this process computes with, chosen once, before a command runs.
  ///
  /// - Throws: `KernelError` where `ZARTS_ISA` names none that there is.
  static func kernels() throws -> KernelSet { try chosenKernels.get() }

  /// The binary, for whatever starts itself again: the first word of a command line is no path where the program was found
  /// through PATH.
  static var path: String {
    let link = "/proc/self/exe"
    if let target = try? FileManager.default.destinationOfSymbolicLink(atPath: link),
      FileManager.default.isExecutableFile(atPath: target)
    {
      return target
    }
    // Replaced since it started, as by a build: the link still leads to it.
    if FileManager.default.isExecutableFile(atPath: link) { return link }
    return found(CommandLine.arguments.first ?? "zarts", path: ProcessInfo.processInfo.environment["PATH"] ?? "")
  }

  /// The program that a shell starts for a word; the word itself where it finds none.
  static func found(_ word: String, path: String) -> String {
    guard !word.contains("/") else { return word }
    let candidates = path.split(separator: ":", omittingEmptySubsequences: false).map { folder in
      "\(folder.isEmpty ? "." : folder)/\(word)"
    }
    return candidates.first { FileManager.default.isExecutableFile(atPath: $0) } ?? word
  }
}
