/// Mean and standard deviation of each channel, of pixels scaled to 0…1.
public struct Normalisation: Equatable, Sendable {
  public let mean: [Double]
  public let standardDeviation: [Double]

  /// Leaves values as they are.
  public static let identity = Normalisation(mean: [0, 0, 0], standardDeviation: [1, 1, 1])

  /// The constants of the DARTS repository (`utils.py`, `_data_transforms_cifar10`).
  public static let cifar10 = Normalisation(
    mean: [0.49139968, 0.48215827, 0.44653124], standardDeviation: [0.24703233, 0.24348505, 0.26158768])

  /// The constants of the RobustDARTS repository (`src/utils.py`, `_data_transforms_cifar100`).
  public static let cifar100 = Normalisation(mean: [0.5071, 0.4865, 0.4409], standardDeviation: [0.2673, 0.2564, 0.2762])

  /// The constants of the RobustDARTS repository (`src/utils.py`, `_data_transforms_svhn`).
  public static let svhn = Normalisation(mean: [0.4377, 0.4438, 0.4728], standardDeviation: [0.1980, 0.2010, 0.1970])

  /// The constants that networks for ImageNet are commonly trained with, those of DARTS (`train_imagenet.py`) among them.
  public static let imageNet = Normalisation(mean: [0.485, 0.456, 0.406], standardDeviation: [0.229, 0.224, 0.225])

  /// Three channels each; no deviation may be zero.
  public init(mean: [Double], standardDeviation: [Double]) {
    precondition(mean.count == 3 && standardDeviation.count == 3, "one mean and one deviation a channel")
    precondition(standardDeviation.allSatisfy { $0 > 0 }, "a deviation is positive")
    self.mean = mean
    self.standardDeviation = standardDeviation
  }

  /// Measured over every pixel of grey images, from integer sums, so exact up to the last rounding. The same for all
  /// three channels. Nil when all pixels are alike.
  init?(measuringGrey pixels: [UInt8]) {
    var histogram = [Int](repeating: 0, count: 256)
    for pixel in pixels { histogram[Int(pixel)] += 1 }
    let sum = histogram.indices.reduce(0) { $0 + $1 * histogram[$1] }
    let squares = histogram.indices.reduce(0) { $0 + $1 * $1 * histogram[$1] }
    let count = Double(pixels.count)
    let mean = Double(sum) / count
    let variance = Double(squares) / count - mean * mean
    guard histogram.count(where: { $0 > 0 }) > 1, variance > 0 else { return nil }
    self.init(
      mean: Array(repeating: mean / 255, count: 3),
      standardDeviation: Array(repeating: variance.squareRoot() / 255, count: 3))
  }

  /// (value/255 − mean)/deviation of each byte, [3, 256], computed in double and rounded once.
  var table: [Float] {
    (0..<3).flatMap { channel in
      (0..<256).map { Float((Double($0) / 255 - mean[channel]) / standardDeviation[channel]) }
    }
  }
}
