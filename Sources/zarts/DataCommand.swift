import ArgumentParser
import Compute
import Datasets
import Figures
import Formats
import Foundation
import Plots
import Runs

struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data", abstract: "Look at datasets.", subcommands: [DataCheckCommand.self])
}

struct DataCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Read a whole dataset and say what it holds.",
    discussion: """
      Prints the digests of its files, and for each split the number of images, their labels, mean and deviation of each \
      channel, and how many images are there twice. With --out, report.txt, labels.csv and contact-sheet.png are written. \
      The exit status is not 0 where anything is damaged.
      """)

  @Argument(help: ArgumentHelp("\(DatasetSpecification.forms).", valueName: "dataset"))
  var dataset: String
  @Option(help: ArgumentHelp("Folder for the report and the contact sheet; absent or empty.", valueName: "dir"))
  var out: String?
  @Option(help: "Threads; \(ThreadHelp.zero). The result does not depend on it.")
  var threads = 0
  @OptionGroup var pinning: PinFlag

  func validate() throws {
    try RunBounds.threads.check(threads, "--threads")
  }

  func run() throws {
    try pinning.apply()
    let specification = try DatasetSpecification(parsing: dataset)
    let folder = try out.map { try OutputFolder.create(at: $0) }
    var text = "\(specification)\n"
    func add(_ paragraph: String) {
      print(paragraph + "\n")
      text += "\n" + paragraph + "\n"
    }
    print("\(specification)\n")
    let files = try specification.checkedFiles()
    if !files.isEmpty { add(DataCheckText.files(files)) }
    let images = try specification.load()
    let report = try DatasetReport(images, threads: threads) { done, total in
      guard isatty(STDERR_FILENO) == 1 else { return }
      let line = done == total ? "\r\u{1B}[K" : "\r\(done) of \(total) images"
      StandardStream.error.write(line)
    }
    add(DataCheckText.splits(report, of: images))
    let labels = DataCheckText.labels(report, of: images)
    // The classes of ImageNet fill a screen many times over; they are in the file.
    add(images.classes <= 100 ? labels : DataCheckText.labelSummary(report, of: images))
    if !report.damaged.isEmpty { add(DataCheckText.damaged(report.damaged)) }
    if let folder {
      let written = images.classes <= 100 ? text : text + "\n" + labels + "\n"
      try AtomicFile.write(written, to: folder.file("report.txt"))
      try AtomicFile.write(DataCheckText.labelCSV(report, of: images), to: folder.file("labels.csv"))
      let sheet = try ContactSheet(images, title: "\(images.name): training images")
      try FigureFile.write(
        sheet, to: folder.file("contact-sheet.png"),
        metadata: FigureMetadata(command: Provenance.commandLine, maker: "zarts data check"))
      print("written: \(folder.file("report.txt")), labels.csv, contact-sheet.png")
    }
    if !report.damaged.isEmpty { throw ExitCode.failure }
  }
}
