import Cells
import Compute
import Datasets
import Engine

/// One forward and backward pass of the reference network.
struct ReferencePass<Scalar: ReferenceScalar> {
  typealias Tape = ReferenceTape<Scalar>
  typealias Tensor = ReferenceTape<Scalar>.Tensor

  let tape = Tape()
  private(set) var parameters: [String: Tensor] = [:]
  private(set) var statistics: [String: (means: [Double], variances: [Double])] = [:]
  private(set) var logits: Tensor
  private(set) var loss: Tensor
  private let network: ReferenceSupernet
  private let batch: ImageBatch
  private let running: [String: (means: [Double], variances: [Double])]?
  private let smoothing: Double
  /// Edges that images drop; nil where none is dropped.
  private let drops: PathDrops?
  /// What the mixing weights come from: α, or the mixing weights of each kind of cell themselves.
  private let leaves: [Tensor]
  private let cells: [CellWeights]

  /// What a pass mixes operations by.
  enum Mixture {
    /// α in the order of `ArchitectureParameters.flat`, and its shape.
    case alphas([Scalar], like: ArchitectureParameters)
    /// Of each kind of cell the mixing weights of `NetworkInput`.
    case weights([[Scalar]])
  }

  /// The weights of one kind of cell: of operations, and of edges where there is β.
  private struct CellWeights {
    let mixing: Tensor
    let edges: Tensor?
    /// Where the weight of an edge's operation, and that of an edge, stand in them.
    let place: (_ edge: Int, _ operation: Int) -> Int
    let edgePlace: (_ edge: Int) -> Int
    /// Where in `mixing` the weight of what bypasses the operations of an edge stands, where it has one of its own.
    var bypassPlace: ((_ edge: Int) -> Int)?
    /// Where in `mixing` that of an edge's auxiliary skip connection stands, likewise; else it is β.
    var auxiliaryPlace: ((_ edge: Int) -> Int)?
    var beta = 0.0
  }

  /// - Parameter weights: ω by name, where it carries derivatives; nil for the network's own.
  init(
    _ network: ReferenceSupernet, _ mixture: Mixture, weights: [String: [Scalar]]? = nil, batch: ImageBatch,
    running: [String: (means: [Double], variances: [Double])]?, smoothing: Double = 0, drops: PathDrops? = nil
  ) {
    self.network = network
    self.batch = batch
    self.running = running
    self.smoothing = smoothing
    self.drops = drops
    let tape = tape
    for (name, tensor) in network.weights {
      parameters[name] = tape.tensor(tensor.shape, weights?[name] ?? tensor.values.map(Scalar.init))
    }
    switch mixture {
    case .alphas(let flat, let shape):
      let alphas = tape.tensor([flat.count], flat)
      leaves = [alphas]
      cells = Self.cells(of: alphas, like: shape, on: tape)
    case .weights(let mixing):
      let operations = network.architecture.operations.candidates
      let leaves = mixing.map { tape.tensor([$0.count], $0) }
      self.leaves = leaves
      let isPartial = network.architecture.variant.partialChannels > 1
      let hasAuxiliarySkips = network.architecture.variant.auxiliarySkip
      cells = zip(leaves, operations).map { leaf, edges in
        let (operations, columns) = (edges[0].count, edges[0].count + (hasAuxiliarySkips ? 1 : 0))
        return CellWeights(
          mixing: leaf, edges: nil, place: { $0 * columns + $1 }, edgePlace: { $0 },
          bypassPlace: isPartial ? { edges.count * columns + $0 } : nil,
          auxiliaryPlace: hasAuxiliarySkips ? { $0 * columns + operations } : nil)
      }
    }
    // Placeholders until the network has run.
    (logits, loss) = (leaves[0], leaves[0])
    forward()
    tape.differentiate(loss)
  }

