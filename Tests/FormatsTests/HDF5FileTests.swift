import Formats
import Foundation
import TestSupport
import Testing

@Suite("HDF5 files") struct HDF5FileTests {
  private let datasets = [
    HDF5File.Dataset(name: "train_loss", shape: [2, 3], values: [0.1, .nan, -1, 1e300, .infinity, 5]),
    HDF5File.Dataset(name: "xcoordinates", shape: [3], values: [-1, 0, 1]),
    HDF5File.Dataset(name: "z", shape: [], values: [7]),
  ]

  @Test("come back with their bits, in the order of their names") func roundTrip() throws {
    let folder = try ScratchFolder()
    try HDF5File(datasets: datasets.reversed()).write(to: folder.file("a.h5"))
    let read = try HDF5File(readingFrom: folder.file("a.h5"))
    #expect(read.datasets.map(\.name) == datasets.map(\.name) && read.datasets.map(\.shape) == datasets.map(\.shape))
    for (found, wanted) in zip(read.datasets, datasets) {
      #expect(found.values.map(\.bitPattern) == wanted.values.map(\.bitPattern))
    }
    #expect(read["z"]?.values == [7] && read["w"] == nil)
  }

  @Test("are the same bytes at any time, and hold their texts") func determinism() throws {
    let file = HDF5File(datasets: datasets)
    let first = try file.encoded(texts: [("origin", "made by \u{3b1}"), ("none", "")], for: "a.h5")
    // Times of HDF5 are in seconds.
    usleep(1_100_000)
    #expect(try file.encoded(texts: [("origin", "made by \u{3b1}"), ("none", "")], for: "a.h5") == first)
    #expect(first.starts(with: [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]))
    #expect(first[...].contains(Array("made by \u{3b1}".utf8)))
  }

  @Test("that are none, or cut short, are refused by name") func damage() throws {
    let folder = try ScratchFolder()
    let whole = try HDF5File(datasets: datasets).encoded(for: "a.h5")
    for (bytes, problem) in [
      ([], "not an HDF5 file"), (Array("xcoordinates".utf8), "not an HDF5 file"), (Array(whole.prefix(900)), "damaged"),
    ] {
      let path = try folder.write(bytes, to: "b.h5")
      let error = #expect(throws: InputError.self) { try HDF5File(readingFrom: path) }
      #expect(
        error?.place == .file(path) && error?.problem.contains(problem) == true, "\(bytes.count): \(error?.problem ?? "")")
    }
    #expect(throws: InputError.self) { try HDF5File(readingFrom: folder.file("absent.h5")) }
  }

  @Test(
    "with names that name no array, or values that don't fill a shape, are refused",
    arguments: [
      [HDF5File.Dataset(name: "", shape: [1], values: [1])], [.init(name: "a/b", shape: [1], values: [1])],
      [.init(name: "a", shape: [1], values: [1]), .init(name: "a", shape: [1], values: [2])],
      [.init(name: "a", shape: [2, 2], values: [1, 2, 3])], [.init(name: "a", shape: [1, 1, 1], values: [1])],
      [.init(name: "a", shape: [0], values: [])],
    ])
  func refused(datasets: [HDF5File.Dataset]) throws {
    let error = #expect(throws: InputError.self) { try HDF5File(datasets: datasets).encoded(for: "a.h5") }
    #expect(error?.place.file == "a.h5")
  }
}
