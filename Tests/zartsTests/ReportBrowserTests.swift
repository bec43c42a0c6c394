import Formats
import Foundation
import TestSupport
import Testing

/// Pages as Chromium shows them. Without Chromium these tests are skipped; `make report-test` installs it.
@Suite(
  "Reports in a browser", .enabled(if: Browser.executable != nil, "Chromium is not installed: make report-test"), .serialized
)
struct ReportBrowserTests {
  private func page(_ samples: ReportSamples) throws -> String {
    let out = "\(samples.folder)/page.html"
    let result = try CommandLineRunner.run(["report", samples.folder, "--out", out])
    #expect(result.status == 0, "\(result.errors)")
    return "file://\(out)"
  }

  /// Where the middle of a cell of a plane or strip is, once it has been scrolled to.
  private func cell(_ svg: String, _ column: Int, _ row: Int) -> String {
    """
    (async () => { const s = \(svg); s.scrollIntoView({ block: "center", behavior: "instant" }); await \(settled);
    const c = +s.dataset.columns, r = +s.dataset.rows, plane = s.dataset.kind === "plane";
    const p = plane ? new DOMPoint(190 + (\(column) + .5) * 1000 / c, 24 + (\(row) + .5) * 1000 / r) : new DOMPoint(\(column) + .5, \(row) + .5);
    const q = p.matrixTransform(s.getScreenCTM()); return [q.x, q.y]; })()
    """
  }

  /// Scrolling is told to the page a frame later, and hides what a pointer showed before.
  private let settled = "new Promise(f => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(f, 50))))"
  private let tip = "document.querySelector('#tip.on')?.textContent ?? ''"

  @Test("A page loads without complaint and asks for nothing else, and every figure is there")
  func loads() throws {
    let samples = try ReportSamples()
    let url = try page(samples)
    let window = try Browser.Page(Browser(), url: url, width: 1280)
    #expect(window.complaints.isEmpty, "\(window.complaints)")
    #expect(window.requests.allSatisfy { $0 == url || $0.hasPrefix("data:") }, "\(window.requests)")
    #expect(try window.text("document.documentElement.lang") == "en")
    let undrawn = try window.value(
      """
      (async () => {
        document.querySelectorAll("details").forEach(d => d.open = true);
        const empty = [...document.querySelectorAll("svg")].filter(s => { const b = s.getBoundingClientRect(); return !(b.width > 5 && b.height > 2); })
          .filter(s => s.checkVisibility()).map(s => s.getAttribute("aria-label") || s.className.baseVal);
        const broken = [];
        for (const i of document.images) try { await i.decode(); } catch { broken.push(i.alt); }
        return empty.concat(broken);
      })()
      """)
    #expect((undrawn as? [Any])?.isEmpty == true, "\(undrawn ?? "")")
  }

