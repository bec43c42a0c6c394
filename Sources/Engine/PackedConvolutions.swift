import CKernels
import Cells

/// The convolutions of a cell where operations see so few channels that several fit into one block of 16.
///
/// The edges that leave a state read the same channels. So the same operation of some of them is one convolution on copies
/// of these channels side by side, with a block-diagonal pointwise matrix: a depthwise convolution of full blocks, a fourth
/// of the tensors, and no more multiply-adds in the pointwise part, which computes whole blocks of outputs anyway.
final class PackedConvolutions {
  /// Edges that share blocks, each with its position in them: all of an edge's convolutions have the same one.
  struct Pack {
    let edges: [Int]
    /// Which path each of them is, where it can be dropped.
    let paths: [Int?]
    /// Of the edges' mixtures, side by side.
    let gradient: Activation
    let singles: [ConvolutionUnit]
    let separables: [(first: ConvolutionUnit, second: ConvolutionUnit)]

    var firsts: [ConvolutionUnit] { singles + separables.map(\.first) }
  }

  /// Channels of one edge.
  let part: Int
  /// Per state that an edge leaves, copies of its channels side by side.
  let replicas: [Activation]
  let packs: [[Pack]]
  /// What an edge's operation adds to its node, by edge and operation; nil for operations that are no convolutions.
  let lowered: [[MixedEdge.Lowered?]]

  /// - Parameter sources: what operations read of the states.
  init(
    _ cell: CellLayout, sources: [Activation], in lowering: Lowering
  ) {
    let candidates = cell.candidates
    let part = sources[0].shape.channels
    self.part = part
    let positions = cell.groupSize
    var replicas: [Activation] = []
    var lowered = candidates.map { $0.map { _ in MixedEdge.Lowered?.none } }
    func packed(_ edges: [Int], _ operation: CellOperation) -> [(position: Int, edge: Int, column: Int)] {
      edges.enumerated().compactMap { position, edge in
        candidates[edge].firstIndex { $0.operation == operation }.map { (position, edge, $0) }
      }
    }
    packs = sources.indices.map { source in
      let shape = sources[source].shape
      func wide(_ edges: Int) -> PlaneShape { PlaneShape(channels: edges * part, height: shape.height, width: shape.width) }
      let leaving = cell.topology.edges(leaving: source)
      let replica = wide(min(positions, leaving.count))
      replicas.append(lowering.activation(replica))
      lowering.need { $0.inputPlanes.insert(replica) }
      let stride = cell.stride(from: source)
      return Swift.stride(from: 0, to: leaving.count, by: positions).map { start in
        let edges = Array(leaving[start..<min(start + positions, leaving.count)])
        var singles: [ConvolutionUnit] = []
        var separables: [(first: ConvolutionUnit, second: ConvolutionUnit)] = []
        for operation in CellOperation.allCases {
          guard let (kernel, dilation, times) = operation.depthwise else { continue }
          let members = packed(edges, operation)
          guard let last = members.last else { continue }
          func unit(_ first: Int, _ stride: Int, on shape: PlaneShape) -> ConvolutionUnit {
            ConvolutionUnit(
              packed: members.map { ("\(candidates[$0.edge][$0.column].name).op", $0.position * part) }, part: part,
              depthwiseName: "\(first)", pointwiseName: "\(first + 1)", normName: "\(first + 2)", kernel: kernel,
              dilation: dilation, stride: stride, input: shape, in: lowering)
          }
          let first = unit(1, stride, on: wide(last.position + 1))
          var final = first
          if times > 1 {
            final = unit(5, 1, on: first.output.shape)
            separables.append((first, final))
          } else {
            singles.append(first)
          }
          for member in members {
            let lane = member.position * part
            lowered[member.edge][member.column] = .packed(final.output, final.norm, lanes: lane..<lane + part)
          }
        }
        let target = wide(edges.count)
        return Pack(
          edges: edges, paths: edges.map { cell.path(ofEdge: $0) },
          gradient: lowering.activation(stride == 2 ? target.halved() : target), singles: singles, separables: separables)
      }
    }
    self.replicas = replicas
    self.lowered = lowered
  }

  var units: [ConvolutionUnit] {
    packs.joined().flatMap { $0.firsts + $0.separables.map(\.second) }
  }
}
