import Compute
import Formats
import Foundation
import Hummingbird
import HummingbirdCore
import Logging
import Reports

/// Serves the page of one folder to browsers of this machine.
public struct WatchServer: Sendable {
  private let folder: String
  private let host: String
  private let port: Int

  /// - Parameters:
  ///   - folder: of a run or a comparison.
  ///   - host: address to listen on.
  ///   - port: 0 for any that is free.
  /// - Throws: `InputError` for a port or an address that cannot be, and where the folder cannot be reported on.
  public init(folder: String, host: String = "127.0.0.1", port: Int = 8080) throws {
    try CountBounds(1...65_535, zero: "any that is free").require(port, at: .setting("port"), "not a port")
    guard !host.isEmpty, host.unicodeScalars.allSatisfy({ $0.isASCII && $0.value > 0x20 && $0 != "/" }) else {
      throw InputError(
        "not an address", at: .setting("host"), found: "'\(host)'", wanted: "an address such as 127.0.0.1 or ::1")
    }
    self.folder = folder.count > 1 && folder.hasSuffix("/") ? String(folder.dropLast()) : folder
    self.host = host
    self.port = port
    _ = try Report(reading: [self.folder], reach: .within(self.folder))
  }

  /// Serves until the process gets SIGINT or SIGTERM.
  ///
  /// - Parameter onStart: told the port once connections are taken.
  /// - Throws: `InputError` where the address cannot be listened on.
  public func run(onStart: @escaping @Sendable (Int) -> Void) async throws {
    let run = WatchedRun(folder: folder)
    let host = host
    var logger = Logger(label: "watch") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = .critical
    let connections = ServerLimits.connections
    let application = Application(
      responder: CallbackResponder<BasicRequestContext> { request, _ in
        await Self.response(to: request, run: run, served: host)
      },
      server: .http1(
        configuration: .init(
          idleTimeout: .seconds(ServerLimits.idleSeconds),
          httpDecoderConfiguration: .init(
            maxHeaderFieldSize: ServerLimits.headerBytes, maxHeaderListSize: ServerLimits.headerBytes,
            maxHeaderFieldCount: ServerLimits.headers))),
      configuration: .init(
        address: .hostname(host, port: port), availableConnectionsDelegate: MaximumAvailableConnections(connections)),
      onServerRunning: { channel in onStart(channel.localAddress?.port ?? 0) }, logger: logger)
    do {
      try await application.runService()
    } catch {
      throw InputError(
        "cannot listen", at: "\(host) port \(port)", found: "\(error)",
        wanted: "an address of this machine and a free port; port 0 takes any")
    }
  }

  private static func response(to request: Request, run: WatchedRun, served: String) async -> Response {
    let wanted: RequestCheck.Wanted
    do throws(RequestCheck.Refusal) {
      // Of several Host headers the first is in `authority`; a second one is a request of nobody's browser.
      if request.headers.contains(where: { $0.name.canonicalName == "host" }) {
        throw RequestCheck.Refusal(status: 400, message: "more than one Host")
      }
      if let length = request.headers[.contentLength], length != "0" {
        throw RequestCheck.Refusal(status: 413, message: "requests have no body here")
      }
      if request.headers[.transferEncoding] != nil {
        throw RequestCheck.Refusal(status: 413, message: "requests have no body here")
      }
      wanted = try RequestCheck.wanted(
        method: request.method.rawValue, target: request.head.path, host: request.head.authority, served: served)
    } catch {
      return plain(error.status, error.message, isHead: request.method == .head)
    }
    let isHead = request.method == .head
    switch wanted {
    case .page:
      let page = await run.currentPage()
      return response(
        200, Array(page.html.utf8), type: "text/html; charset=utf-8", policy: page.policy + "; frame-ancestors 'none'",
        isHead: isHead)
    case .status:
      let status = await run.status()
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys]
      guard let data = try? encoder.encode(status) else { return plain(500, "the state cannot be told", isHead: isHead) }
      return response(200, Array(data), type: "application/json", isHead: isHead)
    case .file(let path):
      switch await run.file(path) {
      case .success(let bytes):
        var answer = response(200, bytes, type: type(of: path), policy: "default-src 'none'; sandbox", isHead: isHead)
        // A page among the files must not run as one of ours.
        if answer.headers[.contentType]?.hasPrefix("image/png") != true {
          answer.headers[.contentDisposition] = "attachment"
        }
        return answer
      case .failure(.malformed): return plain(400, "that is no name of a file here", isHead: isHead)
      case .failure(.absent): return plain(404, "there is no such file", isHead: isHead)
      case .failure(.notAFile):
        return plain(403, "only regular files are handed out, and none through a link", isHead: isHead)
      case .failure(.tooLarge): return plain(403, "too large to be handed out: copy it from the folder", isHead: isHead)
      }
    }
  }

  private static func plain(_ status: Int, _ message: String, isHead: Bool) -> Response {
    var answer = response(status, Array("\(status): \(message)\n".utf8), type: "text/plain; charset=utf-8", isHead: isHead)
    if status == 405 { answer.headers[.allow] = "GET, HEAD" }
    // What follows a request that we refuse to read may be anything.
    if [400, 405, 413].contains(status) { answer.headers[.connection] = "close" }
    return answer
  }

  private static func response(
    _ status: Int, _ bytes: [UInt8], type: String, policy: String = "default-src 'none'", isHead: Bool
  ) -> Response {
    var headers = HTTPFields()
    headers[.contentType] = type
    headers[.contentLength] = "\(bytes.count)"
    headers[.cacheControl] = "no-store"
    headers[.contentSecurityPolicy] = policy
    headers[.xContentTypeOptions] = "nosniff"
    for (name, value) in [
      ("Referrer-Policy", "no-referrer"), ("Cross-Origin-Resource-Policy", "same-origin"), ("X-Frame-Options", "DENY"),
    ] {
      if let name = HTTPFields.Element.Name(name) { headers[name] = value }
    }
    return Response(
      status: .init(code: status), headers: headers, body: isHead ? .init() : .init(byteBuffer: ByteBuffer(bytes: bytes)))
  }

  private static func type(of path: String) -> String {
    switch path.split(separator: ".").last.map({ $0.lowercased() }) ?? "" {
    case "csv": "text/csv; charset=utf-8"
    case "txt", "yaml", "yml": "text/plain; charset=utf-8"
    case "png": "image/png"
    case "pdf": "application/pdf"
    default: "application/octet-stream"
    }
  }
}

/// How much of one server its visitors may take.
enum ServerLimits {
  static let connections = 64
  static let idleSeconds: Int64 = 15
  static let headerBytes = 16 * 1024
  static let headers = 100
}