  @Test("Under the pointer stands the value that the files hold")
  func hover() throws {
    let samples = try ReportSamples()
    let window = try Browser.Page(Browser(), url: page(samples), width: 1280)
    let table = try CSVTable(readingFrom: "\(samples.folder)/landscape/landscape.csv")
    for (plane, objective) in ["first", "second", "true"].enumerated() {
      for (i, j) in [(0, 0), (4, 1), (2, 4)] {
        try window.hover(cell("document.querySelectorAll('svg.plane')[\(plane)]", i, 4 - j))
        let row = try #require(table.rows.first { $0[..<2] == ["\(i)", "\(j)"] && $0[4] == objective })
        let (text, wanted) = (try window.text(tip), "at (\(row[2]), \(row[3]))\nloss: \(row[6])\naccuracy: \(row[7])")
        #expect(text.contains(wanted), "\(text)")
      }
    }
    guard case .float32(let alphas) = try NPYFile(readingFrom: "\(samples.folder)/darts1/alphas.npy").values else {
      throw TestFailure("alphas.npy is not float32")
    }
    try window.hover(cell("document.querySelectorAll('svg.heat')[17]", 2, 1))
    // Epoch 3, reduction cell, edge 3, second operation.
    let place = ((2 * 2 + 1) * 14 + 3) * 2 + 1
    let alpha = alphas[place]
    let strip = try window.text(tip)
    #expect(strip.contains("epoch 3\nα: \(alpha)\n"), "\(strip)")
    let metrics = try CSVTable(readingFrom: "\(samples.folder)/zarts-mgs/metrics.csv")
    let chart =
      "[...document.querySelectorAll('svg.chart')].find(s => s.getAttribute('aria-label').startsWith('Loss, validation'))"
    for epoch in [1, 3] {
      try window.hover(
        """
        (async () => { const s = \(chart); s.scrollIntoView({ block: "center", behavior: "instant" }); await \(settled);
        const c = s.querySelectorAll("circle")[\(epoch - 1)].getBoundingClientRect(); return [c.x + c.width / 2, c.y + c.height / 2 + 9]; })()
        """)
      let text = try window.text(tip)
      let loss = try metrics.column("validation_loss")[epoch - 1]
      #expect(text.contains("epoch \(epoch)\n") && text.contains("zarts-mgs: \(loss)"), "\(text)")
    }
  }

  @Test("The same values are reached with keys alone")
  func keys() throws {
    let samples = try ReportSamples()
    let window = try Browser.Page(Browser(), url: page(samples), width: 1280)
    let table = try CSVTable(readingFrom: "\(samples.folder)/landscape/landscape.csv")
    _ = try window.value("document.querySelector('svg.plane').focus()")
    for key in ["ArrowRight", "ArrowRight", "ArrowDown"] { try window.press(key) }
    let row = try #require(table.rows.first { $0[..<2] == ["2", "3"] && $0[4] == "first" })
    #expect(try window.text(tip).contains("loss: \(row[6])"))
    try window.press("Escape")
    #expect(try window.text(tip).isEmpty)
    _ = try window.value("document.querySelector('svg.heat').focus()")
    for key in ["End", "ArrowDown", "ArrowDown"] { try window.press(key) }
    #expect(try window.text(tip).hasPrefix("cₖ₋₁ → 0 skip_connect, epoch 4\n"), "the next edge follows the last row")
    _ = try window.value("document.querySelector('svg.chart').focus()")
    try window.press("End")
    #expect(try window.text(tip).hasPrefix("epoch 4\n"))
    #expect(try window.text("document.querySelector('#tip').getAttribute('role')") == "status")
  }

  @Test("The switch changes the colours of all planes to their own scales")
  func scale() throws {
    let samples = try ReportSamples()
    let window = try Browser.Page(Browser(), url: page(samples), width: 1280)
    let shown =
      "[...document.querySelectorAll('.landscape svg.plane')].map(s => [...s.querySelectorAll('g.cells')].filter(g => getComputedStyle(g).display !== 'none').map(g => g.classList[1]).join()).join(' ')"
    #expect(try window.text(shown) == "shared shared shared shared shared")
    _ = try window.value("document.querySelector('.landscape label:last-of-type').click()")
    #expect(try window.text(shown) == "own own own own own")
  }

