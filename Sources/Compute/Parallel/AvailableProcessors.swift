import Foundation

/// Processors that this process may use: what the number of threads is where nobody has given one.
public enum AvailableProcessors {
  /// Threads that pay: the least of the processors in the affinity mask (`taskset`, Slurm's and MPI's binding, cpusets of
  /// containers), of what the cgroups of the process allow (`cpu.max`; rounded up, since a part of a processor is used only by a
  /// thread), of `SLURM_CPUS_PER_TASK`, and of `OMP_NUM_THREADS`; for one of several processes that a launcher started on this
  /// machine (`Launch`) also its part of what they have together. At least 1. Asked once, at the first use.
  public static let count: Int = {
    let environment = ProcessInfo.processInfo.environment
    let ranks = Launch(environment: environment)?.localSize
    // Nothing but the mask is known where there is no /proc.
    let together =
      ranks == nil ? nil : max(min(Ancestry.processors(), quota().map { Int(min($0, 1e6).rounded(.up)) } ?? .max), 1)
    return ProcessorLimits(mask: usable, quota: nil, environment: environment, ranks: ranks, together: together).count
  }()

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
  /// A rank's part of what the ranks on this machine have together, where several do.
  package var part: Int?

  /// - Parameters:
  ///   - ranks: of the job on this machine; nil for a process that is alone.
  ///   - together: processors that these may use; nil for those of the mask. `SLURM_CPUS_ON_NODE` may say that there are fewer.
  package init(mask: Int, quota: Double?, environment: [String: String], ranks: Int? = nil, together: Int? = nil) {
    self.mask = mask
    self.quota = quota
    if let ranks, ranks > 1 {
      let node = [together ?? mask, Self.threads(environment["SLURM_CPUS_ON_NODE"])].compactMap { $0 }.min() ?? mask
      part = max(1, node / ranks)
    }
    slurm = Self.threads(environment["SLURM_CPUS_PER_TASK"])
    // One number for each level of nested loops; the first is that of a team.
    openMP = Self.threads(environment["OMP_NUM_THREADS"]?.split(separator: ",").first.map(String.init))
  }

  /// The least of them, within what a pool may have.
  package var count: Int {
    let time = quota.map { Int(min($0, 1e6).rounded(.up)) }
    let least = [mask, time, slurm, openMP, part].compactMap { $0 }.min() ?? 1
    return min(max(least, ThreadPool.counts.range.lowerBound), ThreadPool.counts.range.upperBound)
  }

  /// A variable that is no count says nothing.
  private static func threads(_ text: String?) -> Int? {
    guard let count = text.flatMap({ Int($0.trimmingCharacters(in: .whitespaces)) }), count > 0 else { return nil }
    return count
  }
}

/// The processes that this one descends from. A launcher that binds its ranks is not bound itself: its mask, or that of what
/// started it, is what they have together.
package enum Ancestry {
  /// Processors in the widest mask of this process and of those before it.
  static func processors() -> Int {
    processors { try? String(contentsOfFile: "/proc/\($0)/status", encoding: .utf8) }
  }

  /// - Parameter status: text of /proc/ID/status for an ID, `self` for this process; nil where it can't be read.
  /// - Returns: 0 where nothing can.
  package static func processors(status: (_ process: String) -> String?) -> Int {
    var widest = 0
    var process = "self"
    // More generations than there are between a batch script and its ranks; a circle would be read for ever.
    for _ in 0..<16 {
      guard let text = status(process) else { break }
      func field(_ name: String) -> String? {
        text.split(separator: "\n").first { $0.hasPrefix("\(name):") }.map {
          $0.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces)
        }
      }
      widest = max(widest, field("Cpus_allowed_list").map(count) ?? 0)
      guard let parent = field("PPid"), parent != "0" else { break }
      process = parent
    }
    return widest
  }

  /// Of a list as the kernel writes it: `0-3,8`.
  private static func count(_ list: String) -> Int {
    list.split(separator: ",").reduce(0) { sum, range in
      let bounds = range.split(separator: "-").compactMap { Int($0) }
      guard let first = bounds.first, let last = bounds.last, last >= first else { return sum }
      return sum + last - first + 1
    }
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
