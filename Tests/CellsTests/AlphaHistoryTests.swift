import Cells
import Formats
import Foundation
import TestSupport
import Testing

@Suite("α in files") struct AlphaHistoryTests {
  private func alphas(_ shape: AlphaShape, _ start: Int) -> ArchitectureParameters {
    var result = shape.zeroAlphas
    result.flat = (0..<result.count).map { Float(start + $0) / 16 }
    return result
  }

  private static let shapes = [false, true].flatMap { hasEdges in
    [
      AlphaShape(operations: SearchSpace.s1.operations, hasEdgeColumn: hasEdges),
      AlphaShape(operations: SearchSpace.s5.operations, hasEdgeColumn: hasEdges),
    ]
  }

  @Test("by epoch, and as tensors, are read back as they were written, β among them", arguments: shapes)
  func round(shape: AlphaShape) throws {
    let folder = try ScratchFolder()
    let path = folder.file("alphas.npy")
    let entries = [alphas(shape, 0), alphas(shape, 1000)]
    try AlphaHistory(entries).write(to: path)
    #expect(try AlphaHistory(readingFrom: path, like: shape.zeroAlphas).entries == entries)
    let file = TensorFile(path: "a.safetensors", metadata: [:], tensors: entries[1].tensors)
    #expect(try ArchitectureParameters(from: file, like: shape.zeroAlphas) == entries[1])
    #expect(try ArchitectureParameters(inferringFrom: file) == entries[1])
    #expect(file.contains("betas_normal") == shape.hasEdgeColumn)
  }

  @Test("of another shape are refused, with both shapes") func refused() throws {
    let five = SearchSpace.s5.operations
    func message(_ array: [Int], _ shape: AlphaShape) -> String {
      let values = [Float](repeating: 0, count: array.reduce(1, *))
      do {
        _ = try AlphaHistory(
          NPYFile(shape: array, values: .float32(values)), path: "run/alphas.npy", like: shape.zeroAlphas)
        return "accepted"
      } catch { return "\(error)" }
    }
    #expect(message([1, 2, 14, 9], AlphaShape(operations: five, hasEdgeColumn: true)) == "accepted")
    let narrow = message([1, 2, 14, 9], AlphaShape(operations: five))
    #expect(narrow.contains("run/alphas.npy") && narrow.contains("[1, 2, 14, 9]") && narrow.contains("2, 14, 8]"))
    let wide = message([1, 2, 14, 8], AlphaShape(operations: five, hasEdgeColumn: true))
    #expect(wide.contains("2, 14, 9]") && wide.contains("β"))
    let beta = TensorFile(
      path: "a.safetensors", metadata: [:], tensors: alphas(AlphaShape(operations: five, hasEdgeColumn: true), 0).tensors)
    let error = #expect(throws: InputError.self) {
      try ArchitectureParameters(from: beta, like: five.zeroAlphas())
    }
    #expect(error?.place == .file("a.safetensors", "betas_normal"))
  }
}