  /// Mixing weights as softmax of α.
  private static func cells(of alphas: Tensor, like shape: ArchitectureParameters, on tape: Tape) -> [CellWeights] {
    var first = 0
    return shape.matrices.map { matrix in
      defer { first += matrix.rows * matrix.columns }
      let start = first
      func place(_ row: Int, _ column: Int) -> Int { start + row * matrix.columns + column }
      let mixing = tape.softmax(
        alphas, groups: (0..<matrix.rows).map { row in (0..<matrix.operationColumns).map { place(row, $0) } })
      let nodes = (0..<CellTopology.darts.nodeCount).map {
        CellTopology.darts.edgesInto(node: $0).map { place($0, matrix.columns - 1) }
      }
      return CellWeights(
        mixing: mixing, edges: matrix.hasEdgeColumn ? tape.softmax(alphas, groups: nodes) : nil, place: place,
        edgePlace: { place($0, matrix.columns - 1) }, beta: Double(shape.auxiliarySkip))
    }
  }

  /// Of what the mixture came from: α, or the mixing weights of each kind of cell.
  var mixtureGradients: [[Scalar]] { leaves.map { tape.gradient($0) } }

  /// Correct predictions; the first of equal logits counts.
  var correct: Int {
    let (values, classes) = (tape[logits].map(\.value), network.architecture.classes)
    return batch.labels.enumerated().count { image, label in
      let row = values[image * classes..<(image + 1) * classes]
      return row.firstIndex(of: row.max() ?? 0) == row.startIndex + Int(label)
    }
  }

  private mutating func forward() {
    if case .residualStages(let count) = network.architecture.space.macroArchitecture {
      forward(stages: count)
    } else {
      forwardChain()
    }
    loss = tape.crossEntropy(logits, labels: batch.labels, smoothing: smoothing)
  }

  private func images() -> Tensor {
    tape.tensor([batch.count, 3, batch.height, batch.width], batch.images.map { Scalar(Double($0)) })
  }

  /// NAS-Bench-201 (arXiv 2001.00326, §2.1): stages of cells, a residual block between two of them.
  private mutating func forward(stages: Int) {
    let cells = network.architecture.layers / stages
    var values = norm("stem.1", tape.convolution(images(), parameter("stem.0.weight"), padding: 1), isAffine: true)
    for index in 0..<stages * (cells + 1) - 1 {
      values = index % (cells + 1) == cells ? block("cells.\(index)", values) : stageCell(index, values)
    }
    values = tape.relu(norm("lastact.0", values, isAffine: true))
    logits = tape.linear(tape.globalAverage(values), parameter("classifier.weight"), parameter("classifier.bias"))
  }

  private mutating func block(_ name: String, _ input: Tensor) -> Tensor {
    func convolved(_ name: String, _ input: Tensor, stride: Int) -> Tensor {
      tape.convolution(tape.relu(input), parameter("\(name).op.1.weight"), stride: stride, padding: 1)
    }
    let first = norm("\(name).conv_a.op.2", convolved("\(name).conv_a", input, stride: 2), isAffine: true)
    let second = norm("\(name).conv_b.op.2", convolved("\(name).conv_b", first, stride: 1), isAffine: true)
    let means = tape.averagePool(input, kernel: 2, stride: 2, padding: 0)
    let shortcut = tape.convolution(means, parameter("\(name).downsample.1.weight"))
    return tape.mixture([(values: shortcut, weight: nil), (values: second, weight: nil)])
  }

  /// Every node is the sum over all states before it of their mixtures; the last is the output.
  private mutating func stageCell(_ index: Int, _ input: Tensor) -> Tensor {
    let operations = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"]
    var states = [input]
    var edge = 0
    for target in 1...3 {
      var terms: [(values: Tensor, weight: (of: Tensor, at: Int)?)] = []
      for source in 0..<target {
        for (column, operation) in operations.enumerated() where operation != "none" {
          let name = "cells.\(index).edges.\(target)<-\(source).\(column).op"
          let values =
            switch operation {
            case "skip_connect": states[source]
            case "avg_pool_3x3": tape.averagePool(states[source], kernel: 3, stride: 1, padding: 1)
            default:
              norm(
                "\(name).2",
                tape.convolution(
                  tape.relu(states[source]), parameter("\(name).1.weight"), padding: operation == "nor_conv_3x3" ? 1 : 0))
            }
          terms.append((dropping(index, edge, values), (cells[0].mixing, cells[0].place(edge, column))))
        }
        terms += auxiliarySkip("", edge, states[source], stride: 1, cells[0])
        edge += 1
      }
      states.append(tape.mixture(terms))
    }
    return states[3]
  }

