import Foundation

/// Memory that a process may still take without driving others out.
public enum AvailableMemory {
  /// Bytes that the system says are available (`MemAvailable` of Linux); half of the machine's where it does not say.
  public static func bytes() -> Int {
    let text = (try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8)) ?? ""
    return bytes(inMeminfo: text) ?? Int(ProcessInfo.processInfo.physicalMemory / 2)
  }

  /// The line `MemAvailable:   12345 kB` of /proc/meminfo; nil where there is none.
  package static func bytes(inMeminfo text: String) -> Int? {
    guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("MemAvailable:") }) else { return nil }
    let fields = line.split(separator: " ", omittingEmptySubsequences: true)
    guard fields.count == 3, fields[2] == "kB", let kilobytes = Int(fields[1]) else { return nil }
    return kilobytes * 1024
  }
}
