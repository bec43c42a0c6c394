import Formats
import Foundation

/// A report as one HTML file that needs nothing else: no network, no other file.
public struct ReportPage: Sendable {
  /// The file, UTF-8.
  public let html: String
  /// What a server should send as its Content-Security-Policy; the page names the same, but for the server it talks to.
  public let policy: String

  /// The page as a file that is known again.
  public static let output = OutputFile.text("a page of zarts report") { $0.contains(generator) }
  private static let generator = "name=\"generator\" content=\"zarts\""

  /// What a page about a run that goes on has above the report.
  public struct Live: Sendable {
    /// Names the state of the files that the page was made from.
    public var revision: String
    public var progress: RunProgress?
    /// Files of the folder, by their path inside of it, that the server hands out.
    public var files: [String]

    public init(revision: String, progress: RunProgress?, files: [String]) {
      self.revision = revision
      self.progress = progress
      self.files = files
    }
  }

  /// - Parameters:
  ///   - command: the command line that made the page, to be named in it; nil for none.
  ///   - live: nil for a file.
  /// - Throws: `InputError` where something cannot be drawn.
  public init(_ report: Report, command: String? = nil, live: Live? = nil) throws {
    let sections: [(id: String, title: String, html: HTML?)] = [
      ("summary", "Summary", SummarySection.html(report)), ("verdict", "Verdict", try VerdictSection.html(report)),
      ("selections", "Selections", try SelectionSection.html(report)),
      ("suite", "Suite", try SuiteSection.html(report)),
      ("comparison", "Comparison", ComparisonSection.html(report)), ("curves", "Curves", try CurvesSection.html(report)),
      ("alphas", "Architecture", ArchitectureSection.strips(report)),
      ("cells", "Cells", try ArchitectureSection.cells(report)),
      ("landscapes", "Landscapes", try LandscapeSection.html(report)),
      ("statistics", "Statistics", try StatisticsSection.html(report)),
      ("configuration", "Configuration", report.showsOrigin ? ConfigurationSection.html(report) : nil),
      ("origin", "Origin", report.showsOrigin ? ConfigurationSection.origin(report, command: command) : nil),
      ("files", "Files", live.flatMap { Self.files($0.files) }),
    ]
    self.init(
      title: report.title, lead: SummarySection.lead(report),
      sections: sections.compactMap { section in
        section.html.map { (section.id, section.title, $0) }
      }, live: live)
  }

  /// A page that only says what is wrong, for a run that cannot be shown at present.
  public init(problem: String, title: String, live: Live) {
    self.init(
      title: title, lead: "This run cannot be shown at present.",
      sections: [("problem", "Problem", section("Problem", id: "problem", [.element("p", [:], [.text(problem)])]))],
      live: live)
  }

  private init(title: String, lead: String, sections: [(id: String, title: String, html: HTML)], live: Live?) {
    // Parsers of XML read past "]]>", those of HTML past the comment.
    // A page that is watched may get a plane later.
    let hasSurface = live != nil || sections.contains { $0.html.markup.contains(TurningSurface.mark) }
    let texts = [PageScript.text, hasSurface ? SurfaceScript.text : nil, live == nil ? nil : PageScript.live]
    let scripts = texts.compactMap { $0 }.map {
      "//<![CDATA[\n\($0)\n//]]>"
    }
    let style = "\n\(Stylesheet.text)\n"
    policy = Self.policy(scripts: scripts, style: style, isLive: live != nil)
    let head = HTML.element(
      "head", [:],
      [
        .element("meta", ["charset": "utf-8"]),
        .element("meta", ["http-equiv": "Content-Security-Policy", "content": policy]),
        .element("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
        .element("meta", ["name": "color-scheme", "content": "light dark"]),
        .element("meta", ["name": "referrer", "content": "no-referrer"]),
        .element("meta", ["name": "generator", "content": "zarts"]), .element("link", ["rel": "icon", "href": "data:,"]),
        .element("title", [:], [.text("\(title) · zarts")]), .raw("style", style),
      ])
    let body = HTML.element(
      "body", [:],
      [
        .element("a", ["class": "skip-link", "href": "#content"], ["Skip to the report"]),
        .element(
          "header", ["class": "top"],
          [
            .element("p", ["class": "kicker"], [.text(live == nil ? "zarts report" : "zarts watch")]),
            .element("h1", [:], [.text(title)]), .element("p", ["class": "lead"], [.text(lead)]),
          ]),
        live.map { Self.bar($0, title: title) } ?? .empty,
        .element(
          "nav", ["aria-label": "Sections"],
          [
            .element(
              "ul", [:],
              sections.map { .element("li", [:], [.element("a", ["href": "#\($0.id)"], [.text($0.title)])]) })
          ]),
        .element("main", ["id": "content", "tabindex": "-1"], sections.map(\.html)),
        .element(
          "footer", [:],
          [
            .element(
              "p", [:],
              ["Point at a figure, tap it, or focus it and use the arrow keys, to read the value that stands in the file."])
          ]),
        .element("div", ["id": "tip", "role": "status", "aria-live": "polite"]),
      ] + scripts.map { .raw("script", $0) })
    html = "<!DOCTYPE html>\n" + HTML.element("html", ["lang": "en"], [head, body]).markup + "\n"
  }

  private static func policy(scripts: [String], style: String, isLive: Bool) -> String {
    let hashes = scripts.map { "'sha256-\(digest($0))'" }.joined(separator: " ")
    return "default-src 'none'; script-src \(hashes); style-src 'sha256-\(digest(style))'; img-src data:; "
      + "connect-src \(isLive ? "'self'" : "'none'"); base-uri 'none'; form-action 'none'"
  }

  private static func digest(_ text: String) -> String {
    let digits = Array(SHA256.hexadecimal(of: Array(text.utf8)))
    let bytes = stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0..<$0 + 2]), radix: 16) }
    return Data(bytes).base64EncodedString()
  }

  private static func bar(_ live: Live, title: String) -> HTML {
    let progress = live.progress
    return .element(
      "div",
      [
        "class": "live", "id": "live", "role": "region", "aria-label": "Progress", "data-revision": live.revision,
        "data-title": "\(title) · zarts",
      ],
      [
        .element(
          "progress",
          [
            "max": "1", "value": progress?.fraction.map { String(format: "%.4f", $0) },
            "aria-label": "Part of the run that is done",
          ]),
        .element(
          "p", [:],
          [progress?.text, progress?.remaining].compactMap { $0 }.map { .element("span", [:], [.text($0)]) }),
      ])
  }

  /// Links to the files of a run that is watched.
  private static func files(_ names: [String]) -> HTML? {
    guard !names.isEmpty else { return nil }
    let safe = CharacterSet(charactersIn: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./")
    return section(
      "Files", id: "files",
      [
        .element(
          "ul", ["class": "files"],
          names.compactMap { name in
            name.addingPercentEncoding(withAllowedCharacters: safe).map { path in
              .element("li", [:], [.element("a", ["href": "/files/\(path)", "download": ""], [.text(name)])])
            }
          })
      ])
  }
}
