import Foundation

/// Processors that this process may use: what the number of threads is where nobody has given one.
public enum AvailableProcessors {
  /// Threads that pay: the least of the processors in the affinity mask (`taskset`, Slurm's and MPI's binding, cpusets of
  /// containers), of what the cgroups of the process allow (`cpu.max`; rounded up, since a part of a processor is used only by a
  /// thread), of `SLURM_CPUS_PER_TASK`, and of `OMP_NUM_THREADS`. At least 1. Asked once, at the first use.
  public static let count = ProcessorLimits(
    mask: usable, quota: nil, environment: ProcessInfo.processInfo.environment
  ).count

  /// What the system lets the process use, whatever the environment asks for: of the mask and the quota.
  static let usable = ProcessorLimits(mask: mask.count, quota: quota(), environment: [:]).count

  /// Numbers of the processors in the affinity mask of the process, in order, as it was when this was first asked; as many as
  /// are active where the system has no such masks.
  static let mask =
    AffinityMask.ofThisThread()?.processors ?? Array(0..<max(1, ProcessInfo.processInfo.activeProcessorCount))

  /// Processors' worth of time that the cgroups of the process allow; nil where they set no limit.
  private static func quota() -> Double? {
    func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }
    return CgroupQuota.processors(membership: text("/proc/self/cgroup") ?? "", read: text)
  }
}

/// Limits on the processors of a process, as they were found. Pure.
package struct ProcessorLimits: Equatable {
  /// Processors of the affinity mask.
  package var mask: Int
  /// Processors' worth of time; nil for no limit.
  package var quota: Double?
  package var slurm: Int?
  package var openMP: Int?

  package init(mask: Int, quota: Double?, environment: [String: String]) {
    self.mask = mask
    self.quota = quota
    slurm = Self.threads(environment["SLURM_CPUS_PER_TASK"])
    // One number for each level of nested loops; the first is that of a team.
    openMP = Self.threads(environment["OMP_NUM_THREADS"]?.split(separator: ",").first.map(String.init))
  }

  /// The least of them, within what a pool may have.
  package var count: Int {
    let time = quota.map { Int(min($0, 1e6).rounded(.up)) }
    let least = [mask, time, slurm, openMP].compactMap { $0 }.min() ?? 1
    return min(max(least, ThreadPool.counts.range.lowerBound), ThreadPool.counts.range.upperBound)
  }

  /// A variable that is no count says nothing.
  private static func threads(_ text: String?) -> Int? {
    guard let count = text.flatMap({ Int($0.trimmingCharacters(in: .whitespaces)) }), count > 0 else { return nil }
    return count
  }
}

/// What Linux' control groups let a process have of the processors' time: files as they are read, no state.
package enum CgroupQuota {
  /// The least quota of the groups that hold the process, their parents included, in processors.
  ///
  /// - Parameters:
  ///   - membership: /proc/self/cgroup: lines `0::/path` of version 2, `4:cpu,cpuacct:/path` of version 1.
  ///   - read: text of a file; nil where there is none.
  /// - Returns: nil where nothing limits it.
  package static func processors(membership: String, read: (_ path: String) -> String?) -> Double? {
    var quotas: [Double] = []
    for line in membership.split(separator: "\n") {
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
      guard fields.count == 3 else { continue }
      for folder in lineage(fields[2]) {
        if fields[0] == "0", fields[1].isEmpty {
          for mount in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] {
            quotas += [read("\(mount)\(folder)/cpu.max").flatMap(version2)].compactMap { $0 }
          }
        } else if fields[1].split(separator: ",").contains("cpu") {
          for mount in ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup/\(fields[1])"] {
            let files = ["cpu.cfs_quota_us", "cpu.cfs_period_us"].map { read("\(mount)\(folder)/\($0)") }
            if let quota = files[0], let period = files[1] { quotas += [version1(quota, period)].compactMap { $0 } }
          }
        }
      }
    }
    return quotas.min()
  }

  /// The group and its parents, as what follows the mount: `/a/b`, `/a`, and nothing for the root.
  private static func lineage(_ path: String) -> [String] {
    let parts = path.split(separator: "/")
    return (0...parts.count).reversed().map { count in parts.prefix(count).map { "/\($0)" }.joined() }
  }

  /// `150000 100000`: microseconds in each period; `max 100000` for no limit.
  private static func version2(_ text: String) -> Double? {
    let fields = text.split(whereSeparator: \.isWhitespace).map(String.init)
    return fields.count == 2 ? version1(fields[0], fields[1]) : nil
  }

  /// Two files with a number each; a quota of −1 for no limit.
  private static func version1(_ quota: String, _ period: String) -> Double? {
    let numbers = [quota, period].map { Double(Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0) }
    return numbers[0] > 0 && numbers[1] > 0 ? numbers[0] / numbers[1] : nil
  }
}
