import Foundation

/// The most memory that this process has held at a time.
package enum PeakMemory {
  /// Bytes in physical memory (`ru_maxrss` of getrusage).
  package static func bytes() -> Int {
    var usage = rusage()
    #if os(Linux)
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss * 1024
    #else
    getrusage(RUSAGE_SELF, &usage)
    return usage.ru_maxrss
    #endif
  }
}
