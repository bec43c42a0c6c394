/// The two families of MPI libraries that there are, by how their binaries say what a communicator is.
package enum MPIKind: Equatable, Sendable {
  /// Handles are addresses of the library's own variables (mpi.h of Open MPI 4.1, `OMPI_PREDEFINED_GLOBAL`).
  case openMPI
  /// Handles are numbers, the same in MPICH, Intel MPI, MVAPICH and Cray MPICH, which keep one binary interface (mpi.h of MPICH
  /// 4.0; "MPICH ABI Compatibility Initiative", 2013).
  case mpich

  package var name: String {
    switch self {
    case .openMPI: "Open MPI"
    case .mpich: "MPICH"
    }
  }

  /// What the loader is asked for, one after the other.
  package var fileNames: [String] {
    switch self {
    case .openMPI: ["libmpi.so.40", "libmpi.so"]
    // Intel MPI and MPICH, MPICH as Debian names it, Cray's.
    case .mpich: ["libmpi.so.12", "libmpich.so.12", "libmpi_cray.so.12", "libmpi.so"]
    }
  }

  /// That of a library, by what can be told before it is started. A file's name does not tell: libmpi.so.12 has been both.
  ///
  /// - Parameters:
  ///   - hasOpenMPIHandles: whether it has the variable `ompi_mpi_comm_world`.
  ///   - version: what `MPI_Get_library_version` says.
  /// - Returns: nil for a library whose handles are unknown.
  package init?(hasOpenMPIHandles: Bool, version: String) {
    if hasOpenMPIHandles {
      self = .openMPI
    } else if ["MPICH", "Intel(R) MPI", "MVAPICH"].contains(where: { version.contains($0) }) {
      self = .mpich
    } else {
      return nil
    }
  }
}

/// Why several processes could not become a team.
package struct LaunchError: Error, Equatable, CustomStringConvertible {
  package var problem: String
  package var found: String
  package var wanted: String

  package init(_ problem: String, found: String, wanted: String) {
    (self.problem, self.found, self.wanted) = (problem, found, wanted)
  }

  package var description: String { "\(problem): found \(found), wanted \(wanted)" }
}