  private mutating func forwardChain() {
    let architecture = network.architecture
    func convolved(_ input: Tensor, _ name: String, norm: String, stride: Int = 1) -> Tensor {
      self.norm(norm, tape.convolution(input, parameter(name), stride: stride, padding: 1), isAffine: true)
    }
    var inputs: (Tensor, Tensor)
    switch architecture.variant.scale {
    case .cifar:
      let stem = convolved(images(), "stem.0.weight", norm: "stem.1")
      inputs = (stem, stem)
    case .imagenet:
      let first = convolved(images(), "stem0.0.weight", norm: "stem0.1", stride: 2)
      let second = convolved(tape.relu(first), "stem0.3.weight", norm: "stem0.4", stride: 2)
      inputs = (second, convolved(tape.relu(second), "stem1.1.weight", norm: "stem1.2", stride: 2))
    }
    for index in 0..<architecture.layers {
      let isAfterReduction =
        index == 0 ? architecture.variant.scale == .imagenet : architecture.isReduction(index - 1)
      inputs = (inputs.1, cell(index, inputs, isAfterReduction: isAfterReduction))
    }
    logits = tape.linear(
      tape.globalAverage(inputs.1), parameter("classifier.weight"), parameter("classifier.bias"))
  }

  private func parameter(_ name: String) -> Tensor {
    guard let tensor = parameters[name] else { preconditionFailure("no parameter \(name)") }
    return tensor
  }

  private mutating func norm(_ name: String, _ input: Tensor, isAffine: Bool = false) -> Tensor {
    let result = tape.batchNorm(
      input, affine: isAffine ? (parameter("\(name).weight"), parameter("\(name).bias")) : nil, running: running?[name])
    statistics[name] = (result.means, result.variances)
    return result.values
  }

  private mutating func cell(_ index: Int, _ inputs: (Tensor, Tensor), isAfterReduction: Bool) -> Tensor {
    let isReduction = network.architecture.isReduction(index)
    let name = "cells.\(index)"
    var states = [
      isAfterReduction
        ? factorised("\(name).preprocess0", inputs.0) : projected("\(name).preprocess0", inputs.0),
      projected("\(name).preprocess1", inputs.1),
    ]
    for node in 0..<CellTopology.darts.nodeCount {
      let terms = CellTopology.darts.edgesInto(node: node).map { edge in
        let source = CellTopology.darts.edges[edge].source
        let stride = isReduction && source < CellTopology.darts.inputCount ? 2 : 1
        let values = dropping(index, edge, mixed(index, edge, states[source], stride: stride))
        let weights = cells[isReduction ? 1 : 0]
        return (values: values, weight: weights.edges.map { (of: $0, at: weights.edgePlace(edge)) })
      }
      states.append(tape.mixture(terms))
    }
    return tape.concatenated(Array(states[CellTopology.darts.inputCount...]))
  }

  /// What an edge gives its node: 0 in the images that drop it, 1 / (1 − p) times its output in the others.
  private func dropping(_ cell: Int, _ edge: Int, _ values: Tensor) -> Tensor {
    guard let drops else { return values }
    let edges = network.architecture.operations.kinds[0].topology.edges.count
    let (path, size) = (cell * edges + edge, values.count / batch.count)
    return tape.scaled(
      values, by: (0..<values.count).map { drops.isKept[path * batch.count + $0 / size] ? Double(drops.scale) : 0 })
  }

  /// ReLU, 1×1 convolution, batch norm.
  private mutating func projected(_ name: String, _ input: Tensor) -> Tensor {
    norm("\(name).op.2", tape.convolution(tape.relu(input), parameter("\(name).op.1.weight")))
  }

