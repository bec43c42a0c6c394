import Foundation
import TestSupport

/// Headless Chromium, spoken to over its pipe (Chrome DevTools Protocol): bounded waits, no port, no network.
final class Browser {
  struct Failure: Error, CustomStringConvertible { let description: String }

  /// Where Chromium is; nil where it is not installed.
  static let executable: String? = {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return ["chromium", "chromium-browser", "google-chrome"].lazy.flatMap { name in folders.map { "\($0)/\(name)" } }
      .first { access($0, X_OK) == 0 }
  }()

  private let scratch: ScratchFolder
  private let process = Process()
  private var input: Int32 = -1
  private var output: Int32 = -1
  private var buffer: [UInt8] = []
  private var identifier = 0
  private(set) var events: [[String: Any]] = []

  init() throws {
    guard let executable = Self.executable else { throw Failure(description: "no Chromium") }
    scratch = try ScratchFolder()
    let folder = scratch.path
    for name in ["in", "out"] where mkfifo("\(folder)/\(name)", 0o600) != 0 { throw Failure(description: "mkfifo") }
    // Both ends, so that opening does not wait for the other side.
    input = open("\(folder)/in", O_RDWR | O_CLOEXEC)
    output = open("\(folder)/out", O_RDWR | O_CLOEXEC)
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    let flags =
      [
        "--headless", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run", "--disable-dev-shm-usage",
        "--disable-background-networking", "--hide-scrollbars", "--user-data-dir=\(folder)/profile",
      ] + (geteuid() == 0 ? ["--no-sandbox"] : [])
    process.arguments = ["-c", "exec \"$@\" 3<\"$0/in\" 4>\"$0/out\"", folder, executable] + flags + ["about:blank"]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
  }

  deinit {
    _ = try? send("Browser.close", [:], session: nil)
    let end = Date().addingTimeInterval(5)
    while process.isRunning, Date() < end { usleep(50_000) }
    if process.isRunning { process.terminate() }
    close(input)
    close(output)
  }

  @discardableResult
  private func send(_ method: String, _ parameters: [String: Any], session: String?) throws -> Int {
    identifier += 1
    var message: [String: Any] = ["id": identifier, "method": method, "params": parameters]
    if let session { message["sessionId"] = session }
    var bytes = Array(try JSONSerialization.data(withJSONObject: message)) + [0]
    while !bytes.isEmpty {
      let count = write(input, bytes, bytes.count)
      guard count > 0 else { throw Failure(description: "cannot write to Chromium") }
      bytes.removeFirst(count)
    }
    return identifier
  }

  private func receive(until end: Date) throws -> [String: Any] {
    while true {
      if let zero = buffer.firstIndex(of: 0) {
        let data = Data(buffer[..<zero])
        buffer.removeSubrange(...zero)
        guard let message = try JSONSerialization.jsonObject(with: data) as? [String: Any] else { continue }
        return message
      }
      var descriptor = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
      let left = end.timeIntervalSinceNow
      guard left > 0, poll(&descriptor, 1, Int32(left * 1000) + 1) > 0 else {
        throw Failure(description: "Chromium does not answer")
      }
      var chunk = [UInt8](repeating: 0, count: 1 << 16)
      let count = read(output, &chunk, chunk.count)
      guard count > 0 else { throw Failure(description: "Chromium has gone") }
      buffer += chunk[..<count]
    }
  }

  @discardableResult
  func call(_ method: String, _ parameters: [String: Any] = [:], session: String? = nil) throws -> [String: Any] {
    let wanted = try send(method, parameters, session: session)
    let end = Date().addingTimeInterval(60)
    while true {
      let message = try receive(until: end)
      guard message["id"] as? Int == wanted else {
        if message["method"] != nil { events.append(message) }
        continue
      }
      if let error = message["error"] { throw Failure(description: "\(method): \(error)") }
      return message["result"] as? [String: Any] ?? [:]
    }
  }

  /// Waits for an event of a session.
  func wait(for method: String, session: String) throws {
    let end = Date().addingTimeInterval(60)
    func isWanted(_ event: [String: Any]) -> Bool {
      event["method"] as? String == method && event["sessionId"] as? String == session
    }
    while !events.contains(where: isWanted) {
      let message = try receive(until: end)
      if message["method"] != nil { events.append(message) }
    }
  }

  /// A page in a window of its own.
  final class Page {
    let browser: Browser
    let session: String

