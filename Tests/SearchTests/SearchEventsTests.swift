import Formats
import Foundation
import Runs
import Search
import SearchSupport
import TestSupport
import Testing

struct SearchEventsTests {
  private func configuration(_ method: SearchMethod) -> SearchConfiguration {
    var configuration = shortConfiguration(method)
    (configuration.tensorboard, configuration.eigenvalueEvery) = (true, 1)
    return configuration
  }

  @Test func eventsHoldWhatTheMetricsHold() throws {
    let folder = try ScratchFolder()
    let files = try search(quadratic(), configuration(.zartsMGS), in: folder.file("run"))
    #expect(EventFile.names(in: files.folder).count == 1)
    let all = try ReadEvent.read(files.folder.file(EventFile.names(in: files.folder)[0]))
    #expect(all.first?.version == "brain.Event:2" && all.allSatisfy { !$0.isRestart })
    let events = try ReadEvent.surviving(in: files.folder)
    let steps = events.filter { $0.scalars["step/training_loss"] != nil }
    #expect(steps.map(\.step) == Array(1...24))
    #expect(steps.filter { $0.scalars["step/ess"] != nil }.map(\.step) == [13, 17, 21])
    let epochs = events.filter { $0.scalars["loss/validation"] != nil }
    #expect(epochs.map(\.step) == [6, 12, 18, 24])
    let (rows, genotypes) = (try files.metrics(), try files.genotypes())
    let history = try NPYFile(readingFrom: files.alphasPath)
    guard case .float32(let alphas) = history.values else { throw TestFailure("alphas.npy is not float32") }
    for (index, event) in epochs.enumerated() {
      let row = rows[index]
      #expect(event.scalars["loss/validation"] == Float(row.validationLoss))
      #expect(event.scalars["loss/training"] == Float(row.trainingLoss))
      #expect(event.scalars["accuracy/validation"] == Float(row.validationAccuracy))
      #expect(event.scalars["schedule/learning_rate"] == Float(row.learningRate))
      #expect(event.scalars["alpha/dominant_eigenvalue"] == row.dominantEigenvalue.map(Float.init))
      #expect(event.scalars["alpha/ess"] == row.effectiveSampleSize.map(Float.init))
      #expect(event.texts["genotype"] == "`\(genotypes[index].pythonLine)`")
      #expect(event.histograms == ["alphas/normal", "alphas/reduce"])
      let mixing = event.scalars.filter { $0.key.hasPrefix("mixing_") }
      #expect(mixing.count == 56)
      // Edge 4 leads from the first node to the second.
      let pair = alphas[index * 56 + 28 + 8..<index * 56 + 28 + 10].map { exp(Double($0)) }
      let weight = try #require(mixing["mixing_reduce/node1_from_node0/sep_conv_3x3"])
      #expect(abs(Double(weight) - pair[1] / (pair[0] + pair[1])) < 1e-6)
    }
  }

  @Test(arguments: [SearchMethod.darts1, .zartsRS], [3, 10, 17, 34])
  func resumedRunRepeatsNoStepForItsReaders(method: SearchMethod, losses: Int) throws {
    let folder = try ScratchFolder()
    let whole = try search(quadratic(), configuration(method), in: folder.file("whole"))
    let problem = try ObservedProblem(quadratic())
    let stop = StopRequest()
    problem.interfere = { calls in
      if calls == losses { stop.request() }
      return nil
    }
    #expect(throws: Interruption.self) { try search(problem, configuration(method), in: folder.file("run"), stop: stop) }
    let files = try SearchRunFolder(existing: folder.file("run"))
    // What a crash leaves: steps in the event file that no checkpoint holds.
    for checkpoint in files.checkpoints() where checkpoint.step > 0 {
      try FileManager.default.removeItem(atPath: checkpoint.path)
    }
    try SearchRun(continuing: quadratic(), folder: files.folder, space: .s2).run()
    #expect(EventFile.names(in: files.folder).count == 2)
    #expect(try ReadEvent.surviving(in: files.folder) == ReadEvent.surviving(in: whole.folder))
    // Nothing left to do, nothing to tell.
    try SearchRun(continuing: quadratic(), folder: files.folder, space: .s2).run()
    #expect(EventFile.names(in: files.folder).count == 2)
  }

  @Test func problemsWithoutCellsNameEdgesByNumber() throws {
    let folder = try ScratchFolder()
    let files = try search(quadratic(), configuration(.darts1), in: folder.file("run"), space: nil)
    let last = try #require(try ReadEvent.surviving(in: files.folder).last)
    #expect(last.scalars["mixing_normal/edge13/operation1"] != nil && last.texts.isEmpty)
  }
}
