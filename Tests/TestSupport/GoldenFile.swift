import Foundation

/// Files of expected values that the PyTorch references computed in float64 (docs/accuracy.md).
package enum GoldenFile {
  /// The path of a file, by its name without ending: `s2_c16_l3_b4`, `variants/s5_c8_l3_k4`, `nb201/nb201_c8_n1_b4`.
  package static func path(_ name: String) -> String { folder + "/\(name).safetensors" }

  /// The networks of single architectures with their values, as JSON.
  package static let derived = folder + "/derived.json"

  /// The folder of all of them.
  package static let folder = (Bundle.module.resourcePath ?? Bundle.module.bundlePath) + "/Golden"
}
