import Cells
import Formats

extension CPUEngine {
  /// Whether its kernels compute an operation: `kernels_depthwise.inc` has a body for each depthwise shape and takes any other
  /// for one of these, an edge has one convolution or two, and a dense one of an even side would leave another size.
  static func computes(_ form: CellOperation.Form) -> Bool {
    switch form {
    case .zero, .identity, .noise, .pool: true
    case .depthwise(let kernel, let dilation, let times):
      [3, 5].contains(kernel) && [1, 2].contains(dilation) && [1, 2].contains(times)
    case .dense(let kernel): kernel > 0 && kernel % 2 == 1
    }
  }

  /// - Throws: `InputError` naming the first operation of the network that no kernel computes.
  static func requireComputed(_ network: NetworkDescription) throws {
    for operation in network.operations where !computes(operation.form) {
      throw InputError(
        "operation that the engine does not compute", at: .words(operation.rawValue), found: "\(operation.form)",
        wanted: "depthwise convolutions of side 3 or 5, dilation 1 or 2, once or twice; dense ones of an odd side")
    }
  }
}

extension NetworkDescription {
  /// The operations of its cells, in order, as often as they occur.
  fileprivate var operations: [CellOperation] {
    switch self {
    case .supernet(let architecture): architecture.operations.candidates.flatMap { $0.flatMap { $0 } }
    case .derived(let architecture): architecture.genotype.cells.flatMap { $0.edges.map(\.operation) }
    }
  }
}
