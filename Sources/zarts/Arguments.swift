import ArgumentParser
import Cells
import Search

extension SearchMethod: ExpressibleByArgument {
  /// Listed below the flag in its help.
  public static var allValueDescriptions: [String: String] {
    Dictionary(uniqueKeysWithValues: all.map { ($0.rawValue, $0.summary) })
  }
}
extension SearchSpace: ExpressibleByArgument {}
extension ProposalWeighting: ExpressibleByArgument {}
extension DirectionDistribution: ExpressibleByArgument {}
extension Decay: ExpressibleByArgument {}
