import ArgumentParser
import Formats
import Foundation
import Landscape
import Problems
import Runs
import Search

extension LandscapeSpace: ExpressibleByArgument {}
extension DataSplit: ExpressibleByArgument {}

/// The flags of landscapes of weights: whose directions there are, and how those in ω are made.
struct WeightDirectionFlags: ParsableArguments {
  @Option(
    help: """
      alphas for directions of α, weights for directions of the weights ω at the α of the checkpoint, both for axes of either \
      (--directions alpha:KIND,weights:KIND). Default: alphas.
      """)
  var over: LandscapeSpace?
  @Option(
    help: ArgumentHelp(
      """
      Parts of ω whose norm each of its directions takes over: filter (a filter of a convolution, a row of the classifier), layer \
      (a tensor), model, or none to keep its length; one for all directions of ω, or one each with commas between. Default: filter \
      of random directions, else none.
      """, valueName: "list"))
  var weightNormalisation: String?
  @Option(
    help: ArgumentHelp(
      """
      Parameters that directions of ω leave alone: biasbn (biases, and scales and shifts of batch norm) or none; one for all, or one \
      each with commas between. Default: biasbn of random directions, else none.
      """, valueName: "list"))
  var ignore: String?
  @Flag(
    help: "Make each direction of ω orthogonal to those before it, within each part that is scaled, before it is scaled.")
  var orthogonalise = false
  @Option(
    help: ArgumentHelp(
      """
      Eigenvectors that directions hessian1, hessian2, … are: the folder of zarts spectrum --over weights, or a safetensors file \
      with hessian1.NAME, ….
      """, valueName: "path"))
  var eigenvectors: String?

  /// - Parameter usual: where the flag is not given.
  func space(else usual: LandscapeSpace?) -> LandscapeSpace { over ?? usual ?? .alphas }

  /// - Throws: `InputError` for an entry of a list that is none; `UsageError` for a flag without directions of ω.
  func settings(over space: LandscapeSpace) throws -> WeightDirectionSettings {
    if space == .alphas {
      let given: [(String, String?)] = [
        ("--weight-normalisation", weightNormalisation), ("--ignore", ignore),
        ("--orthogonalise", orthogonalise ? "given" : nil), ("--eigenvectors", eigenvectors),
      ]
      for (flag, value) in given {
        guard let value else { continue }
        throw UsageError("goes with --over weights or both only", at: flag, found: value, wanted: "no \(flag)")
      }
    }
    return WeightDirectionSettings(
      normalisations: try Self.list(weightNormalisation, of: "normalisation", setting: "weight_normalisation"),
      ignored: try Self.list(ignore, of: "kind of parameters", setting: "ignore"), isOrthogonalised: orthogonalise)
  }

  private static func list<Value: RawRepresentable<String> & CaseIterable>(
    _ text: String?, of what: String, setting: String
  ) throws -> [Value] {
    guard let text else { return [] }
    let forms = Value.allCases.map(\.rawValue).joined(separator: ", ")
    return try ListText.values(text, of: what, setting: setting, forms: forms) { Value(rawValue: $0) }
  }

  /// What directions of ω are read from.
  ///
  /// - Parameters:
  ///   - trajectory: run folders and files of --trajectory.
  ///   - run: whose path principal components are of where there is no --trajectory.
  ///   - drawsPath: whether a path is to be seen in the plane, too.
  /// - Throws: `InputError` where a path of ω is not there.
  func files<Problem: BilevelProblem>(
    of settings: LandscapeSettings, trajectory: [String], run: String?, drawsPath: Bool, for problem: Problem
  ) throws -> WeightDirectionFiles {
    var files = WeightDirectionFiles(
      checkpoint: { path in
        let place = try WeightDirectionFiles.latest(in: path)
        return try WeightsFile(readingFrom: place, isVerified: true).file
      }, eigenvectors: eigenvectors.map(Self.eigenvectors))
    let needsPath = settings.axes.contains { if case .weights(.principal) = $0 { true } else { false } }
    let paths = trajectory.isEmpty && needsPath ? [run].compactMap { $0 } : trajectory
    guard needsPath || drawsPath && settings.space == .weights, !paths.isEmpty else { return files }
    let leavesOut = needsPath && settings.ignoresBiases(of: { if case .principal = $0 { true } else { false } })
    files.trajectory = try WeightTrajectory(
      WeightTrajectory.Checkpoint.find(paths),
      mask: leavesOut ? WeightMask.withoutBiasesAndNorms(of: problem) : nil,
      // Of this rank's part of the memory.
      blockSize: RunningProgram.availableMemory / 8 / max(1, problem.makeVector().count * MemoryLayout<Float>.stride)
    ) { path in
      try problem.importVector(from: WeightsFile(readingFrom: path, isVerified: true).file, prefix: "")
    }
    return files
  }

  /// The file of eigenvectors in a folder of a spectrum, or the path itself.
  private static func eigenvectors(at path: String) -> String {
    var isFolder: ObjCBool = false
    let isThere = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    return isThere && isFolder.boolValue ? "\(path)/eigenvectors.safetensors" : path
  }

  /// What landscape.yaml says of the files, which are known by the digest of the directions.
  var origin: [(key: String, value: String)] { eigenvectors.map { [("eigenvectors", JSONText.quoted($0))] } ?? [] }
}
