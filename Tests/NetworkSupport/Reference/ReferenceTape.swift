/// Reverse-mode differentiation of tensor functions in plain loops: every function leaves its pullback, and the pullbacks run
/// backwards. Slow, and short enough to be read as a definition.
final class ReferenceTape<Scalar: ReferenceScalar> {
  /// A value on the tape, row-major.
  struct Tensor {
    fileprivate let index: Int
    let shape: [Int]
    var count: Int { shape.reduce(1, *) }
  }

  private var values: [[Scalar]] = []
  private var gradients: [[Scalar]] = []
  private var pullbacks: [() -> Void] = []
  /// Products of weights and values that convolutions and classifiers have summed.
  private(set) var products = 0
  /// Values on the tape.
  var valueCount: Int { values.reduce(0) { $0 + $1.count } }

  subscript(_ tensor: Tensor) -> [Scalar] { values[tensor.index] }

  /// ∂(what `differentiate` was given)/∂tensor.
  func gradient(_ tensor: Tensor) -> [Scalar] { gradients[tensor.index] }

  /// A constant or parameter.
  func tensor(_ shape: [Int], _ values: [Scalar]) -> Tensor {
    precondition(values.count == shape.reduce(1, *), "a tensor of \(shape) from \(values.count) values")
    self.values.append(values)
    gradients.append([Scalar](repeating: .zero, count: values.count))
    return Tensor(index: self.values.count - 1, shape: shape)
  }

  /// The value of a function.
  ///
  /// - Parameter pullback: takes ∂L/∂value, and adds to the gradients of what the value was computed from.
  func record(_ shape: [Int], _ values: [Scalar], pullback: @escaping ([Scalar]) -> Void) -> Tensor {
    let result = tensor(shape, values)
    pullbacks.append { [unowned self] in pullback(gradients[result.index]) }
    return result
  }

  func count(products: Int) { self.products += products }

  /// Adds to ∂L/∂tensor.
  func accumulate(_ tensor: Tensor, _ body: (inout [Scalar]) -> Void) { body(&gradients[tensor.index]) }

  /// Fills in the gradients of a scalar.
  func differentiate(_ scalar: Tensor) {
    precondition(scalar.count == 1, "a gradient is of a scalar")
    gradients[scalar.index] = [Scalar(1)]
    for pullback in pullbacks.reversed() { pullback() }
  }
}
