import Compute
import Foundation
import Testing

@Suite("Launchers of several processes") struct LaunchTests {
  @Test("a process that was started alone is none of several") func alone() {
    #expect(Launch(environment: [:]) == nil)
    #expect(Launch(environment: ["PATH": "/bin", "SLURM_JOB_ID": "7", "SLURM_NTASKS": "4", "SLURM_PROCID": "0"]) == nil)
    // One of one.
    #expect(Launch(environment: ["OMPI_COMM_WORLD_SIZE": "1", "OMPI_COMM_WORLD_RANK": "0"]) == nil)
    #expect(Launch(environment: ["PMI_SIZE": "1", "PMI_RANK": "0", "MPI_LOCALNRANKS": "1"]) == nil)
    #expect(Launch(environment: ["SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0", "PMIX_RANK": "0"]) == nil)
  }

  @Test("mpirun of Open MPI, under Slurm too") func openMPI() throws {
    var environment = [
      "OMPI_COMM_WORLD_SIZE": "6", "OMPI_COMM_WORLD_RANK": "4", "OMPI_COMM_WORLD_LOCAL_SIZE": "3", "PMIX_RANK": "4",
    ]
    let wanted = Launch(launcher: "mpirun of Open MPI", rank: 4, size: 6, localSize: 3, kinds: [.openMPI])
    #expect(Launch(environment: environment) == wanted)
    // Its daemons were started by srun, one a node.
    environment["SLURM_STEP_NUM_TASKS"] = "2"
    environment["SLURM_PROCID"] = "1"
    #expect(Launch(environment: environment) == wanted)
  }

  @Test("Hydra, under Slurm too") func hydra() throws {
    var environment = ["PMI_SIZE": "2", "PMI_RANK": "1", "PMI_FD": "8", "MPI_LOCALNRANKS": "2", "MPI_LOCALRANKID": "1"]
    let wanted = Launch(
      launcher: "mpiexec of MPICH or its kin", rank: 1, size: 2, localSize: 2, kinds: [.mpich], abortDescriptor: 8)
    #expect(Launch(environment: environment) == wanted)
    environment["SLURM_STEP_NUM_TASKS"] = "1"
    #expect(Launch(environment: environment) == wanted)
  }

  @Test("Hydra is asked to end a job in the words of PMI, where it has left a descriptor for them") func abort() throws {
    var environment = ["PMI_SIZE": "2", "PMI_RANK": "1", "MPI_LOCALNRANKS": "2"]
    for none in [nil, "", "-1", "2", "99999999999"] {
      environment["PMI_FD"] = none
      #expect(try #require(Launch(environment: environment)).abortDescriptor == nil)
    }
    var ends: [Int32] = [0, 0]
    #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
    environment["PMI_FD"] = "\(ends[0])"
    let launch = try #require(Launch(environment: environment))
    launch.endJob(status: 64, passing: 0)
    var bytes = [UInt8](repeating: 0, count: 100)
    let count = read(ends[1], &bytes, bytes.count)
    #expect(String(decoding: bytes.prefix(max(0, count)), as: UTF8.self) == "cmd=abort exitcode=64\n")
    // A launcher that has gone ends nothing, and the process goes on to its end.
    close(ends[1])
    launch.endJob(status: 1, passing: 0)
    close(ends[0])
  }

  @Test("srun, by what it offers processes to find each other") func slurm() throws {
    let step = [
      "SLURM_STEP_NUM_TASKS": "8", "SLURM_PROCID": "5", "SLURM_STEP_TASKS_PER_NODE": "3(x2),2", "SLURM_NODEID": "1",
    ]
    func kinds(_ more: [String: String]) throws -> [MPIKind] {
      let launch = try #require(Launch(environment: step.merging(more) { $1 }))
      #expect(launch.launcher == "srun" && launch.rank == 5 && launch.size == 8 && launch.localSize == 3)
      return launch.kinds
    }
    #expect(try kinds(["PMIX_RANK": "5", "PMIX_NAMESPACE": "slurm.pmix.7.0"]) == [.openMPI, .mpich])
    #expect(try kinds(["PMI_RANK": "5", "PMI_SIZE": "8", "PMI_FD": "12"]) == [.mpich, .openMPI])
    #expect(try kinds(["PMI_CONTROL_PORT": "63821"]) == [.mpich, .openMPI])
    #expect(try kinds([:]).isEmpty)
  }