    init(_ browser: Browser, url: String, width: Int, height: Int = 900, isDark: Bool = false) throws {
      self.browser = browser
      let target = try browser.call("Target.createTarget", ["url": "about:blank"])
      let attached = try browser.call("Target.attachToTarget", ["targetId": target["targetId"] ?? "", "flatten": true])
      guard let session = attached["sessionId"] as? String else { throw Failure(description: "no session") }
      self.session = session
      for domain in ["Page", "Runtime", "Log", "Network"] { try call("\(domain).enable") }
      try call(
        "Emulation.setDeviceMetricsOverride",
        ["width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600])
      try call(
        "Emulation.setEmulatedMedia", ["features": [["name": "prefers-color-scheme", "value": isDark ? "dark" : "light"]]])
      try call("Page.navigate", ["url": url])
      try browser.wait(for: "Page.loadEventFired", session: session)
    }

    @discardableResult
    func call(_ method: String, _ parameters: [String: Any] = [:]) throws -> [String: Any] {
      try browser.call(method, parameters, session: session)
    }

    /// The value of an expression, a promise awaited.
    func value(_ expression: String) throws -> Any? {
      let answer = try call("Runtime.evaluate", ["expression": expression, "returnByValue": true, "awaitPromise": true])
      if let problem = answer["exceptionDetails"] { throw Failure(description: "\(expression.prefix(80)): \(problem)") }
      return (answer["result"] as? [String: Any])?["value"]
    }

    func text(_ expression: String) throws -> String { try value(expression) as? String ?? "" }
    func number(_ expression: String) throws -> Double {
      try value(expression) as? Double ?? (value(expression) as? Int).map(Double.init) ?? .nan
    }

    /// Moves the pointer to a place given by an expression for [x, y] in the window.
    func hover(_ place: String) throws {
      guard let point = try value(place) as? [Any], point.count == 2 else {
        throw Failure(description: "no place: \(place)")
      }
      let numbers = point.map { ($0 as? Double) ?? ($0 as? Int).map(Double.init) ?? 0 }
      try call("Input.dispatchMouseEvent", ["type": "mouseMoved", "x": numbers[0], "y": numbers[1]])
    }

    /// Presses the button at a place given by an expression for [x, y] in the window, moves, and lets go.
    func drag(from place: String, by step: (x: Double, y: Double)) throws {
      guard let point = try value(place) as? [Any], point.count == 2 else {
        throw Failure(description: "no place: \(place)")
      }
      let numbers = point.map { ($0 as? Double) ?? ($0 as? Int).map(Double.init) ?? 0 }
      let (end, button) = ((numbers[0] + step.x, numbers[1] + step.y), "left")
      for (type, x, y, held) in [
        ("mouseMoved", numbers[0], numbers[1], 0), ("mousePressed", numbers[0], numbers[1], 1),
        ("mouseMoved", end.0, end.1, 1),
        ("mouseReleased", end.0, end.1, 0),
      ] {
        try call(
          "Input.dispatchMouseEvent",
          [
            "type": type, "x": x, "y": y, "button": type == "mouseMoved" && held == 0 ? "none" : button, "buttons": held,
            "clickCount": 1,
          ])
      }
    }

    func press(_ key: String) throws {
      for type in ["keyDown", "keyUp"] { try call("Input.dispatchKeyEvent", ["type": type, "key": key, "code": key]) }
    }

    /// Errors of the console, exceptions, and addresses that were asked for.
    var complaints: [String] {
      browser.events.filter { $0["sessionId"] as? String == session }.compactMap { event in
        let parameters = event["params"] as? [String: Any] ?? [:]
        switch event["method"] as? String {
        case "Runtime.exceptionThrown": return "exception: \(parameters)"
        case "Runtime.consoleAPICalled" where ["error", "warning", "assert"].contains(parameters["type"] as? String ?? ""):
          return "console: \(parameters)"
        case "Log.entryAdded":
          let entry = parameters["entry"] as? [String: Any] ?? [:]
          return ["error", "warning"].contains(entry["level"] as? String ?? "") ? "log: \(entry["text"] ?? "")" : nil
        default: return nil
        }
      }
    }

    var requests: [String] {
      browser.events.filter {
        $0["sessionId"] as? String == session && $0["method"] as? String == "Network.requestWillBeSent"
      }
      .compactMap { (($0["params"] as? [String: Any])?["request"] as? [String: Any])?["url"] as? String }
    }

    /// Writes what the window shows, or the whole page.
    func screenshot(to path: String, isWhole: Bool = true) throws {
      let answer = try call("Page.captureScreenshot", ["format": "png", "captureBeyondViewport": isWhole])
      guard let data = (answer["data"] as? String).flatMap({ Data(base64Encoded: $0) }) else {
        throw Failure(description: "no picture")
      }
      try data.write(to: URL(fileURLWithPath: path))
    }
  }
}
