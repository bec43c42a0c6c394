import Foundation

/// A running `zarts watch` on a port of its own, stopped with the last reference.
final class WatchServerProcess {
  let process: Process
  let port: UInt16
  let greeting: String

  init(_ folder: String) throws {
    process = CommandLineRunner.process(["watch", folder, "--port", "0"])
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    var descriptor = pollfd(fd: output.fileHandleForReading.fileDescriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&descriptor, 1, 20_000) > 0 else {
      process.terminate()
      throw POSIXError(.ETIMEDOUT)
    }
    greeting = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    let digits = greeting.split(separator: "127.0.0.1:").last?.prefix { $0.isNumber } ?? ""
    guard let port = UInt16(digits) else {
      process.terminate()
      throw POSIXError(.EPROTO)
    }
    self.port = port
  }

  deinit {
    if process.isRunning { process.terminate() }
    process.waitUntilExit()
  }

  struct Answer {
    var status: Int
    var head: String
    var body: String
  }

  func connect() throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var time = timeval(tv_sec: 10, tv_usec: 0)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
    }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let isConnected = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
    guard isConnected else {
      close(descriptor)
      throw POSIXError(.ECONNREFUSED)
    }
    return descriptor
  }

  /// Sends bytes as they are and reads until the server closes, or to the end of the body that it announced.
  func send(_ text: String) throws -> Answer {
    let descriptor = try connect()
    defer { close(descriptor) }
    var bytes = Array(text.utf8)
    while !bytes.isEmpty {
      let count = Foundation.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
      // A server that refuses early need not read on.
      if count <= 0 { break }
      bytes.removeFirst(count)
    }
    var answer: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = recv(descriptor, &chunk, chunk.count, 0)
      if count <= 0 { break }
      answer += chunk[..<count]
      if let parsed = Self.parse(answer), parsed.isWhole { return parsed.answer }
    }
    return Self.parse(answer)?.answer ?? Answer(status: 0, head: "", body: String(decoding: answer, as: UTF8.self))
  }

  private static func parse(_ bytes: [UInt8]) -> (answer: Answer, isWhole: Bool)? {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let end = text.range(of: "\r\n\r\n") else { return nil }
    let (head, body) = (String(text[..<end.lowerBound]), String(text[end.upperBound...]))
    let status = Int(head.split(separator: " ").dropFirst().first ?? "") ?? 0
    let length = head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
      .flatMap { Int($0.drop { $0 != ":" }.dropFirst().trimmingCharacters(in: .whitespaces)) }
    return (Answer(status: status, head: head, body: body), length.map { body.utf8.count >= $0 } ?? false)
  }

  func get(_ path: String, method: String = "GET", host: String? = nil) throws -> Answer {
    try send("\(method) \(path) HTTP/1.1\r\nHost: \(host ?? "127.0.0.1:\(port)")\r\nConnection: close\r\n\r\n")
  }
}
