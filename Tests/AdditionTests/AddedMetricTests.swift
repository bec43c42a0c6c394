import Formats
import Foundation
import Runs
import Search
import SearchSupport
import TestSupport
import Testing

/// `GeneralisationGap.swift` is a metric that the package doesn't have, through a search.
@Suite struct AddedMetricTests {
  @Test("An added metric is written, told, checked and read, by a search that stops and goes on too")
  func added() throws {
    let folder = try ScratchFolder()
    let configuration = shortConfiguration(.darts1)
    let names = EpochRecord.table.names
    try EpochRecord.$guests.withValue([.generalisationGap]) {
      let whole = try search(quadratic(), configuration, in: folder.file("whole"))
      let (records, table) = (try whole.metrics(), try CSVTable(readingFrom: whole.metricsPath))
      #expect(table.columns == names + ["generalisation_gap"] && records.count == 4)
      let gaps = records.map { $0.validationLoss - $0.trainingLoss }
      #expect(try table.doubles("generalisation_gap") == gaps && gaps.allSatisfy(\.isFinite))
      #expect(EpochRecord.table.events(of: records[1]).contains(.scalar("loss/generalisation_gap", gaps[1])))

      let problem = ObservedProblem(try quadratic())
      let stop = StopRequest()
      problem.interfere = { calls in
        if calls == 15 { stop.request(signal: SIGINT) }
        return nil
      }
      #expect(throws: Interruption.self) {
        try search(problem, configuration, in: folder.file("broken"), stop: stop)
      }
      let run = try SearchRun(continuing: quadratic(), folder: .existing(at: folder.file("broken")), space: .s2)
      try run.run()
      #expect(try CSVTable(readingFrom: run.files.metricsPath).doubles("generalisation_gap") == gaps)
      for epoch in 0...4 {
        #expect(try bytes(whole.checkpointPath(epoch: epoch)) == bytes(run.files.checkpointPath(epoch: epoch)))
      }

      let path = folder.file("damaged.csv")
      let text = try String(contentsOfFile: whole.metricsPath, encoding: .utf8)
      try AtomicFile.write(text.replacing("\(gaps[2])\n", with: "wide\n"), to: path)
      let error = #expect(throws: InputError.self) { try EpochRecord.read(from: path) }
      #expect(error?.place == .file(path, "row 3, column generalisation_gap") && error?.found == "\"wide\"")
    }
    // Whoever does not know the column reads the rest.
    #expect(try SearchRunFolder(existing: folder.file("whole")).metrics().count == 4)
    #expect(EpochRecord.table.names == names)
  }

  @Test("The entropy of a second kind of cell is empty where there is one kind alone, and tables that repeat it are read")
  func oneKind() throws {
    let folder = try ScratchFolder()
    var configuration = SearchConfiguration(method: .darts1, space: .nb201, dataset: "closed-form")
    (configuration.epochs, configuration.warmup, configuration.learningRate) = (4, 2, 0.1)
    let one = try search(quadratic(space: .nb201), configuration, in: folder.file("one"), space: .nb201)
    let records = try one.metrics()
    #expect(records.allSatisfy { $0.reduceEntropy == nil && $0.normalEntropy.isFinite })
    #expect(try CSVTable(readingFrom: one.metricsPath).column("alpha_entropy_reduce") == ["", "", "", ""])
    #expect(!EpochRecord.table.events(of: records[0]).contains { "\($0)".contains("entropy_reduce") })
    var earlier = records
    for index in earlier.indices { earlier[index].reduceEntropy = earlier[index].normalEntropy }
    let path = folder.file("earlier.csv")
    try EpochRecord.table.write(earlier, to: path)
    #expect(try EpochRecord.read(from: path) == earlier)
    let two = try search(quadratic(), shortConfiguration(.darts1), in: folder.file("two"))
    #expect(try two.metrics().allSatisfy { $0.reduceEntropy?.isFinite == true })
  }
}
