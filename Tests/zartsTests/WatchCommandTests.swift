import Formats
import Foundation
import Testing

/// `zarts watch` through raw sockets on the loopback: every wait is bounded.
@Suite("zarts watch", .serialized)
struct WatchCommandTests {
  @Test("The page, its state and the files are those of the folder, and follow it")
  func serves() throws {
    let samples = try ReportSamples()
    let run = "\(samples.folder)/zarts-mgs"
    let server = try WatchServerProcess(run)
    #expect(server.greeting.contains("http://127.0.0.1:\(server.port)/"))
    let page = try server.get("/")
    #expect(page.status == 200 && page.body.hasPrefix("<!DOCTYPE html>") && page.body.hasSuffix("</html>\n"))
    #expect(page.head.contains("text/html") && page.head.contains("frame-ancestors 'none'") && page.head.contains("nosniff"))
    let metrics = try String(contentsOfFile: "\(run)/metrics.csv", encoding: .utf8)
    let loss = try CSVTable(readingFrom: "\(run)/metrics.csv").column("validation_loss")
    #expect(page.body.contains("data-y=\"\(loss.joined(separator: " "))\""))
    let file = try server.get("/files/metrics.csv")
    #expect(file.status == 200 && file.body == metrics && file.head.contains("sandbox"))
    let head = try server.get("/", method: "HEAD")
    #expect(head.status == 200 && head.body.isEmpty)
    struct State: Decodable {
      var revision: String
      var fraction: Double?
      var text: String
      var finished: Bool
    }
    func state() throws -> State {
      let answer = try server.get("/status.json?now")
      #expect(answer.status == 200 && answer.head.contains("application/json"))
      return try JSONDecoder().decode(State.self, from: Data(answer.body.utf8))
    }
    let done = try state()
    #expect(done.finished && done.fraction == 1)
    // As a search leaves it within its last epoch, with the lock that it holds.
    let last = "\(run)/checkpoints/epoch-00\(loss.count).safetensors"
    try FileManager.default.removeItem(atPath: last)
    let log = try String(contentsOfFile: "\(run)/log.txt", encoding: .utf8)
    try AtomicFile.write(log.split(separator: "\n").dropLast(2).map { $0 + "\n" }.joined(), to: "\(run)/log.txt")
    try AtomicFile.write(metrics.split(separator: "\n").dropLast(1).map { $0 + "\n" }.joined(), to: "\(run)/metrics.csv")
    let stopped = try state()
    #expect(stopped.revision != done.revision && !stopped.finished && stopped.text.contains("No process"))
    let lock = try FileLock(path: "\(run)/log.txt")
    let live = try state()
    #expect(withExtendedLifetime(lock) { live.text == "epoch 4 of 4" }, "\(live.text)")
    #expect(try server.get("/").body.contains("data-y=\"\(loss.dropLast().joined(separator: " "))\""))
    try AtomicFile.write("no table\n", to: "\(run)/metrics.csv")
    #expect(try server.get("/").body.contains("metrics.csv"))
    #expect(try server.get("/status.json").body.contains("metrics.csv"))
  }

  @Test("Nothing outside of the folder is handed out, by no path and through no link")
  func confined() throws {
    let samples = try ReportSamples()
    let run = "\(samples.folder)/darts1"
    let secret = "\(samples.folder)/secret.txt"
    try AtomicFile.write("the secret\n", to: secret)
    let manager = FileManager.default
    try manager.createSymbolicLink(atPath: "\(run)/link.txt", withDestinationPath: secret)
    try manager.createSymbolicLink(atPath: "\(run)/inner.txt", withDestinationPath: "genotype.txt")
    try manager.createSymbolicLink(atPath: "\(run)/up", withDestinationPath: samples.folder)
    #expect(mkfifo("\(run)/pipe.txt", 0o600) == 0)
    try AtomicFile.write("hidden: the secret\n", to: "\(run)/.hidden")
    let server = try WatchServerProcess(run)
    let paths: [(String, Set<Int>)] = [
      ("/files/../secret.txt", [400]), ("/files/%2e%2e/secret.txt", [400]), ("/files/..%2fsecret.txt", [400]),
      ("/files/checkpoints/../../secret.txt", [400]), ("/files/%2e%2e%2fsecret.txt", [400]),
      ("/files/..%5csecret.txt", [400]),
      ("/files/....//secret.txt", [400]), ("/files/%252e%252e/secret.txt", [404, 403]), ("/files//etc/passwd", [400]),
      ("/files/\(secret)", [400]), ("/files/link.txt", [403]), ("/files/inner.txt", [403]), ("/files/up/secret.txt", [403]),
      ("/files/pipe.txt", [403]), ("/files/.hidden", [400]), ("/files/checkpoints", [403]), ("/files/", [400]),
      ("/files/genotype.txt%00.png", [400]), ("/files/genotype.txt/", [400, 403]), ("/files/%ff", [400]),
      ("/files/absent.csv", [404]),
      ("/../secret.txt", [404]), ("/secret.txt", [404]), ("/files/genotype.txt/../../../secret.txt", [400]),
      ("/files/file:%2f%2f\(secret)", [400]), ("/files/C:secret", [400]),
      ("/files/" + String(repeating: "a", count: 1500), [400]),
    ]
    for (path, wanted) in paths {
      let answer = try server.get(path)
      #expect(wanted.contains(answer.status), "\(path.prefix(80)): \(answer.status)")
      #expect(!answer.body.contains("the secret") && !answer.body.contains("<html"), "\(path.prefix(80))")
      #expect(answer.head.contains("text/plain"), "\(path.prefix(80))")
    }
    let page = try server.get("/").body
    #expect(page.contains("/files/genotype.txt") && !page.contains("/files/link.txt") && !page.contains("the secret"))
    // A link that the report would read is refused too, and told without what stands behind it.
    try manager.createSymbolicLink(atPath: "\(run)/diagnosis.txt", withDestinationPath: secret)
    for path in ["/", "/status.json"] {
      let body = try server.get(path).body
      #expect(body.contains("diagnosis.txt") && !body.contains("the secret"), "\(path)")
    }
  }

