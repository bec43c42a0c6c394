import Cells
import Compute
import Engine
import Formats

/// What a retraining carries from step to step.
struct RetrainingState {
  var weights: ParameterVector
  var momentum: ParameterVector
  var statistics: ParameterVector

  init(starting model: DerivedModel, seed: UInt64, initialisation: WeightInitialisation) {
    weights = model.makeInitialWeights(seed: seed, initialisation: initialisation)
    momentum = model.makeVector()
    statistics = model.makeInitialStatistics()
  }
}

extension RetrainingState {
  /// Takes over the weights and running statistics of a file under the public names. What the file has no auxiliary head for, or no
  /// running statistics, begins as it would from scratch; a head that the network hasn't is left out. A momentum beside them is
  /// that of another training and left alone.
  ///
  /// - Returns: what was taken, in words.
  /// - Throws: `InputError` for a tensor that is missing, misshapen, of another type, not finite, or of another network.
  mutating func take(_ file: TensorFile, for model: DerivedModel) throws -> String {
    let parameters = model.export(weights)
    let own = model.architecture.hasAuxiliaryHead ? file : file.withoutAuxiliaryHead
    let known = Set(parameters.map(\.name) + model.statisticsNames)
    let strange = own.tensors.keys.filter { !known.contains($0) && !$0.hasPrefix(RetrainingRun.momentumPrefix) }.sorted()
    if let first = strange.first {
      throw InputError(
        "tensor of another network", at: .file(file.path, first), found: strange.count > 1 ? "\(strange.count) such" : nil,
        wanted: "only tensors of this network; check genotype, channels and layers")
    }
    func isOfHead(_ tensor: NamedTensor) -> Bool { tensor.name.hasPrefix(DerivedEvidence.auxiliaryPrefix) }
    let hasHead = file.tensors.values.contains(where: isOfHead)
    let hasStatistics = own.tensors.keys.contains { $0.hasSuffix(".running_mean") }
    var tensors = Array(own.tensors.values)
    if !hasHead { tensors += (parameters + model.exportStatistics(statistics)).filter(isOfHead) }
    let whole = TensorFile(path: file.path, metadata: file.metadata, tensors: tensors)
    weights = try model.importVector(from: whole, prefix: "")
    if hasStatistics, let found = try model.importStatistics(from: whole) { statistics = found }
    var parts = ["the weights of \(file.path)"]
    if model.architecture.hasAuxiliaryHead, !hasHead { parts.append("an initial auxiliary head, since it has none") }
    if !model.architecture.hasAuxiliaryHead, hasHead { parts.append("without its auxiliary head") }
    if !hasStatistics { parts.append("running statistics at their start, since it has none") }
    return parts.joined(separator: ", ")
  }
}
