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
    // Names of states without it stay what they were.
    if alphas.auxiliarySkip != 0 { digest.update(floats: [alphas.auxiliarySkip]) }
    return digest.hexadecimal()
  }
}
