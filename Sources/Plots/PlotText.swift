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
  private var data: String { settings["data"] ?? "validation" }

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
    guard let space = settings["space"] else { return isDerived ? derivedOrigin : nil }
    guard let method = settings["method"], SearchMethod(rawValue: method) != nil else {
      let weights = settings["checkpoint"].map { Self.plain(($0 as NSString).lastPathComponent) }
      return (weights ?? "given weights") + " of \(space)"
    }
    guard let epochs = (settings["finished_epochs"] ?? settings["epoch"]).flatMap({ Int($0) }) else {
      return "\(method) on \(space)"
    }
    return "\(method) after \(epochs == 1 ? "1 epoch" : "\(epochs) epochs") on \(space)"
  }

  /// Whether landscape or spectrum are of a derived network, which is of no space: its genotype stands there instead.
  private var isDerived: Bool { settings["over"] == "weights" && settings["genotype"] != nil }

  /// "epoch-600.safetensors of a derived network".
  private var derivedOrigin: String {
    let file = settings["checkpoint"].map { Self.plain(($0 as NSString).lastPathComponent) + " of " }
    return (file ?? "") + "a derived network"
  }

  /// "Validation loss around darts1 after 20 epochs on s2".
  func around(_ what: String) -> String { origin.map { "\(what) around \($0)" } ?? what }

  /// Network, data and seed.
  var network: String? {
    let kind = settings["space"].map { "Space \($0)" } ?? (isDerived ? "Derived network" : nil)
    guard let kind, let channels = settings["channels"], let layers = settings["layers"] else { return nil }
    let data = settings["dataset"].map { ", \(Self.dataName($0))" } ?? ""
    let images = settings["train_limit"].map { " (\($0) images)" } ?? ""
    let seed = settings["seed"].map { ", seed \($0)" } ?? ""
    return "\(kind), \(channels) channels, \(layers) cells\(data)\(images)\(seed)."
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
    let own = settings["unrolled_learning_rate"].flatMap(Double.init).map { ", ξ of \(Self.decimal($0))" }
    let rate =
      settings["inner_learning_rate"].flatMap(Double.init).map { rate in
        "; inner steps\(own == nil ? " and ξ" : "") of size \(Self.decimal(rate))\(own ?? "")"
      } ?? ""
    let isAtRest = settings["checkpoint_momentum"] == "none" || settings["fresh_momentum"] == "true"
    let fresh = settings["batches"] == "fresh" ? ", training batches new at every point" : ""
    return "Losses over \(batches)\(norm)\(rate)\(isAtRest ? ", from rest" : "")\(fresh)."
  }

  /// The units of all coordinates, in words.
  var unit: String {
    space == .alphas ? alphaUnit : axes.map(\.unit).unique().joined(separator: " and ")
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
