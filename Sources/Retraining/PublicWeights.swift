import Cells
import Engine
import Formats

extension TensorFile {
  /// The derived network of a checkpoint or of weights without the auxiliary head, which only training has.
  package var withoutAuxiliaryHead: TensorFile {
    TensorFile(
      path: path, metadata: metadata,
      tensors: tensors.values.filter { tensor in
        !["", RetrainingRun.momentumPrefix].contains { tensor.name.hasPrefix($0 + DerivedEvidence.auxiliaryPrefix) }
      })
  }

  /// The tensors of a network as the public state_dict has them: parameters and, of each batch norm, `running_mean`, `running_var`
  /// and `num_batches_tracked`, which PyTorch reads where a batch norm has no momentum alone and which is 0 where the file lacks it.
  /// An auxiliary head comes along, whether the model has one or not.
  package func stateDict(of model: any NetworkModel) -> [NamedTensor] {
    let names = Set(model.parameterNames + model.statisticsNames)
    let own = tensors.values.filter { names.contains($0.name) || $0.name.hasPrefix(DerivedEvidence.auxiliaryPrefix) }
    let counters = own.compactMap { tensor in
      tensor.name.hasSuffix(".running_mean")
        ? String(tensor.name.dropLast("running_mean".count)) + "num_batches_tracked" : nil
    }
    return own + counters.filter { !contains($0) }.map { NamedTensor(name: $0, shape: [], values: .int64([0])) }
  }
}
