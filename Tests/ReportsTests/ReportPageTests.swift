import Figures
import Formats
import Foundation
import Reports
import Testing

@Suite("Pages of reports")
struct ReportPageTests {
  private func tree(_ paths: [String], landscapes: [String] = []) throws -> PageTree.Node {
    let page = try ReportPage(Report(reading: paths, landscapes: landscapes), command: "zarts report X")
    let tree = PageTree(page.html)
    #expect(tree.problem == nil, "\(tree.problem ?? "")")
    return try #require(tree.root)
  }

  @Test("Every cell of metrics.csv stands in the page as written, and every finite one in its chart")
  func metrics() throws {
    let samples = try Samples()
    let run = try samples.search()
    let table = try CSVTable(readingFrom: "\(run)/metrics.csv")
    let root = try tree([run])
    let cells = root.all("table").first { $0.all("caption").first?.allText == "metrics.csv of run" }
    let rows = try #require(cells).all("tbody").flatMap { $0.all("tr") }.map { $0.children.map(\.allText) }
    #expect(rows == table.rows)
    for (column, name) in [
      ("validation_loss", "validation"), ("training_accuracy", "training"), ("alpha_entropy_normal", "normal cell"),
      ("skip_connections_reduce", "reduction cell"), ("sigma", "σ"), ("ess", "effective sample size"),
      ("learning_rate", "learning rate"), ("seconds", "seconds"),
    ] {
      let wanted = try table.column(column).filter { !$0.isEmpty }
      #expect(!wanted.isEmpty)
      let found = root.all("g", class: "series").contains {
        $0.attributes["data-name"] == name && $0.attributes["data-y"] == wanted.joined(separator: " ")
          && $0.all("circle").count == wanted.count
      }
      #expect(found, "no line of \(column)")
    }
  }

  @Test("Strips hold α as alphas.npy has it, and colours of its softmax")
  func alphas() throws {
    let samples = try Samples()
    let run = try samples.search()
    guard case .float32(let values) = try NPYFile(readingFrom: "\(run)/alphas.npy").values else {
      Issue.record("no float32")
      return
    }
    let strips = try tree([run]).all("svg", class: "heat")
    #expect(strips.count == 28)
    for (index, strip) in strips.enumerated() {
      let (cell, edge) = (index / 14, index % 14)
      // [epochs, 2, 14, 2]
      let wanted = (0..<2).flatMap { operation in (0..<3).map { "\(values[(($0 * 2 + cell) * 14 + edge) * 2 + operation])" }
      }
      #expect(strip.attributes["data-values"] == wanted.joined(separator: " "), "strip \(index)")
      let weights = (0..<2).flatMap { operation in
        (0..<3).map { epoch -> String in
          let row = (0..<2).map { exp(Double(values[((epoch * 2 + cell) * 14 + edge) * 2 + $0])) }
          return String(format: "%.4f", row[operation] / (row[0] + row[1]))
        }
      }
      #expect(strip.attributes["data-more"] == weights.joined(separator: " "))
      #expect(strip.attributes["data-row-names"] == "skip_connect sep_conv_3x3")
    }
  }

  @Test("A plane holds the losses of landscape.csv, the second direction upwards, in the colours of its scale")
  func plane() throws {
    let samples = try Samples()
    let landscape = try samples.landscape()
    let table = try CSVTable(readingFrom: "\(landscape)/landscape.csv")
    let panels = try tree([landscape]).all("svg", class: "plane")
    #expect(panels.map { $0.attributes["data-name"] } == ["L₁", "L₂", "L₁₀", "L₁ − L₁₀", "L₂ − L₁₀"])
    let (objectives, losses) = (try table.column("objective"), try table.column("loss"))
    func loss(_ objective: String, _ i: Int, _ j: Int) -> String {
      let rows = table.rows.indices.filter { objectives[$0] == objective && table.rows[$0][..<2] == ["\(i)", "\(j)"] }
      return losses[rows[0]]
    }
    for (panel, objective) in zip(panels, ["first", "second", "true"]) {
      let wanted = (0..<3).reversed().flatMap { j in (0..<3).map { loss(objective, $0, j) } }
      #expect(panel.attributes["data-values"] == wanted.joined(separator: " "))
      let scale = ColourScale.sequential(wanted.compactMap(Double.init))
      let own = try #require(panel.all("g", class: "own").first)
      #expect(Self.colours(own, columns: 3, rows: 3) == wanted.map { Self.colour(Double($0) ?? .nan, scale) })
    }
    let all = ColourScale.sequential(losses.compactMap(Double.init))
    let shared = try #require(panels[0].all("g", class: "shared").first)
    let first = (0..<3).reversed().flatMap { j in (0..<3).map { loss("first", $0, j) } }
    #expect(Self.colours(shared, columns: 3, rows: 3) == first.map { Self.colour(Double($0) ?? .nan, all) })
    let differences = (0..<3).reversed().flatMap { j in
      (0..<3).map { "\((Double(loss("first", $0, j)) ?? .nan) - (Double(loss("true", $0, j)) ?? .nan))" }
    }
    #expect(panels[3].attributes["data-values"] == differences.joined(separator: " "))
  }

