import Foundation

/// Memory that a process may still take without driving others out.
public enum AvailableMemory {
  /// The least of what the system says is available (`MemAvailable` of Linux; half of the machine's where it does not say) and
  /// what is left of the process's own limit (`ulimit -v`), in bytes.
  public static func bytes() -> Int {
    let text = (try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8)) ?? ""
    let machine = bytes(inMeminfo: text) ?? Int(ProcessInfo.processInfo.physicalMemory / 2)
    return min(machine, bytesLeftOfLimit() ?? .max)
  }

  /// The line `MemAvailable:   12345 kB` of /proc/meminfo; nil where there is none.
  package static func bytes(inMeminfo text: String) -> Int? {
    guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("MemAvailable:") }) else { return nil }
    let fields = line.split(separator: " ", omittingEmptySubsequences: true)
    guard fields.count == 3, fields[2] == "kB", let kilobytes = Int(fields[1]) else { return nil }
    return kilobytes * 1024
  }

  /// Address space that the process may still map; nil where it has no limit.
  private static func bytesLeftOfLimit() -> Int? {
    var limit = rlimit()
    #if os(Linux)
    guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0 else { return nil }
    #else
    guard getrlimit(RLIMIT_AS, &limit) == 0 else { return nil }
    #endif
    guard let most = Int(exactly: limit.rlim_cur), most < Int.max / 2 else { return nil }
    let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
    return max(0, most - (mappedBytes(inStatm: text, pageSize: Int(sysconf(Int32(_SC_PAGESIZE)))) ?? 0))
  }

  /// The first number of /proc/self/statm, in bytes; nil where there is none.
  package static func mappedBytes(inStatm text: String, pageSize: Int) -> Int? {
    text.split(separator: " ").first.flatMap { Int($0) }.flatMap {
      let (bytes, overflow) = $0.multipliedReportingOverflow(by: pageSize)
      return overflow ? nil : bytes
    }
  }
}