  @Test("A surface is drawn, turned by keys and pointer, and shows another plane by its button")
  func surface() throws {
    let samples = try ReportSamples()
    let window = try Browser.Page(Browser(), url: page(samples), width: 1280)
    let figure = "document.querySelector('figure.turn')"
    let shown = "\(figure).querySelector('canvas').toDataURL()"
    _ = try window.value(
      "(async () => { \(figure).scrollIntoView({ block: 'center', behavior: 'instant' }); await \(settled); })()")
    #expect(try window.value("\(figure).hidden") as? Bool == false)
    /// What is on the canvas a frame later; colours in it that are not grey.
    func picture() throws -> String { try window.text("(async () => { await \(settled); return \(shown); })()") }
    let colours = try window.number(
      """
      (() => { const c = \(figure).querySelector("canvas"), d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data; let n = 0;
      for (let i = 0; i < d.length; i += 4) if (d[i + 3] > 200 && Math.max(d[i], d[i + 1], d[i + 2]) - Math.min(d[i], d[i + 1], d[i + 2]) > 60) n++;
      return n / (d.length / 4); })()
      """)
    #expect(colours > 0.03, "a surface in colours takes a good part of the canvas")
    let first = try picture()
    _ = try window.value("\(figure).querySelector('canvas').focus()")
    try window.press("ArrowRight")
    let turned = try picture()
    #expect(turned != first)
    try window.press("ArrowLeft")
    #expect(try picture() == first, "back where it was")
    for key in ["+", "ArrowUp", "0"] { try window.press(key) }
    #expect(try picture() == first, "0 goes back to the start")
    let middle =
      "(() => { const b = \(figure).querySelector('canvas').getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()"
    try window.drag(from: middle, by: (60, 20))
    #expect(try picture() != first)
    try window.press("0")
    _ = try window.value("\(figure).querySelectorAll('button')[3].click()")
    #expect(try picture() != first)
    #expect(
      try window.text("\(figure).querySelector('canvas').getAttribute('aria-label')").hasPrefix("L₁ − L₁₀ as a surface"))
    #expect(
      try window.text("[...\(figure).querySelectorAll('button')].map(b => b.getAttribute('aria-pressed')).join()")
        == "false,false,false,true,false")
    #expect(window.complaints.isEmpty, "\(window.complaints)")
  }

  @Test("Nothing is wider than a phone", arguments: [360, 768, 1280])
  func width(_ pixels: Int) throws {
    let samples = try ReportSamples()
    let window = try Browser.Page(Browser(), url: page(samples), width: pixels)
    _ = try window.value("document.querySelectorAll('details').forEach(d => d.open = true)")
    #expect(try window.number("document.documentElement.scrollWidth") <= Double(pixels))
    let outside = try window.value(
      """
      [...document.querySelectorAll("main *, header *, footer *")].filter(e => !e.closest(".scroll, pre, nav, .skip-link, svg") && e.checkVisibility()
        && getComputedStyle(e).position !== "absolute" && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName + "." + e.className).slice(0, 5)
      """)
    #expect((outside as? [Any])?.isEmpty == true, "\(outside ?? "")")
  }

  @Test("Text stands out from what it stands on, and everything has a name", arguments: [false, true])
  func accessibility(isDark: Bool) throws {
    let samples = try ReportSamples()
    try AtomicFile.write("verdict: collapsed\n", to: "\(samples.folder)/darts1/diagnosis.yaml")
    try AtomicFile.write("verdict: not collapsed\n", to: "\(samples.folder)/zarts-mgs/diagnosis.yaml")
    let window = try Browser.Page(Browser(), url: page(samples), width: 1280, isDark: isDark)
    let findings = try window.value(
      """
      (() => {
        document.querySelectorAll("details").forEach(d => d.open = true);
        const found = [];
        const rgb = t => { const m = t.match(/[\\d.]+/g).map(Number); return m.length > 3 ? m : [...m, 1]; };
        const over = (a, b) => [0, 1, 2].map(i => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
        const light = c => { const l = c.slice(0, 3).map(v => { v /= 255; return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
          return .2126 * l[0] + .7152 * l[1] + .0722 * l[2]; };
        const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + .05) / (y + .05); };
        const ground = e => { const layers = []; for (let n = e; n; n = n.parentElement) layers.unshift(rgb(getComputedStyle(n).backgroundColor));
          return layers.reduce((a, b) => over(b, a), [255, 255, 255, 1]); };
        for (const e of document.querySelectorAll("body *")) {
          const own = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
          if (!own || !e.checkVisibility() || ["SCRIPT", "TITLE", "DESC", "title", "desc"].includes(e.tagName) || e.closest(".skip-link,#tip")) continue;
          const style = getComputedStyle(e), isSVG = e.namespaceURI.endsWith("svg");
          let below = ground(e);
          // Text in a box of a cell stands on that box.
          if (isSVG && e.previousElementSibling?.tagName === "rect") below = over(rgb(getComputedStyle(e.previousElementSibling).fill), below);
          const r = ratio(over(rgb(isSVG ? style.fill : style.color), below), below);
          if (r < 4.5) found.push(`contrast ${r.toFixed(2)}: ${e.tagName}.${e.getAttribute("class")} ${e.textContent.slice(0, 20)}`);
        }
        for (const e of document.querySelectorAll("svg:not([aria-hidden=true]), [tabindex], input, a, [role=region], nav, img"))
          if (!(e.getAttribute("aria-label") || e.getAttribute("aria-labelledby") || e.getAttribute("alt") || e.labels?.length || e.textContent.trim()))
            found.push(`no name: ${e.outerHTML.slice(0, 80)}`);
        const levels = [...document.querySelectorAll("h1,h2,h3,h4")].map(h => +h.tagName[1]);
        levels.forEach((l, i) => { if (i && l > levels[i - 1] + 1) found.push("headings " + levels.join()); });
        for (const r of ["main", "header", "nav", "footer"]) if (document.querySelectorAll(r).length !== 1) found.push("landmark " + r);
        return found.slice(0, 12);
      })()
      """)
    #expect((findings as? [Any])?.isEmpty == true, "\(findings ?? "")")
  }

  @Test("A page that is watched takes on a new epoch by itself, without complaint")
  func live() throws {
    let samples = try ReportSamples()
    let run = "\(samples.folder)/darts1"
    let rows = try String(contentsOfFile: "\(run)/metrics.csv", encoding: .utf8).split(separator: "\n").map { $0 + "\n" }
    // The last checkpoint knows of all rows: as before it was written.
    try FileManager.default.removeItem(atPath: "\(run)/checkpoints/epoch-004.safetensors")
    try AtomicFile.write(rows.dropLast().joined(), to: "\(run)/metrics.csv")
    let server = try WatchServerProcess(run)
    let window = try Browser.Page(Browser(), url: "http://127.0.0.1:\(server.port)/", width: 1280)
    let points = "document.querySelector('svg.chart circle').parentNode.querySelectorAll('circle').length"
    #expect(try window.number(points) == 3)
    _ = try window.value("document.querySelector('details').open = true")
    try AtomicFile.write(rows.joined(), to: "\(run)/metrics.csv")
    let end = Date().addingTimeInterval(20)
    while try window.number(points) != 4, Date() < end { usleep(200_000) }
    #expect(try window.number(points) == 4)
    #expect(try window.value("document.querySelector('details').open") as? Bool == true, "what was open stays open")
    #expect(try window.number("document.querySelector('progress').value") == 1)
    #expect(window.complaints.isEmpty, "\(window.complaints)")
    #expect(window.requests.allSatisfy { $0.hasPrefix("http://127.0.0.1:\(server.port)/") || $0.hasPrefix("data:") })
  }

  /// Pictures of pages for eyes: ZARTS_REPORT_PICTURES names the folder, ZARTS_REPORT_OF what to report on.
  @Test("Pictures", .enabled(if: ProcessInfo.processInfo.environment["ZARTS_REPORT_PICTURES"] != nil))
  func pictures() throws {
    let environment = ProcessInfo.processInfo.environment
    let folder = environment["ZARTS_REPORT_PICTURES"] ?? ""
    let samples = try ReportSamples()
    let out = "\(samples.folder)/page.html"
    let result = try CommandLineRunner.run(["report", environment["ZARTS_REPORT_OF"] ?? samples.folder, "--out", out])
    #expect(result.status == 0, "\(result.errors)")
    let browser = try Browser()
    for (name, width, isDark) in [("desktop", 1280, false), ("dark", 1280, true), ("phone", 360, false)] {
      try Browser.Page(browser, url: "file://\(out)", width: width, isDark: isDark).screenshot(to: "\(folder)/\(name).png")
    }
  }
}
