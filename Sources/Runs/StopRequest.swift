import Foundation
import Synchronization

/// A wish, from another thread or a signal handler, that a run stop after its current step.
public final class StopRequest: Sendable {
  private let number = Atomic<Int32>(0)
  private let outer: StopRequest?

  public init() { outer = nil }

  /// A wish about one job of several: that of all is one about each, and not the other way round.
  public init(following outer: StopRequest) { self.outer = outer }

  /// Asks to stop; the first signal named stays. Safe within a signal handler.
  public func request(signal: Int32 = SIGTERM) {
    _ = number.compareExchange(expected: 0, desired: signal, ordering: .relaxed)
  }

  /// The signal that asked, nil while none has.
  public var signal: Int32? {
    let value = number.load(ordering: .relaxed)
    return value == 0 ? outer?.signal : value
  }

  public var isRequested: Bool { signal != nil }
}
