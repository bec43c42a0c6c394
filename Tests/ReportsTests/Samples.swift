import Cells
import Formats
import Foundation
import FoundationXML
import Problems
import Search
import TestSupport

/// A folder of a test's own with results that programs of ours could have left.
final class Samples {
  private let scratch: ScratchFolder
  var folder: String { scratch.path }

  init() throws { scratch = try ScratchFolder() }

  func path(_ name: String) -> String { scratch.file(name) }

  func write(_ text: String, to name: String) throws { try scratch.write(text, to: name) }

  /// A finished search on the closed-form problem.
  @discardableResult
  func search(_ name: String = "run", method: SearchMethod = .zartsMGS, seed: UInt64 = 1, epochs: Int = 3) throws -> String {
    var configuration = SearchConfiguration(method: method, space: .s2, dataset: "closed-form")
    (configuration.epochs, configuration.warmup, configuration.innerSteps, configuration.seed) = (epochs, 1, 2, seed)
    let problem = try QuadraticBilevelProblem.random(
      seed: seed, weightCount: 3, alphas: SearchSpace.s2.zeroAlphas, stepsPerEpoch: 4)
    try SearchRun(
      starting: problem, configuration: configuration, folder: OutputFolder.create(at: path(name)), space: .s2
    ).run()
    return path(name)
  }

  /// A plane of three objectives, the second of which is not finite in one place.
  @discardableResult
  func landscape(_ name: String = "landscape", size: Int = 3) throws -> String {
    try write(
      """
      checkpoint: "run/checkpoints/epoch-003.safetensors"
      space: s2
      objectives: "first,second,true:10"
      grid: \(size)
      range: 1.0
      validation_batches: 2
      """, to: "\(name)/landscape.yaml")
    var text = "i,j,x,y,objective,inner_steps,loss,accuracy\n"
    for i in 0..<size {
      for j in 0..<size {
        let (x, y) = (-1 + 2 * Double(i) / Double(size - 1), -1 + 2 * Double(j) / Double(size - 1))
        for (objective, steps, shift) in [("first", 0, 0.1), ("second", 1, 0.2), ("true", 10, 0.3)] {
          let loss = objective == "second" && i == 0 && j == 0 ? "inf" : "\(x * x + 2 * y * y + shift * x + shift)"
          text += "\(i),\(j),\(x),\(y),\(objective),\(steps),\(loss),\(0.5 + x / 4)\n"
        }
      }
    }
    try write(text, to: "\(name)/landscape.csv")
    try write(
      "approximation,truth,points,pearson,spearman,kendall,bias,rmse,minimiser_distance\n"
        + "first,true:10,9,0.998877665544,0.98,0.91,-0.2,0.25,\n", to: "\(name)/comparison.csv")
    return path(name)
  }
}

/// A page as a tree, read by a parser of XML: it fails where a tag or an attribute is not closed.
final class PageTree: NSObject, XMLParserDelegate {
  final class Node {
    let name: String
    let attributes: [String: String]
    var children: [Node] = []
    var text = ""

    init(_ name: String, _ attributes: [String: String]) {
      self.name = name
      self.attributes = attributes
    }

    /// Itself and everything below it.
    var all: [Node] { [self] + children.flatMap(\.all) }
    var allText: String { text + children.map(\.allText).joined() }

    func all(_ name: String, class style: String? = nil) -> [Node] {
      all.filter { node in
        node.name == name
          && style.map { node.attributes["class"]?.split(separator: " ").map(String.init).contains($0) == true } ?? true
      }
    }
  }

  private(set) var root: Node?
  private(set) var problem: String?
  private var open: [Node] = []

  init(_ html: String) {
    super.init()
    let parser = XMLParser(data: Data(html.utf8))
    parser.delegate = self
    if !parser.parse() {
      problem = "line \(parser.lineNumber), column \(parser.columnNumber): \(parser.parserError.map { "\($0)" } ?? "")"
    }
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
    attributes: [String: String]
  ) {
    let node = Node(name, attributes)
    open.last?.children.append(node)
    if root == nil { root = node }
    open.append(node)
  }

  func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
    open.removeLast()
  }
  func parser(_ parser: XMLParser, foundCharacters text: String) { open.last?.text += text }
  func parser(_ parser: XMLParser, foundCDATA data: Data) { open.last?.text += String(decoding: data, as: UTF8.self) }
}
