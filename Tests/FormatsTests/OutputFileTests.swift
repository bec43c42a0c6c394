import Formats
import Foundation
import TestSupport
import Testing

/// The rule for files that are written at a path which a person names.
struct OutputFileTests {
  let folder: ScratchFolder
  private let table = OutputFile.table("a table of zarts curves") { $0 == ["column", "mean"] }

  init() throws { folder = try ScratchFolder() }

  private func message(_ path: String, _ kind: OutputFile? = nil, overwrite: Bool = false) -> String {
    do {
      try (kind ?? table).require(path, overwrite: overwrite)
      return ""
    } catch { return "\(error)" }
  }

  @Test func ownEarlierOutputIsReplacedAndOthersOnRequestAlone() throws {
    #expect(message(folder.file("new.csv")).isEmpty)
    #expect(message(try folder.write("column,mean\na,1\n", to: "own.csv")).isEmpty)
    let other = try folder.write("name,value\na,1\n", to: "other.csv")
    let text = message(other)
    #expect(text.contains("other.csv: would be replaced") && text.contains("overwrite"), "\(text)")
    #expect(message(other, overwrite: true).isEmpty)
    for content in ["", "column,mean", "\"column,mean", "column,mean,more\n"] {
      #expect(!message(try folder.write(content, to: "odd.csv")).isEmpty, "\(content)")
    }
  }

  @Test func whatIsReadIsNeverReplacedUnderWhateverName() throws {
    let read = try folder.write("column,mean\na,1\n", to: "read.csv")
    try FileManager.default.createSymbolicLink(atPath: folder.file("link.csv"), withDestinationPath: read)
    try FileManager.default.linkItem(atPath: read, toPath: folder.file("hard.csv"))
    let other = try folder.write("column,mean\na,2\n", to: "other.csv")
    for path in [read, folder.file("./read.csv"), folder.file("link.csv"), folder.file("hard.csv")] {
      let error = #expect(throws: InputError.self) {
        try table.require(path, overwrite: true, besides: [folder.file("absent.csv"), read])
      }
      #expect(error?.place == .file(path) && error?.found == "the file that is read, \(read)", "\(path)")
      // Without that it is an own one, or asked for.
      #expect(message(path, overwrite: true).isEmpty, "\(path)")
    }
    try table.require(other, besides: [read])
    try table.require(folder.file("new.csv"), besides: [read, folder.file("new.csv")])
  }

  @Test func filesOfAResultAreNeverReplaced() throws {
    _ = try folder.write("method: darts1\ndataset: x\n", to: "config.yaml")
    let metrics = try folder.write("column,mean\n", to: "metrics.csv")
    // Not even where it looks like an own one, nor where it is not there yet.
    for path in [metrics, folder.file("alphas.npy"), folder.file("diagnosis.csv")] {
      #expect(message(path, overwrite: true).contains("a name that zarts search gives its files"), "\(path)")
    }
    let notes = try folder.write("my,notes\n", to: "notes.csv")
    #expect(message(notes, overwrite: true).contains("another file in the folder of zarts search"))
    #expect(message(try folder.write("column,mean\n", to: "curves.csv")).isEmpty)
    #expect(message(folder.file("more.csv")).isEmpty)
    try FileManager.default.createDirectory(atPath: folder.file("checkpoints"), withIntermediateDirectories: false)
    #expect(!message(folder.file("checkpoints/epoch-009.safetensors"), overwrite: true).isEmpty)
    try FileManager.default.createSymbolicLink(atPath: folder.file("link"), withDestinationPath: folder.file("checkpoints"))
    #expect(!message(folder.file("link/epoch-009.safetensors"), overwrite: true).isEmpty)
    let own = OutputFile.table("a file of zarts diagnose", ownNames: ["diagnosis.csv"]) { $0 == ["epoch"] }
    #expect(message(folder.file("diagnosis.csv"), own).isEmpty)
  }

  @Test(arguments: ResultFolder.Kind.allCases)
  func everyResultIsKnownByItsSettings(kind: ResultFolder.Kind) throws {
    let names: [ResultFolder.Kind: String] = [
      .search: "config.yaml", .retrain: "config.yaml", .derive: "config.yaml", .select: "selection.yaml",
    ]
    let name = names[kind] ?? "\(kind.rawValue).yaml"
    let settings: [ResultFolder.Kind: String] = [
      .retrain: "dataset: x\ngenotype: \"Genotype()\"\n",
      .derive: "selection: perturbation\ntune_epochs: 5\ncheckpoint: \"epoch-050.safetensors\"\n",
    ]
    _ = try folder.write(settings[kind] ?? "dataset: x\nmethod: darts1\n", to: name)
    #expect(ResultFolder(folder.path)?.kind == kind)
    #expect(message(folder.file(name), overwrite: true).contains("zarts \(kind.rawValue)"))
  }

  @Test("Nothing that a selection keeps is replaced, asked for or not, nor what stands beside it")
  func filesOfASelectionAreNeverReplaced() throws {
    _ = try folder.write("candidates: []\nbrief_epochs: 1\n", to: "selection.yaml")
    for name in ["selection.yaml", "selection.csv", "log.txt"] {
      _ = try folder.write("column,mean\n", to: name)
      let text = message(folder.file(name), overwrite: true)
      #expect(text.contains("a name that zarts select gives its files in \(folder.path)"), "\(name): \(text)")
    }
    let notes = try folder.write("my,notes\n", to: "notes.csv")
    #expect(message(notes, overwrite: true).contains("another file in the folder of zarts select"))
    #expect(message(try folder.write("column,mean\n", to: "curves.csv")).isEmpty, "made by the same command before")
  }

  @Test func configurationOfAnotherProgramMakesNoResult() throws {
    _ = try folder.write("title: my page\n", to: "config.yaml")
    #expect(ResultFolder(folder.path) == nil)
    #expect(message(try folder.write("a,b\n", to: "metrics.csv"), overwrite: true).isEmpty)
  }

  @Test func pathsThatCannotBeFilesAreNamed() throws {
    for (path, mention) in [
      (folder.path, "a folder"), (folder.file("absent/x.csv"), "no folder"), ("/dev/null", "a device"), ("", "name a file"),
      (folder.path + "/", "name a file"),
    ] {
      let text = message(path, overwrite: true)
      #expect(text.contains(mention), "\(path): \(text)")
    }
  }

  @Test func tensorsAreKnownByTheirFormat() throws {
    let kind = OutputFile.tensors("gradients", format: "zarts-gradients-1")
    let tensor = NamedTensor(name: "a", shape: [1], values: .float32([1]))
    try TensorFile.write([tensor], metadata: ["format": "zarts-gradients-1"], to: folder.file("own.safetensors"))
    try TensorFile.write([tensor], metadata: ["format": "zarts-search-1"], to: folder.file("other.safetensors"))
    #expect(message(folder.file("own.safetensors"), kind).isEmpty)
    #expect(message(folder.file("other.safetensors"), kind).contains("would be replaced"))
    #expect(try TensorFile.metadata(readingFrom: folder.file("own.safetensors")) == ["format": "zarts-gradients-1"])
    for content in [[], [1, 2, 3], Array(repeating: UInt8(255), count: 20), [9, 0, 0, 0, 0, 0, 0, 0, 123]] as [[UInt8]] {
      let path = try folder.write(content, to: "bad.safetensors")
      #expect(refusal { try TensorFile.metadata(readingFrom: path) }?.hasPrefix(path) == true)
    }
  }
}
