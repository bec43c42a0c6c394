/// Makes the team that a process belongs to.
package enum TeamStart {
  /// The variable that says which MPI library to load, by its path or name, or `none` for a process that is alone whatever
  /// started it.
  package static let variable = "ZARTS_MPI"

  /// How the process was started, unless it is to take no notice of that.
  package static func launch(environment: [String: String]) -> Launch? {
    environment[variable] == "none" ? nil : Launch(environment: environment)
  }

  /// One process alone, unless a launcher started several or a library is named: then MPI is loaded and started. Once a
  /// process.
  ///
  /// - Throws: `LaunchError` where several were started and can't find each other: each would do the same work, into the same
  ///   files.
  package static func team(environment: [String: String]) throws -> any Team {
    let launch = launch(environment: environment)
    let named = environment[variable].flatMap { $0.isEmpty || $0 == "none" ? nil : $0 }
    if launch == nil, named == nil { return SoloTeam() }
    if let launch, launch.kinds.isEmpty, named == nil {
      throw LaunchError(
        "\(processes(launch)) that cannot find each other",
        found: "no PMI or PMIx, which MPI needs",
        wanted: "srun --mpi=pmix or --mpi=pmi2 ('srun --mpi=list' says which there are), "
          + wayOut)
    }
    let library = try named.map { try MPILibrary(file: $0) } ?? firstLibrary(for: launch)
    let team = try MPITeam(library)
    if let size = launch?.size, team.size != size {
      team.leave()
      throw LaunchError(
        "\(processes(launch)), of which MPI sees \(team.size)", found: "\(library.version) (\(library.file))",
        wanted: "the MPI library that the launcher belongs to (\(variable)=PATH), " + wayOut)
    }
    return team
  }

  private static let wayOut = "or \(variable)=none for as many runs, each on its own"

  private static func processes(_ launch: Launch?) -> String {
    guard let launch else { return "processes" }
    return "\(launch.launcher) started \(launch.size.map { "\($0)" } ?? "several") processes"
  }

  private static func firstLibrary(for launch: Launch?) throws -> MPILibrary {
    var failures: [String] = []
    for kind in launch?.kinds ?? [] {
      for file in kind.fileNames {
        do {
          let library = try MPILibrary(file: file)
          if library.kind == kind { return library }
          failures.append("\(file) is \(library.kind.name)")
        } catch let error as LaunchError {
          failures.append(error.found)
        }
      }
    }
    throw LaunchError(
      "\(processes(launch)) without an MPI library", found: failures.joined(separator: "; "),
      wanted: "\((launch?.kinds ?? []).map(\.name).joined(separator: " or ")) where the loader looks (LD_LIBRARY_PATH, "
        + "'module load'), or its path in \(variable), " + wayOut)
  }
}
