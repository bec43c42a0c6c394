import Compute
import Testing

@Suite("Available memory") struct AvailableMemoryTests {
  @Test("is the line of /proc/meminfo that says so, in bytes") func parsing() {
    let text = "MemTotal:       16384 kB\nMemFree:          512 kB\nMemAvailable:    8192 kB\n"
    #expect(AvailableMemory.bytes(inMeminfo: text) == 8192 * 1024)
    #expect(AvailableMemory.bytes(inMeminfo: "MemFree: 1 kB\n") == nil)
    #expect(AvailableMemory.bytes(inMeminfo: "MemAvailable: many kB\n") == nil)
    #expect(AvailableMemory.bytes(inMeminfo: "") == nil)
  }

  @Test("of this machine is more than a program takes") func here() { #expect(AvailableMemory.bytes() > 1 << 20) }
}