  @Test("Requests that are malformed, too large or meant for another host get a plain error")
  func refused() throws {
    let samples = try ReportSamples()
    let server = try WatchServerProcess("\(samples.folder)/darts1")
    let own = "Host: 127.0.0.1:\(server.port)\r\n"
    let cases: [(String, Set<Int>)] = [
      ("POST / HTTP/1.1\r\n\(own)Connection: close\r\nContent-Length: 0\r\n\r\n", [405]),
      ("DELETE /files/metrics.csv HTTP/1.1\r\n\(own)Connection: close\r\n\r\n", [405]),
      ("PUT /files/x HTTP/1.1\r\n\(own)Connection: close\r\nContent-Length: 3\r\n\r\nabc", [413, 405]),
      ("GET / HTTP/1.1\r\n\(own)Connection: close\r\nContent-Length: 3\r\n\r\nabc", [413]),
      ("GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", [421]),
      ("GET / HTTP/1.1\r\nHost: 127.0.0.1.evil.example:\(server.port)\r\nConnection: close\r\n\r\n", [421]),
      ("GET / HTTP/1.1\r\nHost: localhost:80@evil\r\nConnection: close\r\n\r\n", [421, 400]),
      ("GET / HTTP/1.1\r\n\(own)Host: evil.example\r\nConnection: close\r\n\r\n", [400]),
      ("GET / HTTP/1.0\r\n\r\n", [400, 421]),
      ("GET http://127.0.0.1/files/../secret.txt HTTP/1.1\r\n\(own)Connection: close\r\n\r\n", [400]),
      ("OPTIONS * HTTP/1.1\r\n\(own)Connection: close\r\n\r\n", [400, 405]), ("nonsense\r\n\r\n", [0, 400]),
      ("GET / HTTP/9.9\r\n\(own)\r\n", [0, 400, 505]), ("GET /\0 HTTP/1.1\r\n\(own)\r\n", [0, 400]),
      ("\u{16}\u{3}\u{1}\r\n\r\n", [0, 400]),
      ("GET / HTTP/1.1\r\n\(own)Connection: close\r\nX: \(String(repeating: "x", count: 1 << 20))\r\n\r\n", [0, 400, 431]),
      (
        "GET / HTTP/1.1\r\n\(own)Connection: close\r\n" + (0..<5000).map { "X\($0): y\r\n" }.joined() + "\r\n",
        [0, 400, 431]
      ),
      ("GET /\(String(repeating: "a", count: 1 << 20)) HTTP/1.1\r\n\(own)Connection: close\r\n\r\n", [0, 400, 414, 431]),
      ("GET /\(String(repeating: "a", count: 4000)) HTTP/1.1\r\n\(own)Connection: close\r\n\r\n", [400, 414]),
    ]
    for (request, wanted) in cases {
      let answer = try server.send(request)
      #expect(wanted.contains(answer.status), "\(request.prefix(60)): \(answer.status)")
      #expect(!answer.body.contains("<html"), "\(request.prefix(60))")
    }
    // One that never ends keeps nobody else waiting.
    let slow = try server.connect()
    defer { close(slow) }
    _ = Foundation.send(slow, "GET / HT", 8, Int32(MSG_NOSIGNAL))
    for host in ["127.0.0.1", "localhost", "LOCALHOST:\(server.port)", "[::1]:\(server.port)"] {
      #expect(try server.get("/", host: host).status == 200, "\(host)")
    }
    #expect(server.process.isRunning)
  }

  @Test("SIGINT and SIGTERM stop it cleanly, also while a connection is open", arguments: [SIGINT, SIGTERM])
  func stops(_ signal: Int32) throws {
    let samples = try ReportSamples()
    let server = try WatchServerProcess("\(samples.folder)/darts1")
    let idle = try server.connect()
    defer { close(idle) }
    #expect(try server.get("/status.json").status == 200)
    kill(server.process.processIdentifier, signal)
    let end = Date().addingTimeInterval(30)
    while server.process.isRunning, Date() < end { usleep(50_000) }
    #expect(!server.process.isRunning, "still running after the signal")
    guard !server.process.isRunning else { return }
    #expect(server.process.terminationReason == .exit && server.process.terminationStatus == 0)
  }

  @Test("What cannot be watched is named")
  func badInput() throws {
    let samples = try ReportSamples()
    let server = try WatchServerProcess("\(samples.folder)/darts1")
    let cases: [([String], String)] = [
      ([], "run"), (["/nonexistent"], "/nonexistent"), (["\(samples.folder)/darts1/checkpoints"], "checkpoints"),
      (["\(samples.folder)/darts1", "--port", "65536"], "--port"), (["\(samples.folder)/darts1", "--port", "-1"], "port"),
      (["\(samples.folder)/darts1", "--host", "a/b"], "--host"),
      (["\(samples.folder)/darts1", "--host", "203.0.113.7", "--port", "0"], "203.0.113.7"),
      (["\(samples.folder)/darts1", "--port", "\(server.port)"], "\(server.port)"),
    ]
    for (arguments, mention) in cases {
      let result = try CommandLineRunner.run(["watch"] + arguments)
      #expect(result.status != 0 && result.errors.contains(mention), "\(arguments): \(result.errors)")
    }
  }
}