  @Test("Contours cross a plane where its values do, and change with their own scale")
  func contours() throws {
    let samples = try Samples()
    // Loss = x along the first direction, from −1 at i = 0 to 1 at i = 8, the same for every j.
    var text = "i,j,x,y,objective,inner_steps,loss,accuracy\n"
    for i in 0..<9 {
      for j in 0..<3 { text += "\(i),\(j),\(Double(i) / 4 - 1),\(j - 1),first,0,\(Double(i) / 4 - 1),0.5\n" }
    }
    try samples.write("space: s2\n", to: "ramp/landscape.yaml")
    try samples.write(text, to: "ramp/landscape.csv")
    let panel = try #require(try tree([samples.path("ramp")]).all("svg", class: "plane").first)
    for style in ["shared", "own"] {
      let group = try #require(panel.all("g", class: "contours").first { $0.attributes["class"] == "contours \(style)" })
      let lines = group.all("path", class: "contour").filter { $0.attributes["class"] == "contour" }
      let levels = group.all("text", class: "level").map(\.allText)
      #expect(levels == ["−0.5", "0", "0.5"] || levels == ["-0.5", "0", "0.5"], "\(levels)")
      // The plane is 1000 wide from 190 on, a column 1000/9; the value v lies at column 4 (v + 1).
      for (line, value) in zip(lines, [-0.5, 0, 0.5]) {
        let wanted = 190 + (4 * (value + 1) + 0.5) * 1000 / 9
        let xs = (line.attributes["d"] ?? "").split { "ML".contains($0) }.compactMap {
          $0.split(separator: " ").first.flatMap { Double($0) }
        }
        #expect(xs.count >= 2 && xs.allSatisfy { abs($0 - wanted) < 0.6 }, "\(value): \(xs), not \(wanted)")
      }
      #expect(lines.count == 3)
    }
  }

  /// Colour by row and column, from paths of rectangles "Mx yhWv1h-Wz".
  private static func colours(_ group: PageTree.Node, columns: Int, rows: Int) -> [String] {
    var result = [String](repeating: "", count: columns * rows)
    for path in group.all("path") {
      for piece in (path.attributes["d"] ?? "").split(separator: "M") {
        let numbers = piece.split { !"0123456789".contains($0) }.compactMap { Int($0) }
        for column in numbers[0]..<numbers[0] + numbers[2] {
          result[numbers[1] * columns + column] = path.attributes["fill"] ?? path.attributes["class"] ?? ""
        }
      }
    }
    return result
  }

  /// The scale cut into 256 colours.
  private static func colour(_ value: Double, _ scale: ColourScale) -> String {
    if !value.isFinite { return "void" }
    let fraction = min(max((value - scale.low) / (scale.high - scale.low), 0), 1)
    let colour = scale.map.colour(at: (min(255, (fraction * 256).rounded(.down)) + 0.5) / 256)
    return "#" + [colour.red, colour.green, colour.blue].map { String(format: "%02x", Int(($0 * 255).rounded())) }.joined()
  }

  @Test("What hostile files say is read, not run")
  func hostile() throws {
    let samples = try Samples()
    let attack = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\" onload='x' &amp; \u{202E}\u{1}"
    let name = "run \"><svg onload=alert(3)>"
    try samples.search(name)
    // With its checkpoints beside, the run would be refused: its rows are not those that it wrote.
    try FileManager.default.removeItem(atPath: samples.path("\(name)/checkpoints"))
    try samples.write(
      "method: darts1\nspace: s2\nepochs: 3\nseed: 1\ndataset: \(JSONText.quoted(attack))\n", to: "\(name)/config.yaml")
    try samples.write("\(attack)\n\(attack)\n\(attack)\n", to: "\(name)/genotypes.txt")
    try samples.write("2026-01-01T00:00:00Z info command: zarts \(attack)\n", to: "\(name)/log.txt")
    try samples.write("verdict: \(JSONText.quoted(attack))\n", to: "\(name)/diagnosis.yaml")
    try samples.write(attack, to: "\(name)/diagnosis.txt")
    try samples.write("epoch,\"<b>bold</b>\"\n1,\"<i>x</i>\"\n", to: "\(name)/diagnosis.csv")
    let root = try tree([samples.path(name)])
    #expect(root.all("script").count == 1 && root.all("img").isEmpty)
    #expect(!root.all("b").contains { $0.allText == "bold" } && !root.all("i").contains { $0.allText == "x" })
    #expect(root.all.allSatisfy { node in node.attributes.keys.allSatisfy { !$0.hasPrefix("on") } })
    let shown = attack.replacing("\u{202E}", with: "\u{FFFD}").replacing("\u{1}", with: "\u{FFFD}")
    #expect(root.all("pre", class: "genotype").contains { $0.allText == shown })
    #expect(root.all("p", class: "verdict").first?.allText == shown)
    #expect(root.all("h3").contains { $0.allText == name })
  }

