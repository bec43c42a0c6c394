import Compute
import Foundation
import Testing

@Suite("Available processors") struct AvailableProcessorsTests {
  @Test("are the least of mask, quota, SLURM_CPUS_PER_TASK and OMP_NUM_THREADS") func least() {
    func count(_ mask: Int, _ quota: Double? = nil, _ environment: [String: String] = [:]) -> Int {
      ProcessorLimits(mask: mask, quota: quota, environment: environment).count
    }
    #expect(count(12) == 12)
    #expect(count(12, 7) == 7 && count(4, 7) == 4)
    #expect(count(12, nil, ["SLURM_CPUS_PER_TASK": "6"]) == 6)
    #expect(count(12, nil, ["OMP_NUM_THREADS": "3"]) == 3)
    #expect(count(12, 5, ["SLURM_CPUS_PER_TASK": "6", "OMP_NUM_THREADS": "8"]) == 5)
    #expect(count(12, 9, ["SLURM_CPUS_PER_TASK": "6", "OMP_NUM_THREADS": "2"]) == 2)
    // More than there are helps nobody.
    #expect(count(2, nil, ["SLURM_CPUS_PER_TASK": "64", "OMP_NUM_THREADS": "64"]) == 2)
    // A part of a processor is used by a thread alone; there is always one.
    #expect(count(12, 1.5) == 2 && count(12, 0.2) == 1 && count(12, 2.0) == 2)
    #expect(count(1 << 20) == ThreadPool.counts.range.upperBound)
    #expect(count(8, 1e300) == 8)
  }

  @Test("variables that are no counts say nothing", arguments: ["", " ", "0", "-3", "many", "1.5", "99999999999999999999"])
  func noCounts(text: String) {
    let limits = ProcessorLimits(mask: 6, quota: nil, environment: ["SLURM_CPUS_PER_TASK": text, "OMP_NUM_THREADS": text])
    #expect(limits.slurm == nil && limits.openMP == nil && limits.count == 6)
  }

  @Test("OMP_NUM_THREADS names the threads of nested teams, the outermost first") func nestedTeams() {
    #expect(ProcessorLimits(mask: 16, quota: nil, environment: ["OMP_NUM_THREADS": " 4, 2,1"]).count == 4)
  }

  @Test("cgroups of version 2 limit by the least of the group and its parents") func version2() {
    var files = [
      "/sys/fs/cgroup/user/job_7/cpu.max": "max 100000\n", "/sys/fs/cgroup/user/cpu.max": "350000 100000\n",
      "/sys/fs/cgroup/cpu.max": "800000 100000\n",
    ]
    func quota() -> Double? { CgroupQuota.processors(membership: "0::/user/job_7\n") { files[$0] } }
    #expect(quota() == 3.5)
    files["/sys/fs/cgroup/user/job_7/cpu.max"] = "100000 50000\n"
    #expect(quota() == 2)
    files = ["/sys/fs/cgroup/user/job_7/cpu.max": "max 100000\n"]
    #expect(quota() == nil)
    // In a container's own namespace the group is the root.
    #expect(CgroupQuota.processors(membership: "0::/\n") { $0 == "/sys/fs/cgroup/cpu.max" ? "50000 100000" : nil } == 0.5)
  }

  @Test("cgroups of version 1 limit by quota over period, where the controller is cpu") func version1() {
    let membership = "9:cpuset:/a\n4:cpu,cpuacct:/docker/x\n2:cpuacct:/b\n0::/c\n"
    var files = [
      "/sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us": "-1\n",
      "/sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_period_us": "100000\n",
    ]
    func quota() -> Double? { CgroupQuota.processors(membership: membership) { files[$0] } }
    #expect(quota() == nil)
    files["/sys/fs/cgroup/cpu/cpu.cfs_quota_us"] = "600000\n"
    files["/sys/fs/cgroup/cpu/cpu.cfs_period_us"] = "100000\n"
    #expect(quota() == 6)
    files["/sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us"] = "250000\n"
    #expect(quota() == 2.5)
    // A controller that is mounted beside others is not cpu's.
    #expect(CgroupQuota.processors(membership: "2:cpuacct:/\n") { _ in "100000" } == nil)
  }

