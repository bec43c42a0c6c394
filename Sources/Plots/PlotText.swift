import Cells
import Formats
import Foundation
import Landscape
import Search
import Studies

/// Titles and captions from the settings of a folder.
struct PlotText {
  let folder: PlotFolder
  var settings: [String: String] { folder.settings }

  static func title(_ objective: Objective, of quantity: PlotQuantity = .loss, over space: LandscapeSpace = .alphas)
    -> String
  {
    let arguments =
      switch space {
      case .alphas: "α"
      case .weights: "ω"
      case .both: "ω, α"
      }
    return quantity == .loss
      ? objective.formula.replacing("(α)", with: "(\(arguments))") : "A_{\(objective.mark)}(\(arguments))"
  }

  /// Objectives that one figure can show: all where accuracies are drawn or where they were named, else those of the
  /// quantity of the first.
  ///
  /// - Throws: `InputError` where objectives of several quantities were named.
  static func ofOneQuantity(_ objectives: [Objective], _ style: PlotStyle, path: String) throws -> [Objective] {
    let quantities = objectives.map(\.quantity).unique()
    guard style.quantity == .loss, quantities.count > 1 else { return objectives }
    guard style.objectives == nil else {
      throw InputError(
        "no one scale for these", at: .file(path), found: objectives.map(\.label).joined(separator: ", "),
        wanted: "objectives of one quantity in a figure")
    }
    return objectives.filter { $0.quantity == quantities[0] }
  }

  /// A sentence about objectives that a figure leaves out since they are of another quantity; nil without any.
  static func note(ofOthers others: [Objective]) -> String? {
    others.isEmpty ? nil : "Sampled too, for figures of their own: \(others.map(\.label).joined(separator: ", "))."
  }

  /// Whose directions the axes of a landscape are.
  var space: LandscapeSpace { settings["over"].flatMap(LandscapeSpace.init(rawValue:)) ?? .alphas }

  /// What losses are evaluated on: `validation`, `training` or `test`.
  var data: String { settings["data"] ?? "validation" }

  /// What is drawn, as the beginning of a title: "Training loss", "Validation accuracy", "Largest eigenvalue of …".
  func what(_ shown: PlotQuantity, _ quantity: ObjectiveQuantity) -> String {
    shown == .accuracy ? "\(data.capitalized) accuracy" : quantity.title.replacing("Validation", with: data.capitalized)
  }

  /// The same as the label of an axis of values: "training loss (nats)".
  func valueLabel(_ shown: PlotQuantity, _ quantity: ObjectiveQuantity) -> String {
    shown == .accuracy ? "\(data) accuracy" : quantity.label.replacing("validation", with: data)
  }

  /// What is at the centre, in words; nil where the settings don't say.
  var origin: String? {
    guard let space = settings["space"] else {
      guard isDerived else { return nil }
      if let finishedEpochs { return "a derived network after \(finishedEpochs)" }
      let weights = settings["checkpoint"].map { Self.plain(($0 as NSString).lastPathComponent) }
      return (weights ?? "given weights") + " of a derived network"
    }
    guard let method = settings["method"], SearchMethod(rawValue: method) != nil else {
      let weights = settings["checkpoint"].map { Self.plain(($0 as NSString).lastPathComponent) }
      return (weights ?? "given weights") + " of \(space)"
    }
    return method + (finishedEpochs.map { " after \($0)" } ?? "") + " on \(space)"
  }

  /// "1 epoch", "20 epochs"; nil where the settings don't say.
  private var finishedEpochs: String? {
    (settings["finished_epochs"] ?? settings["epoch"]).flatMap { Int($0) }.map { $0 == 1 ? "1 epoch" : "\($0) epochs" }
  }

  /// Whether they are of a checkpoint of a network whose architecture is settled, which has a genotype in place of a space.
  private var isDerived: Bool {
    settings["genotype"] != nil && (settings["checkpoint"] != nil || settings["checkpoints"] != nil)
  }

  /// As many last parts of each path as tell it from the others, for legends.
  static func shortNames(ofPaths paths: [String]) -> [String: String] {
    let parts = paths.map { $0.split(separator: "/").map(String.init) }
    let longest = max(1, parts.map(\.count).max() ?? 1)
    return Dictionary(
      zip(paths, parts).map { path, own in
        func name(_ parts: [String], _ count: Int) -> String { parts.suffix(count).joined(separator: "/") }
        let count = (1...longest).first { count in parts.count { name($0, count) == name(own, count) } == 1 }
        return (path, count.map { name(own, $0) } ?? path)
      }, uniquingKeysWith: { first, _ in first })
  }

  /// "Validation loss around darts1 after 20 epochs on s2".
  func around(_ what: String) -> String { origin.map { "\(what) around \($0)" } ?? what }

  /// Network, data and seed.
  var network: String? {
    guard let what = settings["space"].map({ "Space \($0)" }) ?? (isDerived ? "Derived network" : nil),
      let channels = settings["channels"], let layers = settings["layers"]
    else { return nil }
    let data = settings["dataset"].map { ", \(Self.dataName($0))" } ?? ""
    let images = settings["train_limit"].map { " (\($0) images)" } ?? ""
    let seed = settings["seed"].map { ", seed \($0)" } ?? ""
    return "\(what), \(channels) channels, \(layers) cells\(data)\(images)\(seed)."
  }

