import Datasets
import Formats
import Foundation
import TestSupport
import Testing

/// `GreyRamp.swift` is a kind of dataset that the package doesn't have.
@Suite("A dataset that is added is one file and one line")
struct AddedDatasetTests {
  private func folder() throws -> ScratchFolder {
    let folder = try ScratchFolder()
    try AtomicFile.write("0 0\n100 1\n201 2\n255 3\n", to: folder.file("grey.txt"))
    return folder
  }

  @Test("It is parsed, printed, moved and refused as those that are there")
  func text() throws {
    let unknown = message { _ = try DatasetSpecification(parsing: "grey:d") }
    #expect(unknown?.contains("found \"grey\"") == true && unknown?.contains("grey:DIR") == false)
    try DatasetKind.$guests.withValue([.grey]) {
      #expect(
        DatasetSpecification.forms
          == "fashion-mnist, fashion-mnist:DIR, cifar10:PATH, cifar100:PATH, svhn:DIR, grey:DIR, each with ?side=16 where "
          + "wanted, images:DIR?size=N or tensors:FILE.safetensors")
      for (text, kind) in [
        ("grey:d", "grey"), ("grey:d?levels=8", "grey?levels=8"), ("grey:d?levels=8&side=16", "grey?levels=8&side=16"),
      ] {
        let specification = try DatasetSpecification(parsing: text)
        #expect(specification.description == text && specification.kind == kind)
        #expect(specification.absolute(from: "/a").description == text.replacing("grey:d", with: "grey:/a/d"))
      }
      #expect(try DatasetSpecification(parsing: "grey:d?levels=4").description == "grey:d")
      #expect(message { _ = try DatasetSpecification(parsing: "grey") }?.contains("wanted grey:DIR") == true)
      #expect(
        message { _ = try DatasetSpecification(parsing: "grey:d?levels=5") }?
          .contains("levels out of range: found 5, wanted 4, 8") == true)
      #expect(message { _ = try DatasetSpecification(parsing: "svhn:d?levels=4") }?.contains("no such option") == true)
    }
  }

  @Test("Its images are loaded, halved, batched and checked by the code of the others")
  func loading() throws {
    let folder = try folder()
    try DatasetKind.$guests.withValue([.grey]) {
      let specification = try DatasetSpecification(parsing: "grey:\(folder.path)")
      let dataset = try specification.load()
      #expect(dataset.classes == 4 && dataset.side == 32 && dataset.training.labels == [0, 1, 2, 3])
      let half = try DatasetSpecification(parsing: "grey:\(folder.path)?levels=8&side=16").load()
      #expect(half.classes == 8 && half.side == 16)
      guard case .bytes(let pixels) = half.training.pixels else {
        Issue.record("halves are no bytes")
        return
      }
      #expect(pixels == [UInt8]([0, 100, 201, 255]).flatMap { Array(repeating: $0, count: 256) })
      #expect(half.checksum != dataset.checksum)
      let files = try specification.checkedFiles()
      #expect(files.map(\.source) == [folder.file("grey.txt")] && files.map(\.byteCount) == [22])
      #expect(files.map(\.verdict) == [.unknown])
      try AtomicFile.write("0 0\nblue 1\n", to: folder.file("grey.txt"))
      let error = #expect(throws: InputError.self) { try specification.load() }
      #expect(error?.place == .file(folder.file("grey.txt"), "line 2") && error?.found == "'blue 1'")
    }
  }
}
