import Formats
import Foundation

/// The stages of a progressive search as runs: each has a folder like that of any other run, and counts its own epochs.
extension SearchRunFolder {
  /// The folder of a stage (from 0), whether it is there or not.
  public func stage(_ index: Int) -> SearchRunFolder {
    SearchRunFolder(unchecked: folder.file("stage-\(index + 1)"))
  }

  /// The folders of runs within: of a progressive search those of its stages so far, else the folder itself.
  public func runs() throws -> [SearchRunFolder] {
    let stages = try configuration().stages.indices.map(stage)
    guard !stages.isEmpty else { return [self] }
    return stages.filter { FileManager.default.fileExists(atPath: $0.configurationPath) }
  }

  /// What a run can hold by now.
  public enum Content: Sendable {
    /// The row, α and architecture of an epoch.
    case finishedEpoch
    case checkpoint

    var name: String {
      switch self {
      case .finishedEpoch: "finished epoch"
      case .checkpoint: "checkpoint"
      }
    }
  }

  /// The run that the folder stands for where one is asked for: of a progressive search the last stage that holds what is
  /// wanted, else the folder itself.
  ///
  /// - Throws: `InputError` where no stage holds it yet; what `result` throws.
  public func run(holding content: Content) throws -> SearchRunFolder {
    guard isProgressive else { return self }
    let last = try runs().last { stage in
      switch content {
      case .finishedEpoch: try stage.result() != nil
      case .checkpoint: !stage.checkpoints().isEmpty
      }
    }
    guard let last else {
      throw InputError(
        "nothing found yet", at: .file(folder.path), found: "a progressive search without a \(content.name)",
        wanted: "one in any of its stages")
    }
    return last
  }

  /// Refuses a progressive search where only the epochs of one run make sense.
  ///
  /// - Throws: `InputError` that names the folders of the stages.
  public func requireOneRun() throws {
    guard isProgressive else { return }
    let names = stagesSoFar.map(\.folder.path)
    throw InputError(
      "a progressive search, whose stages count their own epochs", at: .file(folder.path),
      found: names.count == 1 ? "1 stage" : "\(names.count) stages",
      wanted: names.isEmpty ? "a stage of it, once there is one" : "one of them: \(names.joined(separator: ", "))")
  }

  /// Whether the settings, where they can be read, are of a progressive search.
  private var isProgressive: Bool { (try? configuration().stages.isEmpty) == false }
  private var stagesSoFar: [SearchRunFolder] { (try? runs()) ?? [] }
}