  @Test(
    "files that say nothing limit nothing",
    arguments: ["", "max", "100000", "0 100000", "100000 0", "-1 100000", "a b", "1 2 3"])
  func noQuota(text: String) { #expect(CgroupQuota.processors(membership: "0::/\n:\nx\n\n") { _ in text } == nil) }

  @Test("ranks on one machine divide what they have together, and none gets more than its mask") func ranks() {
    func count(_ mask: Int, _ ranks: Int?, _ together: Int? = nil, _ environment: [String: String] = [:]) -> Int {
      ProcessorLimits(mask: mask, quota: nil, environment: environment, ranks: ranks, together: together).count
    }
    // Not bound: each sees all.
    #expect(count(12, 4) == 3 && count(12, 5) == 2 && count(2, 3) == 1 && count(12, nil) == 12 && count(12, 1) == 12)
    // Bound to a core each, to four cores each, and two to each of two sockets.
    #expect(count(1, 4, 32) == 1 && count(4, 8, 32) == 4 && count(16, 4, 32) == 8)
    // The job has a part of the node.
    #expect(count(64, 4, 64, ["SLURM_CPUS_ON_NODE": "8"]) == 2 && count(64, 4, 8, ["SLURM_CPUS_ON_NODE": "64"]) == 2)
    #expect(count(64, nil, nil, ["SLURM_CPUS_ON_NODE": "8"]) == 64)
    #expect(count(64, 4, 64, ["SLURM_CPUS_PER_TASK": "5"]) == 5)
  }

  @Test("what ranks have together is the widest mask of those that started them") func ancestry() {
    var files = [
      "self": "Name:\tzarts\nPPid:\t30\nCpus_allowed:\t8\nCpus_allowed_list:\t3\n",
      "30": "PPid:\t20\nCpus_allowed_list:\t0-7,16\n", "20": "PPid:\t1\nCpus_allowed_list:\t0-3\n",
      "1": "PPid:\t0\nCpus_allowed_list:\t0-3\n",
    ]
    #expect(Ancestry.processors { files[$0] } == 9)
    files["30"] = nil
    #expect(Ancestry.processors { files[$0] } == 1)
    #expect(Ancestry.processors { _ in nil } == 0)
    #expect(Ancestry.processors { _ in "PPid:\tself\nCpus_allowed_list:\t5-2,x,4\n" } == 1)
  }

  @Test("of this machine are at least one and at most those of its mask") func here() throws {
    #expect(AvailableProcessors.count >= 1)
    if let mask = AffinityMask.ofThisThread() { #expect(AvailableProcessors.count <= mask.processors.count) }
  }

  @Test("a thread is bound to the processors of a mask, and set free again") func binding() throws {
    // A mask is a thread's: this one has its own.
    let results = Results()
    let thread = Thread {
      results.whole = AffinityMask.ofThisThread()
      if let last = results.whole?.processors.last {
        results.isBound = AffinityMask([last]).applyToThisThread()
        results.bound = AffinityMask.ofThisThread()
      }
      results.isFreed = results.whole?.applyToThisThread() ?? false
      results.freed = AffinityMask.ofThisThread()
      results.done.signal()
    }
    thread.start()
    results.done.wait()
    let whole = try #require(results.whole)
    #expect(results.isBound && results.isFreed)
    #expect(results.bound?.processors == whole.processors.suffix(1))
    #expect(results.freed == whole)
  }

  /// Written by one thread, read when it has signalled.
  private final class Results: @unchecked Sendable {
    let done = DispatchSemaphore(value: 0)
    var (whole, bound, freed): (AffinityMask?, AffinityMask?, AffinityMask?) = (nil, nil, nil)
    var (isBound, isFreed) = (false, false)
  }

  @Test("pools get neighbouring processors, and share them only where there are too few") func uses() {
    var uses = ProcessorUses(count: 5)
    let first = uses.take(2)
    #expect(first == [0, 1] && uses.take(2) == [2, 3])
    // One is left, then all again from the first.
    #expect(uses.take(3) == [4, 0, 1] && uses.users == [2, 2, 1, 1, 1])
    uses.giveBack(first)
    #expect(uses.users == [1, 1, 1, 1, 1])
    #expect(ProcessorUses(count: 1) != uses)
  }
}