  @Test(
    "tasks on a node are those of its place in Slurm's list",
    arguments: [("3(x2),2", "0", 3), ("3(x2),2", "1", 3), ("3(x2),2", "2", 2), ("4", "0", 4), ("1,2(x3),5", "4", 5)])
  func tasksOnNode(list: String, node: String, tasks: Int) {
    let launch = Launch(environment: [
      "SLURM_STEP_NUM_TASKS": "8", "SLURM_STEP_TASKS_PER_NODE": list, "SLURM_NODEID": node,
    ])
    #expect(launch?.localSize == tasks)
  }

  @Test(
    "lists and numbers that say nothing are not guessed", arguments: [("3(x2),2", "3"), ("", "0"), ("x", "0"), ("4", "-1")])
  func noTasks(list: String, node: String) throws {
    let launch = try #require(
      Launch(environment: [
        "SLURM_STEP_NUM_TASKS": "8", "SLURM_STEP_TASKS_PER_NODE": list, "SLURM_NODEID": node, "SLURM_PROCID": "first",
      ]))
    #expect(launch.localSize == nil && launch.rank == nil && launch.size == 8)
  }

  @Test("other launchers, by PMI or PMIx") func others() {
    #expect(
      Launch(environment: ["PMI_SIZE": "4", "PMI_RANK": "3"])
        == Launch(launcher: "a launcher that speaks PMI", rank: 3, size: 4, localSize: nil, kinds: [.mpich, .openMPI]))
    #expect(
      Launch(environment: ["PMIX_RANK": "2"])
        == Launch(launcher: "a launcher that speaks PMIx", rank: 2, size: nil, localSize: nil, kinds: [.openMPI, .mpich]))
  }

  @Test("a library's kind is told by its handles and by what it says, never by its name") func kinds() {
    #expect(MPIKind(hasOpenMPIHandles: true, version: "Open MPI v4.1.4, package: Debian OpenMPI") == .openMPI)
    #expect(MPIKind(hasOpenMPIHandles: true, version: "") == .openMPI)
    #expect(MPIKind(hasOpenMPIHandles: false, version: "MPICH Version:      4.0.2\nMPICH Release date: …") == .mpich)
    #expect(MPIKind(hasOpenMPIHandles: false, version: "Intel(R) MPI Library 2021.10 for Linux* OS") == .mpich)
    #expect(MPIKind(hasOpenMPIHandles: false, version: "MVAPICH2 Version      :\t2.3.7") == .mpich)
    #expect(MPIKind(hasOpenMPIHandles: false, version: "MPI VERSION    : CRAY MPICH version 8.1.25") == .mpich)
    #expect(MPIKind(hasOpenMPIHandles: false, version: "Platform MPI 9.1") == nil)
  }

  @Test("ZARTS_MPI=none makes a process alone, whatever started it") func none() throws {
    let environment = ["OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "1", "ZARTS_MPI": "none"]
    #expect(TeamStart.launch(environment: environment) == nil)
    #expect(try TeamStart.team(environment: environment) is SoloTeam)
    #expect(try TeamStart.team(environment: [:]) is SoloTeam)
    #expect(try TeamStart.team(environment: ["ZARTS_MPI": ""]) is SoloTeam)
  }

  @Test("several processes that can't find each other are refused, with what would help") func refused() {
    #expect {
      try TeamStart.team(environment: ["SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "2"])
    } throws: { error in
      guard let error = error as? LaunchError else { return false }
      return error.problem == "srun started 4 processes that cannot find each other"
        && error.found == "no PMI or PMIx, which MPI needs" && error.wanted.contains("--mpi=pmix")
        && error.wanted.contains("ZARTS_MPI=none")
    }
  }

  @Test("a library that isn't there, and one that is none of MPI's, are refused by name") func noLibrary() {
    func refusal(_ library: String) -> LaunchError? {
      do {
        _ = try TeamStart.team(environment: ["ZARTS_MPI": library])
        return nil
      } catch {
        return error as? LaunchError
      }
    }
    #expect(refusal("/nowhere/libmpi.so.40")?.found.contains("/nowhere/libmpi.so.40") == true)
    #expect(refusal("libm.so.6")?.problem == "libm.so.6 is no MPI library")
    #expect(refusal("libm.so.6")?.found == "no MPI_Init_thread")
  }
}
