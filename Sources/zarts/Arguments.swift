import ArgumentParser
import Search
import Supernet

extension SearchMethod: ExpressibleByArgument {}
extension SearchSpace: ExpressibleByArgument {}
extension ProposalWeighting: ExpressibleByArgument {}
extension DirectionDistribution: ExpressibleByArgument {}
extension Decay: ExpressibleByArgument {}
