import Compute

extension RunningProgram { static func team() throws -> any Team { SoloTeam() } }
