import Foundation

/// What a request may ask for, decided from its line and Host alone.
enum RequestCheck {
  enum Wanted: Equatable {
    case page
    case status
    case file(String)
  }

  struct Refusal: Error, Equatable {
    let status: Int
    let message: String
  }

  /// - Parameters:
  ///   - target: as it stands in the request line.
  ///   - host: the Host header; nil for none.
  ///   - served: the address that the server was told to listen on.
  static func wanted(method: String, target: String?, host: String?, served: String) throws(Refusal) -> Wanted {
    guard let host, isOurs(host, served: served) else {
      // Another name that leads to this machine is a page of someone else's, asking through a visitor's browser.
      throw Refusal(status: 421, message: "this server does not answer for that host")
    }
    guard method == "GET" || method == "HEAD" else {
      throw Refusal(status: 405, message: "only GET and HEAD are answered here")
    }
    guard let target, target.hasPrefix("/"), target.utf8.count <= 2048 else {
      throw Refusal(status: 400, message: "the path must begin with '/' and be at most 2048 bytes long")
    }
    let path = target.prefix { $0 != "?" }
    switch path {
    case "/", "/index.html": return .page
    case "/status.json": return .status
    default: break
    }
    guard path.hasPrefix("/files/") else { throw Refusal(status: 404, message: "there is no such page") }
    // Once: what is encoded twice stays encoded, and is no name of a file here.
    guard let decoded = String(path.dropFirst("/files/".count)).removingPercentEncoding else {
      throw Refusal(status: 400, message: "the path is not percent-encoded UTF-8")
    }
    return .file(decoded)
  }

  /// Whether a Host header names this server: as it was told to listen, or as the loopback; where it listens on all
  /// addresses, any address in digits, which no foreign page can claim for itself.
  static func isOurs(_ host: String, served: String) -> Bool {
    let name = withoutPort(host).lowercased()
    if ["127.0.0.1", "localhost", "::1"].contains(name) || name == served.lowercased() { return true }
    return ["0.0.0.0", "::"].contains(served) && isAddress(name)
  }

  private static func withoutPort(_ host: String) -> String {
    if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
      let rest = host[host.index(after: end)...]
      return rest.isEmpty || isPort(rest) ? String(host[host.index(after: host.startIndex)..<end]) : ""
    }
    guard let colon = host.firstIndex(of: ":") else { return host }
    return isPort(host[colon...]) ? String(host[..<colon]) : ""
  }

  private static func isPort(_ text: Substring) -> Bool {
    text.first == ":" && text.count > 1 && text.count <= 6 && text.dropFirst().allSatisfy { $0.isASCII && $0.isNumber }
  }

  private static func isAddress(_ name: String) -> Bool {
    var (four, six) = (in_addr(), in6_addr())
    return inet_pton(AF_INET, name, &four) == 1 || inet_pton(AF_INET6, name, &six) == 1
  }
}
