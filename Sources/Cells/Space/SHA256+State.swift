import Compute
import Formats

extension SHA256 {
  /// Names (ω, v, α) by their bits, in hexadecimal.
  package static func ofState(
    _ weights: ParameterVector, _ velocity: ParameterVector?, _ alphas: ArchitectureParameters
  ) -> String {
    var digest = SHA256()
    digest.update(floats: weights.values)
    digest.update(floats: velocity?.values ?? [])
    digest.update(floats: alphas.flat)
    return digest.hexadecimal()
  }
}
