import Compute
import Datasets
import Formats
import Runs

/// A run or a warm-up of a comparison with all that is needed to compute it, here or on another rank.
package struct ComparisonJob: Equatable, Sendable {
  /// For people.
  var name: String
  /// With the threads that the comparison was given; whoever computes it takes its part of them.
  var configuration: SearchConfiguration
  /// Path of the comparison's compare.yaml.
  var plan: String
  /// Path of its folder.
  var folder: String
  /// Path of the warm-up's folder that a run starts from.
  var warmup: String?
  /// Where a warm-up ends; nil of a run, which goes to its own end.
  var epochs: Int?
  /// The data that it is to be computed from, and what says so.
  var data: ComparisonFolder.KnownData?

  package init(
    name: String, configuration: SearchConfiguration, plan: String, folder: String, warmup: String? = nil,
    epochs: Int? = nil, data: ComparisonFolder.KnownData? = nil
  ) {
    (self.name, self.configuration, self.plan, self.folder) = (name, configuration, plan, folder)
    (self.warmup, self.epochs, self.data) = (warmup, epochs, data)
  }

  /// Where its reports end, as a part of the epochs of its settings.
  var end: Double { epochs.map { Double($0) / Double(max(1, configuration.epochs)) } ?? 1 }
}

extension ComparisonJob {
  /// What travels to another rank. Settings are as config.yaml has them, whose numbers keep their bits.
  package var bytes: [UInt8] {
    var writer = MessageWriter()
    writer.write(name)
    writer.write(configuration.yaml)
    writer.write(plan)
    writer.write(folder)
    writer.write(optional: warmup)
    writer.write(epochs ?? -1)
    writer.write(optional: data?.path)
    writer.write(optional: data?.data.dataset)
    writer.write(optional: data?.data.checksum)
    return writer.bytes
  }

  /// - Throws: `TruncatedMessage`; `InputError` where the settings are none.
  package init(_ bytes: [UInt8]) throws {
    var reader = MessageReader(bytes)
    name = try reader.text()
    configuration = try SearchConfiguration(yaml: reader.text(), from: "the settings that rank 0 sent of \(name)")
    plan = try reader.text()
    folder = try reader.text()
    warmup = try reader.optionalText()
    let epochs = try reader.int()
    self.epochs = epochs < 0 ? nil : epochs
    let (path, dataset, checksum) = (try reader.optionalText(), try reader.optionalText(), try reader.optionalText())
    if let path, let dataset {
      data = ComparisonFolder.KnownData(data: RunData(dataset: dataset, checksum: checksum), path: path)
    }
  }
}

/// What another rank answers to a job.
package enum JobAnswer: Equatable {
  /// It has ended; with what kept it from its end, nil where nothing did.
  case ended(ComparisonRow.Failure?)
  /// That rank can compute no job of this comparison.
  case refused(rank: Int, host: String, problem: String)

  package var bytes: [UInt8] {
    var writer = MessageWriter()
    switch self {
    case .ended(let failure):
      writer.write(true)
      writer.write(optional: failure?.status.rawValue)
      writer.write(failure?.reason ?? "")
    case .refused(let rank, let host, let problem):
      writer.write(false)
      writer.write(rank)
      writer.write(host)
      writer.write(problem)
    }
    return writer.bytes
  }

  /// - Throws: `TruncatedMessage`, for a status that there is not too.
  package init(_ bytes: [UInt8]) throws {
    var reader = MessageReader(bytes)
    guard try reader.bool() else {
      self = .refused(rank: try reader.int(), host: try reader.text(), problem: try reader.text())
      return
    }
    let (name, reason) = (try reader.optionalText(), try reader.text())
    let status = name.flatMap(ComparisonRow.Status.init)
    guard (name == nil) == (status == nil) else { throw TruncatedMessage() }
    self = .ended(status.map { .init(status: $0, reason: reason) })
  }
}

extension MessageWriter {
  mutating func write(optional text: String?) {
    write(text != nil)
    if let text { write(text) }
  }
}

extension MessageReader {
  mutating func optionalText() throws -> String? { try bool() ? text() : nil }
}