  /// The directions and what their unit is in numbers.
  var directions: String? {
    guard let seed = settings["directions_seed"] else { return nil }
    let labels = (settings["directions"] ?? "random,random").split(separator: ",").map(String.init)
    if space != .alphas { return weightDirections(seed: seed) }
    let isRandom = labels.allSatisfy { $0 == "random" }
    let what = isRandom ? "Random directions of seed \(seed)" : "Directions: \(Self.plain(labels.joined(separator: ", ")))"
    if settings["checkpoint_alphas"] == "none" { return "\(what), of length 1; the weights hold no α: the centre is α = 0." }
    let norms = norms
    guard !norms.isEmpty else { return what + "." }
    let text = norms.map { kind, norm in
      "\(Self.decimal(norm)) in the \(kind.title.lowercased())"
    }
    return "\(what); ‖α‖ is \(text.joined(separator: " and "))."
  }

  /// What values of a quantity are over: losses, of which `losses` says more, or Hessians.
  func evaluation(of quantity: ObjectiveQuantity) -> String? {
    quantity == .loss ? losses : batches.map { "Hessians over \($0)." }
  }

  /// The validation batches that a mean is over.
  private var batches: String? {
    guard let batches = settings["validation_batches"] else { return nil }
    let count =
      batches == "all"
      ? "the whole \(data) split"
      : batches == "augmented"
        ? "the augmented validation half in full batches"
        : batches == "1" ? "1 \(data) batch" : "\(batches) \(data) batches"
    let isSplit = batches == "all" || settings["dataset"]?.hasPrefix("tensors:") == true
    return count + (isSplit ? "" : settings["batch"].map { " of \($0)" } ?? "")
  }

  /// What the losses are means over, and the inner steps.
  var losses: String? {
    guard let batches else { return nil }
    let norm = settings["batch_norm"].flatMap { $0 == "batch" ? nil : ", \($0) batch-norm statistics" } ?? ""
    let objectives = settings["objectives"].flatMap { try? Objective.parse(list: $0) }
    let takesInner = objectives?.contains { $0.trueSteps != nil } ?? true
    let takesUnrolled = objectives?.contains { $0.trueSteps == nil && $0.takesSteps } ?? true
    let inner = settings["inner_learning_rate"].flatMap(Double.init)
    let own = settings["unrolled_learning_rate"].flatMap(Double.init)
    // ξ is the size of the inner steps where nothing else is said.
    let isShared = takesInner && takesUnrolled && own == nil
    let steps = takesInner ? inner.map { "inner steps\(isShared ? " and ξ" : "") of size \(Self.decimal($0))" } : nil
    let unrolled = takesUnrolled && !isShared ? (own ?? inner).map { "ξ of \(Self.decimal($0))" } : nil
    let sizes = [steps, unrolled].compactMap { $0 }
    let rate = sizes.isEmpty ? "" : "; " + sizes.joined(separator: ", ")
    let takesSteps = takesInner || takesUnrolled
    let isAtRest =
      takesSteps && (settings["checkpoint_momentum"] == "none" || settings["fresh_momentum"] == "true")
    let fresh = takesSteps && settings["batches"] == "fresh" ? ", training batches new at every point" : ""
    return "Losses over \(batches)\(norm)\(rate)\(isAtRest ? ", from rest" : "")\(fresh)."
  }

  /// A sentence about the units of all coordinates. How long directions of ω are made is said of the directions.
  var coordinates: String {
    space == .alphas ? "Coordinates in units of \(alphaUnit)." : "Coordinates in lengths of the directions."
  }

  /// The unit of the coordinates along directions of α.
  var alphaUnit: String {
    let normalisation = settings["normalisation"] ?? "cell"
    if normalisation == "none" { return "its length" }
    return normalisation == "model" ? "‖α‖" : "‖α‖ per \(normalisation)"
  }

  /// The name of a direction, counted from 1.
  func direction(_ number: Int) -> String {
    if space != .alphas { return weightDirection(number) }
    let labels = (settings["directions"] ?? "").split(separator: ",").map(String.init)
    guard labels.indices.contains(number - 1), labels[number - 1] != "random" else { return "direction \(number)" }
    return Self.plain(labels[number - 1])
  }

  /// What intervals of a study are: "95 % intervals, Student's t over 24 directions". Tables of earlier versions, which
  /// don't say, have bootstrap intervals.
  func intervals(_ intervals: [StatedInterval]) -> String {
    let level = settings["confidence"].flatMap(Double.init).map { "\(Self.decimal(100 * $0)) % " } ?? ""
    return intervals.account.map { "\(level)intervals, \($0)" } ?? "\(level)bootstrap intervals"
  }

  /// Lengths of α in both cells: from the settings, or from the directions that were saved beside them.
  private var norms: [(kind: CellKind, norm: Double)] {
    for kinds in SearchSpace.allCases.map(\.kinds) {
      let found = kinds.compactMap { kind in
        settings["alpha_norm_\(kind.name)"].flatMap(Double.init).map { (kind, $0) }
      }
      if found.count == kinds.count { return found }
    }
    guard folder.has("directions.safetensors"),
      let file = try? TensorFile(readingFrom: folder.file("directions.safetensors"))
    else { return [] }
    guard let alphas = try? ArchitectureParameters(inferringFrom: file) else { return [] }
    return zip(alphas.kinds, alphas.matrices).map { kind, matrix in
      (kind, matrix.values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot())
    }
  }

  static func decimal(_ value: Double) -> String { String(format: "%.3g", value) }

  /// A data set's name without the place where it lies on this machine, and without what a label would take for markup.
  private static func dataName(_ dataset: String) -> String {
    let names = [
      "fashion-mnist": "Fashion-MNIST", "cifar10": "CIFAR-10", "cifar100": "CIFAR-100", "svhn": "SVHN",
      "images": "images of a folder", "closed-form": "the closed-form problem",
    ]
    return names[dataset.split(separator: ":").first.map(String.init) ?? ""] ?? "tensors of a file"
  }

  /// A name that a user chose, without what a label would take for markup.
  static func plain(_ name: String) -> String { name.replacing("{", with: "(").replacing("}", with: ")") }
}
