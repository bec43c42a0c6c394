import ArgumentParser
import Cells
import Engine
import Search

extension SearchMethod: ExpressibleByArgument {
  /// Listed below the flag in its help.
  public static var allValueDescriptions: [String: String] {
    Dictionary(uniqueKeysWithValues: all.map { ($0.rawValue, $0.summary) })
  }
}
extension EngineKind: ExpressibleByArgument {
  /// Listed below the flag in its help.
  public static var allValueDescriptions: [String: String] {
    Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0.summary) })
  }

  /// What the flag `--engine` of a command means.
  static func help(default usual: String = "cpu") -> ArgumentHelp {
    ArgumentHelp("What computes the network. Default: \(usual).")
  }
}
extension SearchSpace: ExpressibleByArgument {}
extension ProposalWeighting: ExpressibleByArgument {}
extension DirectionDistribution: ExpressibleByArgument {}
extension RadialDistribution: ExpressibleByArgument {}
extension Decay: ExpressibleByArgument {}
