import Formats
import Reports
import Testing

/// A retraining's last and best epoch in its report, from files alone.
struct RetrainedReportTests {
  private static let genotype =
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 1), "
    + "('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 2)], normal_concat=range(2, 6), "
    + "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0), ('max_pool_3x3', 0), "
    + "('skip_connect', 2), ('skip_connect', 2), ('avg_pool_3x3', 0)], reduce_concat=range(2, 6))"

  /// Four epochs, the third of them not tested.
  private func write(_ split: String, _ name: String, _ samples: Samples) throws {
    try samples.write("genotype: \"\(Self.genotype)\"\ndataset: d\nseed: 0\nepochs: 4\n", to: "\(name)/config.yaml")
    let cells = [(2.0, "1.9,0.25"), (1.5, "1.25,0.75"), (1.25, ","), (1.0, "1.5,0.5")]
    let rows = cells.enumerated().map { "\($0 + 1),\($1.0),0.5,\($1.1),0.025,\(3 * ($0 + 1)),1.5\n" }
    let header = "epoch,training_loss,training_accuracy,\(split)_loss,\(split)_accuracy,learning_rate,weight_steps,seconds\n"
    try samples.write(header + rows.joined(), to: "\(name)/metrics.csv")
  }

  @Test("The summary of a retraining names its last and its best epoch", arguments: ["test", "validation"])
  func facts(split: String) throws {
    let samples = try Samples()
    try write(split, "run", samples)
    let page = try ReportPage(Report(reading: [samples.path("run")]), command: "zarts report X").html
    for part in ["\(split) accuracy, last epoch (4)", "\(split) accuracy, best epoch (2)", "50.00 %", "75.00 %"] {
      #expect(page.contains(part), "\(part)")
    }
    #expect(!page.contains("top-5"))
  }

  @Test("A table of several retrainings has the accuracy of the best epoch beside that of the last")
  func table() throws {
    let samples = try Samples()
    try write("test", "one", samples)
    try write("validation", "two", samples)
    let page = try ReportPage(Report(reading: [samples.path("one"), samples.path("two")]), command: "zarts report X").html
    #expect(page.contains("accuracy, best epoch") && page.contains("0.75") && page.contains("0.5"))
  }
}
