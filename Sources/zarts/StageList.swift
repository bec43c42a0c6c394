import ArgumentParser
import Formats
import Search

/// Stages of a progressive search as a command line names them.
struct StageList: ExpressibleByArgument {
  let stages: [SearchStage]

  init?(argument: String) {
    if argument == "published" {
      stages = SearchStage.published
      return
    }
    let parts = ListText.items(argument)
    let stages = parts.compactMap { part -> SearchStage? in
      let fields = part.split(separator: ":", omittingEmptySubsequences: false)
      let numbers = fields.map { Int($0) }
      guard fields.count == 6, let layers = numbers[0], let channels = numbers[1], let operations = numbers[2],
        let dropout = Double(fields[3]), let epochs = numbers[4], let warmup = numbers[5]
      else { return nil }
      return SearchStage(
        layers: layers, channels: channels, operations: operations, skipDropout: dropout, epochs: epochs, warmup: warmup)
    }
    guard stages.count == parts.count else { return nil }
    self.stages = stages
  }
}
