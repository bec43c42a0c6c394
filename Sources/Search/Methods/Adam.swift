import Cells
import Formats
import Foundation
import Runs

/// Adam on α with the weight decay added to the gradient, as `torch.optim.Adam` does (Kingma & Ba, ICLR 2015, alg. 1).
///
/// Moments are kept in double precision; α is rounded to float32 once a step.
public struct Adam: Equatable, Sendable {
  /// Settings; the defaults are those of DARTS for α.
  public struct Settings: Equatable, Sendable {
    public var learningRate: Double
    public var beta1: Double
    public var beta2: Double
    public var epsilon: Double
    public var weightDecay: Double

    public init(
      learningRate: Double = 3e-4, beta1: Double = 0.5, beta2: Double = 0.999, epsilon: Double = 1e-8,
      weightDecay: Double = 1e-3
    ) {
      self.learningRate = learningRate
      self.beta1 = beta1
      self.beta2 = beta2
      self.epsilon = epsilon
      self.weightDecay = weightDecay
    }
  }

  public let settings: Settings
  /// Steps taken.
  public private(set) var count = 0
  private var first: [Double]
  private var second: [Double]

  /// Zero moments for α of `size` values.
  public init(size: Int, settings: Settings = Settings()) {
    self.settings = settings
    first = [Double](repeating: 0, count: size)
    second = first
  }

  /// Moves α against `gradient`, both of the size given at the start.
  public mutating func step(_ alphas: inout ArchitectureParameters, gradient: ArchitectureParameters) {
    count += 1
    let firstCorrection = 1 - pow(settings.beta1, Double(count))
    let secondCorrection = 1 - pow(settings.beta2, Double(count))
    var values = alphas.flat
    let slopes = gradient.flat
    precondition(values.count == first.count && slopes.count == first.count, "α and its gradient differ in size")
    for index in values.indices {
      let value = Double(values[index])
      let slope = Double(slopes[index]) + settings.weightDecay * value
      first[index] = settings.beta1 * first[index] + (1 - settings.beta1) * slope
      second[index] = settings.beta2 * second[index] + (1 - settings.beta2) * slope * slope
      let scale = (second[index] / secondCorrection).squareRoot() + settings.epsilon
      values[index] = Float(value - settings.learningRate * (first[index] / firstCorrection) / scale)
    }
    alphas.flat = values
  }

  /// Moments [α] and the step count, for a checkpoint.
  public func export() -> [NamedTensor] {
    [
      NamedTensor(name: "adam.first", shape: [first.count], values: .float64(first)),
      NamedTensor(name: "adam.second", shape: [second.count], values: .float64(second)),
      NamedTensor(name: "adam.steps", shape: [1], values: .int64([Int64(count)])),
    ]
  }

  /// Takes over what `export` gave.
  ///
  /// - Throws: `InputError` where a tensor is absent or misshapen, or the count of steps is none.
  public mutating func restore(from file: TensorFile) throws {
    let moments = try (
      file.doubles("adam.first", shape: [first.count]), file.doubles("adam.second", shape: [second.count])
    )
    let steps = try file.integers("adam.steps", shape: [1])[0]
    try RunBounds.weightSteps.require(steps, at: .file(file.path, "adam.steps"), "wrong count of steps")
    (first, second) = moments
    count = steps
  }
}
