import CKernels
import Foundation

/// How a thread waits for others before it sleeps: it looks again and again with pauses between, then lets others run between
/// two looks. Where it finds that others want its processor it gives up soon, and in the waits that follow.
///
/// On a quiet machine what is waited for comes while the thread looks, and costs no wake-up. On a busy one every look takes
/// processor time from those who could compute, maybe from the very thread that is waited for. That others had the processor
/// shows in the clock: two looks are then much further apart than a pause or a yield takes.
struct Patience {
  /// Looks with pauses alone, in nanoseconds: the serial part between two phases.
  private static let pausing: UInt64 = 30_000
  /// Pauses, then yields, in nanoseconds: longer than phases are uneven, and than a wake-up by an order of magnitude.
  private static let looking: UInt64 = 400_000
  /// Between two readings of the clock, in nanoseconds, when somebody else ran. Undisturbed they are some microseconds apart.
  private static let gap: UInt64 = 40_000
  /// Looks from one reading of the clock to the next.
  private static let looksAReading = 32
  /// Waits after one in which somebody else ran that are given up soon.
  private static let memory = 64

  private let hasProcessors: Bool
  private var crowdedWaits = 0

  /// - Parameter hasProcessors: whether there is a processor for each of the threads that wait for one another.
  init(hasProcessors: Bool) { self.hasProcessors = hasProcessors }

  /// Waits a while.
  ///
  /// - Returns: whether `isReady` came true; if not, the thread should sleep until it is woken.
  mutating func sees(_ isReady: () -> Bool) -> Bool {
    if isReady() { return true }
    guard hasProcessors, crowdedWaits == 0 else {
      crowdedWaits = max(0, crowdedWaits - 1)
      sched_yield()
      return isReady()
    }
    let start = Self.now()
    var last = start
    while last - start < Self.looking {
      if last - start < Self.pausing {
        for _ in 0..<Self.looksAReading {
          ck_pause()
          if isReady() { return true }
        }
      } else {
        sched_yield()
      }
      let time = Self.now()
      let someoneRan = time - last > Self.gap
      if someoneRan { crowdedWaits = Self.memory }
      if isReady() { return true }
      if someoneRan { return false }
      last = time
    }
    return false
  }

  private static func now() -> UInt64 { DispatchTime.now().uptimeNanoseconds }
}