  /// ReLU, two 1×1 convolutions of stride 2 on grids one pixel apart, batch norm.
  private mutating func factorised(_ name: String, _ input: Tensor) -> Tensor {
    let active = tape.relu(input)
    return norm(
      "\(name).bn",
      tape.concatenated([
        tape.convolution(active, parameter("\(name).conv_1.weight"), stride: 2),
        tape.convolution(tape.cropped(active), parameter("\(name).conv_2.weight"), stride: 2),
      ]))
  }

  /// What an edge adds to its node: the mixture of its operations, on part of the channels where the variant says so.
  private mutating func mixed(_ cell: Int, _ edge: Int, _ input: Tensor, stride: Int) -> Tensor {
    let ways = network.architecture.variant.partialChannels
    guard ways > 1 else { return operations(cell, edge, input, stride: stride) }
    let channels = input.shape[1]
    let part = channels / ways
    var rest = tape.channels(part..<channels, of: input)
    if stride == 2 { rest = tape.maximumPool(rest, kernel: 2, stride: 2, padding: 0) }
    let weights = cells[network.architecture.isReduction(cell) ? 1 : 0]
    if let bypass = weights.bypassPlace { rest = tape.mixture([(rest, (of: weights.mixing, at: bypass(edge)))]) }
    let whole = tape.concatenated([
      operations(cell, edge, tape.channels(0..<part, of: input), stride: stride), rest,
    ])
    // The shuffle of PC-DARTS' code: channel w·C/K + i goes to i·K + w.
    return tape.reordered(whole, channels: (0..<channels).map { $0 % ways * part + $0 / ways })
  }

  private mutating func operations(_ cell: Int, _ edge: Int, _ input: Tensor, stride: Int) -> Tensor {
    let architecture = network.architecture
    let isReduction = architecture.isReduction(cell)
    let candidates = (isReduction ? architecture.operations.reduce : architecture.operations.normal)[edge]
    let weights = cells[isReduction ? 1 : 0]
    let shapes = candidates.map(Self.depthwise)
    let merges = architecture.variant.mergedConvolutions && shapes.count { $0 != nil } > 1
    var terms: [(values: Tensor, weight: (of: Tensor, at: Int)?)] = []
    var position = 0
    for (column, operation) in candidates.enumerated() where !(merges && shapes[column] != nil) {
      let name = "cells.\(cell)._ops.\(edge)._ops.\(position)"
      position += 1
      guard operation != .none else { continue }
      terms.append(
        (
          self.operation(
            operation, name, input, stride: stride, stream: UInt32((cell * CellTopology.darts.edges.count + edge) << 8)),
          (weights.mixing, weights.place(edge, column))
        ))
    }
    if merges {
      let name = "cells.\(cell)._ops.\(edge)._ops.\(position)"
      let kernel = parameter("\(name).depth_weight1")
      let side = kernel.shape[2]
      let masks = shapes.enumerated().compactMap { column, shape in
        shape.map { (taps: Self.taps($0, side: side), weight: weights.place(edge, column)) }
      }
      let depthwise = tape.convolution(
        tape.relu(input), tape.maskedKernel(kernel, mixing: weights.mixing, masks: masks), stride: stride,
        padding: side / 2, groups: input.shape[1])
      terms.append((norm("\(name).bn1", tape.convolution(depthwise, parameter("\(name).point_conv1.weight"))), nil))
    }
    terms += auxiliarySkip("cells.\(cell)._ops.\(edge).auxiliary_op", edge, input, stride: stride, weights)
    // An edge that has nothing but `none` adds zeros of its output's shape.
    guard !terms.isEmpty else {
      let values = tape.maximumPool(input, kernel: 1, stride: stride, padding: 0)
      return tape.scaled(values, by: [Double](repeating: 0, count: values.count))
    }
    return tape.mixture(terms)
  }

