import ArgumentParser
import Cells
import Search

extension SearchMethod: ExpressibleByArgument {}
extension SearchSpace: ExpressibleByArgument {}
extension ProposalWeighting: ExpressibleByArgument {}
extension DirectionDistribution: ExpressibleByArgument {}
extension Decay: ExpressibleByArgument {}
