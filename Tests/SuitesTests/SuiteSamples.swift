import Cells
import Compute
import Datasets
import Formats
import Foundation
import Problems
import Retraining
import Runs
import Search
import SearchSupport
import Suites
import Synchronization

/// A suite that takes a second: closed-form searches, and trainings of tiny networks on images of 8×8.
enum SuiteSamples {
  static let yaml = """
    methods: [darts1, zarts-mgs]
    seeds: [0, 1]
    spaces: [s2]
    datasets: [shades]
    settings: {epochs: 3, warmup: 1, batch: 8, inner_steps: 2, candidates: 2, learning_rate: 0.1}
    brief_epochs: 1
    retraining_seeds: [0, 1]
    retraining_settings:
      {epochs: 1, batch: 8, channels: 4, layers: 3, auxiliary: false, cutout: 2, drop_path: 0.0, keep_last: 0, weight_decay: 0.001}
    """

  static func plan(_ yaml: String = yaml, more: String = "") throws -> SuitePlan {
    try SuitePlan(yaml: yaml + "\n" + more, from: "suite.yaml")
  }

  /// Grey images of two classes that brightness tells apart.
  static func shades() throws -> ImageDataset {
    func split(_ count: Int, seed: UInt64) -> ImageDataset.Split {
      var stream = RandomStream(seed: seed, purpose: .test)
      let labels = (0..<count).map { _ in Int32(stream.integer(below: 2)) }
      let bytes = labels.flatMap { label in (0..<64).map { _ in UInt8(40 + 120 * Int(label) + stream.integer(below: 60)) } }
      return ImageDataset.Split(pixels: .bytes(bytes), labels: labels)
    }
    return try ImageDataset(
      name: "shades", classes: 2, side: 8, storedChannels: 1, training: split(23, seed: 4), test: split(9, seed: 9),
      normalisation: Normalisation(mean: [0.5, 0.5, 0.5], standardDeviation: [0.25, 0.25, 0.25]),
      augmentation: Augmentation(cropPadding: 1, isFlipping: true))
  }

  typealias Problem = ObservedProblem<QuadraticBilevelProblem>

  static func problem(_ settings: SearchConfiguration) throws -> Problem {
    try ObservedProblem(quadratic(space: settings.space, seed: settings.seed))
  }

  @discardableResult
  static func work(
    _ plan: SuitePlan, in files: SuiteFolder, stop: StopRequest = StopRequest(),
    problem: @escaping (SearchConfiguration) throws -> Problem = { try SuiteSamples.problem($0) },
    load: @escaping (String) throws -> ImageDataset = { _ in try shades() }
  ) throws -> SuiteState {
    try SuiteWorker(
      of: plan, in: files, threads: 1, pause: 0.02, stop: stop, makeProblem: problem, load: load
    ).work()
  }

  /// Three processes that begin and work off a suite side by side, as the same command started three times does.
  ///
  /// - Returns: what went wrong.
  static func workTogether(_ plan: SuitePlan, at path: String) -> [String] {
    let failures = Mutex<[String]>([])
    DispatchQueue.concurrentPerform(iterations: 3) { _ in
      do {
        let state = try work(plan, in: SuiteFolder.begin(plan, at: path).files)
        if !state.entries.allSatisfy({ $0.status == .finished }) { failures.withLock { $0.append("not finished") } }
      } catch {
        failures.withLock { $0.append("\(error)") }
      }
    }
    return failures.withLock { $0 }
  }

  /// Of each file that says what was computed its bytes, by its path in the folder; times are left out, and checkpoints within epochs, of which
  /// each interruption leaves one.
  static func results(_ files: SuiteFolder) throws -> [String: [UInt8]] {
    let names = ["alphas.npy", "genotypes.txt", "genotype.txt", "suite.tex"]
    var result: [String: [UInt8]] = [:]
    for case let path as String in FileManager.default.enumerator(atPath: files.folder.path) ?? .init() {
      let name = path.split(separator: "/").last.map(String.init) ?? ""
      guard names.contains(name) || name.hasSuffix(".safetensors") && !name.contains("-step-") else { continue }
      result[path] = try FileBytes.read(files.folder.file(path))
    }
    return result
  }

  /// Columns of a table without times and places, by name.
  static func timeless(_ path: String) throws -> [String: [String]] {
    let table = try CSVTable(readingFrom: path)
    let left = ["host", "process", "ended", "seconds", "search_core_hours", "core_hours"]
    return try table.columns.filter { !left.contains($0) }.reduce(into: [:]) { $0[$1] = try table.column($1) }
  }
}
