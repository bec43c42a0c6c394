import Compute

/// What a network is lowered in: memory for a batch, what changes from run to run, and the places that the declared tensors get.
final class Lowering {
  let memory: PlanMemory
  let state: PlanState
  /// Border of padded planes.
  let pad: Int
  var parameters: ParameterLayout
  var statistics: StatisticsLayout

  init(_ tensors: NetworkTensors, memory: PlanMemory, state: PlanState, pad: Int) {
    self.memory = memory
    self.state = state
    self.pad = pad
    parameters = ParameterLayout(tensors.parameters)
    statistics = StatisticsLayout(tensors.norms)
    memory.need { $0.pad = pad }
  }

  var batch: Int { memory.batch }

  func allocate<Element: BitwiseCopyable>(_ type: Element.Type, _ count: Int) -> UnsafeMutablePointer<Element> {
    memory.arena.allocate(type, count)
  }

  /// - Parameter isNarrow: false where every block is to have 16 channels a pixel.
  func activation(_ shape: PlaneShape, isNarrow: Bool = true) -> Activation {
    memory.activation(shape, isNarrow: isNarrow)
  }

  func need(_ update: (inout ScratchRequirements) -> Void) { memory.need(update) }
}
