import ClosedFormSupport
import Formats
import Landscape
import Search
import TestSupport
import Testing

@Suite("Weights out of a file") struct StrictCheckpointTests {
  private let omega = NamedTensor(name: "omega", shape: [5], values: .float32([1, 2, 3, 4, 5]))
  private let normal = NamedTensor(name: "alphas_normal", shape: [2, 2], values: .float32([1, 2, 3, 4]))
  private let reduce = NamedTensor(name: "alphas_reduce", shape: [1, 2], values: .float32([5, 6]))

  private func read(_ tensors: [NamedTensor]) throws -> SearchCheckpoint {
    try SearchCheckpoint(strictly: TensorFile(path: "file.safetensors", metadata: [:], tensors: tensors), for: quadratic())
  }

  @Test("come with α where the file holds it") func reading() throws {
    let with = try read([omega, normal, reduce])
    #expect(with.weights.values == [1, 2, 3, 4, 5])
    #expect(with.alphas?.flat == [1, 2, 3, 4, 5, 6])
    let without = try read([omega])
    #expect(without.alphas == nil)
  }

  @Test("may stand beside optimiser states, statistics, images and expected values") func companions() throws {
    let names = [
      "adam.first.normal", "stem.1.running_mean", "stem.1.running_var", "stem.1.num_batches_tracked",
      "train.images", "valid.labels", "expect.valid_loss",
    ]
    let others = names.map { NamedTensor(name: $0, shape: [1], values: .float32([0])) }
    #expect(try read([omega] + others).weights.values == [1, 2, 3, 4, 5])
  }

  @Test(
    "of a checkpoint of a search may stand beside whatever its optimiser keeps, but nothing that could be of the network")
  func checkpoints() throws {
    func checkpoint(_ other: String, format: String?) throws -> SearchCheckpoint {
      let entry = NamedTensor(name: other, shape: [1], values: .float32([0]))
      return try SearchCheckpoint(
        strictly: TensorFile(
          path: "file.safetensors", metadata: format.map { ["format": $0] } ?? [:], tensors: [omega, normal, reduce, entry]),
        for: quadratic())
    }
    for name in ["early_stop.alphas", "random.incumbent", "adam.steps", "evolution.population", "sampler"] {
      #expect(try checkpoint(name, format: "zarts-search-1").weights.values == [1, 2, 3, 4, 5], "\(name)")
    }
    #expect(refusal { try checkpoint("omega.scale", format: "zarts-search-1") } == "file.safetensors: omega.scale")
    #expect(refusal { try checkpoint("evolution.population", format: nil) } == "file.safetensors: evolution.population")
  }

  @Test("an entry that is missing, misshapen, of a wrong type, unexpected or overflowing is named")
  func badEntries() {
    func named(_ tensors: [NamedTensor]) -> String {
      do {
        _ = try read(tensors)
        return "accepted"
      } catch let error as InputError {
        return "\(error.place.file == "file.safetensors" ? error.place.item ?? "?" : "?"): \(error.problem)"
      } catch {
        return "\(error)"
      }
    }
    #expect(named([normal, reduce]) == "omega: there is no such tensor")
    #expect(named([NamedTensor(name: "omega", shape: [1, 5], values: .float32([1, 2, 3, 4, 5]))]) == "omega: wrong shape")
    #expect(named([NamedTensor(name: "omega", shape: [5], values: .int64([1, 2, 3, 4, 5]))]) == "omega: wrong type")
    #expect(named([omega, NamedTensor(name: "omegas", shape: [1], values: .float32([1]))]) == "omegas: unexpected tensor")
    let overflow = "a value that float32 cannot hold"
    #expect(named([NamedTensor(name: "omega", shape: [5], values: .float64([1, 2, 1e39, 4, 5]))]) == "omega: \(overflow)")
    #expect(named([NamedTensor(name: "omega", shape: [5], values: .float32([1, 2, .nan, 4, 5]))]) == "omega: \(overflow)")
    #expect(named([omega, normal]) == "alphas_reduce: there is no such tensor")
    #expect(named([omega, reduce]) == "alphas_normal: there is no such tensor")
    let wide = NamedTensor(name: "alphas_normal", shape: [2, 3], values: .float32([1, 2, 3, 4, 5, 6]))
    #expect(named([omega, wide, reduce]) == "alphas_normal: wrong shape")
    let infinite = NamedTensor(name: "alphas_reduce", shape: [1, 2], values: .float32([.infinity, 0]))
    #expect(named([omega, normal, infinite]) == "alphas_reduce: \(overflow)")
  }
}
