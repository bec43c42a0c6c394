import ArgumentParser
import Search
import Supernet

extension SearchMethod: ExpressibleByArgument {}
extension SearchSpace: ExpressibleByArgument {}
extension ProposalWeighting: ExpressibleByArgument {}
