/// Something that started several processes of this program as one job, as its variables say. Pure.
///
/// - Open MPI's `mpirun`: `OMPI_COMM_WORLD_…` (its manual page, "Environment variables set").
/// - Hydra, the `mpiexec` of MPICH, Intel MPI and MVAPICH: `PMI_RANK`, `PMI_SIZE`, `MPI_LOCALNRANKS`.
/// - Slurm's `srun`: `SLURM_STEP_NUM_TASKS`, `SLURM_PROCID`; with `--mpi=pmi2` also `PMI_RANK` and `PMI_SIZE`, with `--mpi=pmix`
///   `PMIX_RANK`. A batch script that no `srun` started has no `SLURM_STEP_NUM_TASKS`, and is one process.
package struct Launch: Equatable, Sendable {
  /// For messages.
  package var launcher: String
  /// From 0; nil where the launcher doesn't say.
  package var rank: Int?
  /// Processes of the job; nil where the launcher doesn't say.
  package var size: Int?
  /// Those of them that run on this machine; nil where the launcher doesn't say.
  package var localSize: Int?
  /// MPI libraries that can serve it, the likeliest first. None where the launcher gave the processes no way to find each
  /// other.
  package var kinds: [MPIKind]
  /// The file descriptor on which a process that has not joined MPI can have the job ended; nil where the launcher does so by
  /// itself, or gives none.
  package var abortDescriptor: Int32?

  package init(
    launcher: String, rank: Int?, size: Int?, localSize: Int?, kinds: [MPIKind], abortDescriptor: Int32? = nil
  ) {
    (self.launcher, self.rank, self.size, self.localSize, self.kinds) = (launcher, rank, size, localSize, kinds)
    self.abortDescriptor = abortDescriptor
  }

  /// - Returns: nil for a process that was started alone.
  package init?(environment: [String: String]) {
    func number(_ name: String, from least: Int) -> Int? {
      environment[name].flatMap { Int($0) }.flatMap { $0 >= least ? $0 : nil }
    }
    func rank(_ name: String) -> Int? { number(name, from: 0) }
    func size(_ name: String) -> Int? { number(name, from: 1) }

    if environment["OMPI_COMM_WORLD_SIZE"] != nil {
      self.init(
        launcher: "mpirun of Open MPI", rank: rank("OMPI_COMM_WORLD_RANK"), size: size("OMPI_COMM_WORLD_SIZE"),
        localSize: size("OMPI_COMM_WORLD_LOCAL_SIZE"), kinds: [.openMPI])
    } else if let local = size("MPI_LOCALNRANKS"), environment["PMI_SIZE"] != nil {
      self.init(
        launcher: "mpiexec of MPICH or its kin", rank: rank("PMI_RANK"), size: size("PMI_SIZE"), localSize: local,
        kinds: [.mpich], abortDescriptor: number("PMI_FD", from: 3).flatMap { Int32(exactly: $0) })
    } else if let tasks = size("SLURM_STEP_NUM_TASKS") {
      let kinds: [MPIKind] =
        if environment["PMIX_RANK"] != nil {
          [.openMPI, .mpich]
        } else if environment.keys.contains(where: { $0.hasPrefix("PMI_") }) {
          [.mpich, .openMPI]
        } else {
          []
        }
      self.init(
        launcher: "srun", rank: rank("SLURM_PROCID"), size: tasks,
        localSize: Self.localTasks(environment["SLURM_STEP_TASKS_PER_NODE"], node: rank("SLURM_NODEID")), kinds: kinds)
    } else if environment["PMI_SIZE"] != nil {
      self.init(
        launcher: "a launcher that speaks PMI", rank: rank("PMI_RANK"), size: size("PMI_SIZE"), localSize: nil,
        kinds: [.mpich, .openMPI])
    } else if environment["PMIX_RANK"] != nil {
      self.init(
        launcher: "a launcher that speaks PMIx", rank: rank("PMIX_RANK"), size: nil, localSize: nil,
        kinds: [.openMPI, .mpich])
    } else {
      return nil
    }
    if self.size == 1 { return nil }
  }

  /// Tasks on a node, of a list as Slurm writes it: `4(x2),3` for 4, 4 and 3.
  private static func localTasks(_ list: String?, node: Int?) -> Int? {
    guard let list, var node else { return nil }
    for entry in list.split(separator: ",") {
      let parts = entry.split(whereSeparator: { "(x)".contains($0) }).compactMap { Int($0) }
      guard let tasks = parts.first, tasks > 0 else { return nil }
      let nodes = parts.count > 1 ? parts[1] : 1
      if node < nodes { return tasks }
      node -= nodes
    }
    return nil
  }
}