  @Test("A page needs nothing else and lets nothing else in")
  func selfContained() throws {
    let samples = try Samples()
    let page = try ReportPage(Report(reading: [samples.search(), samples.landscape()]))
    let root = try #require(PageTree(page.html).root)
    for node in root.all {
      for (name, value) in node.attributes where ["src", "href", "xlink:href", "action", "srcset", "poster"].contains(name) {
        #expect(value.hasPrefix("#") || value == "data:,", "\(node.name) \(name)=\(value)")
      }
      #expect(node.attributes["style"] == nil, "the policy lets no style attribute in")
    }
    #expect(!page.html.contains("http:") && !page.html.contains("https:") && !page.html.contains("url("))
    #expect(page.policy.hasPrefix("default-src 'none'; script-src 'sha256-") && page.policy.contains("connect-src 'none'"))
    #expect(
      root.all("meta").contains {
        $0.attributes["http-equiv"] == "Content-Security-Policy" && $0.attributes["content"] == page.policy
      })
    #expect(!page.policy.contains("unsafe"))
    #expect(page.html.utf8.count < 1_000_000)
    #expect(
      try ReportPage(Report(reading: [samples.path("run"), samples.path("landscape")])).html == page.html, "other bytes")
  }

  @Test("Headings follow one another, names are given once, and every figure says what it shows")
  func structure() throws {
    let samples = try Samples()
    try samples.search("runs/darts1-0", method: .darts1, seed: 0)
    try samples.search("runs/zarts-mgs-0", seed: 0)
    try samples.landscape("landscapes/plane")
    let root = try tree([samples.folder])
    #expect(root.name == "html" && root.attributes["lang"] == "en")
    let levels = root.all.compactMap { node in
      node.name.count == 2 && node.name.first == "h" ? Int(node.name.dropFirst()) : nil
    }
    #expect(levels.filter { $0 == 1 }.count == 1 && levels.first == 1)
    #expect(zip(levels, levels.dropFirst()).allSatisfy { $1 <= $0 + 1 }, "\(levels)")
    let names = root.all.compactMap { $0.attributes["id"] }
    #expect(Set(names).count == names.count)
    for node in root.all {
      for key in ["for", "aria-labelledby"] {
        if let value = node.attributes[key] { #expect(names.contains(value), "\(key)=\(value)") }
      }
      if node.name == "a", let target = node.attributes["href"] {
        #expect(names.contains(String(target.dropFirst())), "\(target)")
      }
      if node.name == "svg" {
        #expect(node.attributes["aria-hidden"] == "true" || node.attributes["aria-label"]?.isEmpty == false)
      }
      if node.name == "input" { #expect(root.all("label").contains { $0.attributes["for"] == node.attributes["id"] }) }
      if node.name == "table" { #expect(node.all("caption").count == 1 && !node.all("th").isEmpty) }
    }
    #expect(["summary", "curves", "alphas", "cells", "landscapes", "configuration", "origin"].allSatisfy(names.contains))
  }

  @Test("Sections of files that are not there are left out, and those of all others are there")
  func sections() throws {
    let samples = try Samples()
    let run = try samples.search()
    let bare = Set(try tree([run]).all("section").compactMap { $0.attributes["id"] })
    #expect(bare == ["summary", "curves", "alphas", "cells", "configuration", "origin"])
    try samples.write("verdict: collapsed\nepoch: 3\n", to: "run/diagnosis.yaml")
    try samples.write("epoch,skips,discretisation_gap\n1,2,0.125\n2,5,0.5\n", to: "run/diagnosis.csv")
    try samples.write(
      "name,objective,inner_steps,radius,value,lower,upper,n\nspearman,first,0,0.5,0.875,0.8,0.95,40\n"
        + "spearman,first,0,1,0.75,0.7,0.8,40\n", to: "run/fidelity/fidelity.csv")
    try samples.write(
      "epoch,quantity,index,value,error\n1,eigenvalue,1,0.25,0.01\n2,eigenvalue,1,0.5,0.02\n",
      to: "run/spectrum/spectrum.csv")
    try samples.write(
      "estimator,inner_steps,candidates,sigma,statistic,value,lower,upper,n\nmgs,1,4,0.2,cosine,0.4,0.3,0.5,8\n"
        + "mgs,1,8,0.2,cosine,0.6,0.5,0.7,8\n", to: "run/estimators/estimators.csv")
    try samples.landscape("run/landscapes/epoch-3")
    let root = try tree([run])
    let full = Set(root.all("section").compactMap { $0.attributes["id"] })
    #expect(full == bare.union(["verdict", "landscapes", "statistics"]))
    #expect(root.all("p", class: "bad").first?.allText == "Collapsed, since epoch 3")
    let lines = root.all("g", class: "series").compactMap { $0.attributes["data-y"] }
    for wanted in ["0.125 0.5", "0.875 0.75", "0.25 0.5", "0.4 0.6"] { #expect(lines.contains(wanted), "\(wanted)") }
    let cells = Set(root.all("td").flatMap { [$0.allText, $0.attributes["title"] ?? ""] })
    for wanted in ["0.998877665544", "40", "0.95"] { #expect(cells.contains(wanted), "\(wanted)") }
  }

  @Test("What the intervals of a study are over stands beside its charts, and nothing where its table does not say")
  func intervals() throws {
    let samples = try Samples()
    let head = "name,objective,inner_steps,radius,value,lower,upper,n"
    try samples.write(
      head + ",interval,resampled,units\npearson,first,0,0.5,0.875,0.8,0.95,72,student,directions and 4 batches,24\n"
        + "pearson,first,0,1,0.75,0.7,0.8,72,student,directions and 4 batches,24\nroughness,first,0,,0.5,,,24,,,\n",
      to: "new/fidelity.csv")
    try samples.write("confidence: 0.9\n", to: "new/fidelity.yaml")
    try samples.write(head + "\npearson,first,0,0.5,0.875,0.8,0.95,72\n", to: "old/fidelity.csv")
    let notes = try ["new", "old"].map { try tree([samples.path($0)]).all("p", class: "note").map(\.allText) }
    #expect(notes[0].contains("Bands, lower and upper: 90 % intervals, student over 24 directions and 4 batches."))
    #expect(!notes[1].contains { $0.contains("intervals") })
  }

  @Test("Lines of a landscape are drawn with their standard errors, a chart a direction")
  func lines() throws {
    let samples = try Samples()
    try samples.write("kind: line\ncheckpoint: x\n", to: "lines/landscape.yaml")
    var text = "direction,index,t,objective,inner_steps,loss,loss_error,accuracy,accuracy_error\n"
    for direction in 1...2 {
      for index in 0..<3 {
        text += "\(direction),\(index),\(index - 1),first,0,0.\(direction)\(index)5,0.01,0.5,0.1\n"
        text += "\(direction),\(index),\(index - 1),true,10,0.\(direction)\(index)7,,0.5,\n"
      }
    }
    try samples.write(text, to: "lines/lines.csv")
    let root = try tree([samples.path("lines")])
    let charts = root.all("svg", class: "chart")
    #expect(charts.count == 2)
    let second = charts[1].all("g", class: "series")
    #expect(second.map { $0.attributes["data-name"] } == ["L₁", "L₁₀"])
    #expect(second[0].attributes["data-y"] == "0.205 0.215 0.225" && second[0].attributes["data-x"] == "-1 0 1")
    #expect(second.map { $0.all("path", class: "band").count } == [1, 0])
    #expect(root.all("p", class: "note").contains { $0.allText.contains("standard error over the validation batches") })
  }

  @Test("A comparison shows its tables and the runs in it")
  func comparison() throws {
    let samples = try Samples()
    try samples.write("methods: [darts1, zarts-mgs]\nseeds: [0]\n", to: "c/compare.yaml")
    try samples.search("c/runs/s2-darts1-0", method: .darts1, seed: 0)
    try samples.search("c/runs/s2-zarts-mgs-0", seed: 0)
    try samples.write("space,method,seed,status\ns2,darts1,0,finished\n", to: "c/comparison.csv")
    try samples.write("space,method,runs,validation_loss_mean\ns2,darts1,1,0.123456789012\n", to: "c/comparison-summary.csv")
    try samples.write("space,first,second,p\ns2,darts1,zarts-mgs,0.5\n", to: "c/comparison-tests.csv")
    let root = try tree([samples.path("c")])
    #expect(root.all("h1").first?.allText == "Comparison of darts1, zarts-mgs")
    #expect(root.all("td").contains { $0.attributes["title"] == "0.123456789012" && $0.allText == "0.12346" })
    #expect(root.all("svg", class: "heat").count == 56)
    let chart = try #require(root.all("svg", class: "chart").first)
    #expect(chart.all("g", class: "series").compactMap { $0.attributes["data-name"] } == ["s2-darts1-0", "s2-zarts-mgs-0"])
  }
}
