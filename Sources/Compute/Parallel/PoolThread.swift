import Foundation

/// A thread of a pool. (Foundation's does not tell whether the system started it, and can't be joined.)
struct PoolThread {
  private let thread: pthread_t

  /// What a new thread runs.
  private final class Work {
    let name: String
    let body: () -> Void

    init(name: String, body: @escaping () -> Void) {
      self.name = name
      self.body = body
    }
  }

  /// Starts a thread; nil where the system starts no more.
  static func start(named name: String, _ body: @escaping () -> Void) -> PoolThread? {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, 8 << 20)
    let work = Unmanaged.passRetained(Work(name: name, body: body))
    #if os(Linux)
    var thread = pthread_t()
    #else
    var thread: pthread_t?
    #endif
    let status = pthread_create(
      &thread, &attributes,
      { argument in
        #if os(Linux)
        guard let argument else { return nil }
        #endif
        let work = Unmanaged<Work>.fromOpaque(argument).takeRetainedValue()
        Thread.current.name = work.name
        work.body()
        return nil
      }, work.toOpaque())
    guard status == 0 else {
      work.release()
      return nil
    }
    #if os(Linux)
    return PoolThread(thread: thread)
    #else
    return thread.map { PoolThread(thread: $0) }
    #endif
  }

  /// Waits until the thread has ended. Once only.
  func join() { pthread_join(thread, nil) }
}