  /// What an edge has beside its mixture where the variant says so: its state, through a factorised reduction of its own at stride 2,
  /// times β (DARTS-).
  private mutating func auxiliarySkip(
    _ name: String, _ edge: Int, _ input: Tensor, stride: Int, _ weights: CellWeights
  ) -> [(values: Tensor, weight: (of: Tensor, at: Int)?)] {
    guard network.architecture.variant.auxiliarySkip else { return [] }
    let values = stride == 1 ? input : factorised(name, input)
    if let place = weights.auxiliaryPlace { return [(values, (weights.mixing, place(edge)))] }
    return [(tape.scaled(values, by: [Double](repeating: weights.beta, count: values.count)), nil)]
  }

  private mutating func operation(
    _ operation: CellOperation, _ name: String, _ input: Tensor, stride: Int, stream: UInt32
  ) -> Tensor {
    let random = ReferenceRandom(key: batch.noiseKey, images: batch.count)
    switch operation {
    case .none: preconditionFailure("none is no term")
    case .skipConnect:
      guard stride == 1 else { return factorised(name, input) }
      let variant = network.architecture.variant
      guard variant.skipDropout, batch.skipDropout > 0 else { return input }
      return tape.scaled(
        input,
        by: random.kept(
          channels: input.shape[1], pixels: input.shape[2] * input.shape[3], stream: stream, rate: batch.skipDropout))
    case .maxPool3x3: return norm("\(name).1", tape.maximumPool(input, kernel: 3, stride: stride, padding: 1))
    case .averagePool3x3: return norm("\(name).1", tape.averagePool(input, kernel: 3, stride: stride, padding: 1))
    case .noise:
      let shape = [input.shape[0], input.shape[1], input.shape[2] / stride, input.shape[3] / stride]
      guard let kernels = try? Kernels.select() else { preconditionFailure("no kernels") }
      return tape.tensor(
        shape,
        random.normals(channels: shape[1], pixels: shape[2] * shape[3], stream: stream, kernels: kernels).map(Scalar.init))
    case .separableConv3x3, .separableConv5x5:
      let kernel = operation == .separableConv3x3 ? 3 : 5
      let first = separable(name, 1, input, kernel: kernel, dilation: 1, stride: stride)
      return separable(name, 5, first, kernel: kernel, dilation: 1, stride: 1)
    case .dilatedConv3x3: return separable(name, 1, input, kernel: 3, dilation: 2, stride: stride)
    case .dilatedConv5x5: return separable(name, 1, input, kernel: 5, dilation: 2, stride: stride)
    default:
      guard case .depthwise(let kernel, let dilation, let times) = operation.form else {
        preconditionFailure("the reference does not know \(operation.rawValue)")
      }
      let first = separable(name, 1, input, kernel: kernel, dilation: dilation, stride: stride)
      return times == 1 ? first : separable(name, 5, first, kernel: kernel, dilation: dilation, stride: 1)
    }
  }

  /// ReLU, depthwise and pointwise convolution, batch norm; `first` is the depthwise one's place in the public module.
  private mutating func separable(
    _ name: String, _ first: Int, _ input: Tensor, kernel: Int, dilation: Int, stride: Int
  ) -> Tensor {
    let values = tape.separable(
      input, depthwise: parameter("\(name).op.\(first).weight"), pointwise: parameter("\(name).op.\(first + 1).weight"),
      kernel: kernel, dilation: dilation, stride: stride)
    return norm("\(name).op.\(first + 2)", values)
  }

  private static func depthwise(_ operation: CellOperation) -> (kernel: Int, dilation: Int)? {
    switch operation {
    case .separableConv3x3: (3, 1)
    case .separableConv5x5: (5, 1)
    case .dilatedConv3x3: (3, 2)
    case .dilatedConv5x5: (5, 2)
    default: nil
    }
  }

  /// Taps of a convolution in a shared kernel of that side.
  private static func taps(_ shape: (kernel: Int, dilation: Int), side: Int) -> Set<Int> {
    let offsets = (0..<shape.kernel).map { side / 2 + shape.dilation * ($0 - shape.kernel / 2) }
    return Set(offsets.flatMap { row in offsets.map { row * side + $0 } })
  }
}
