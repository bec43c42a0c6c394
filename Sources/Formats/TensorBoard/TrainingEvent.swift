import Foundation

/// One entry of an event file, TensorFlow's message `Event` (tensorflow/core/util/event.proto).
public struct TrainingEvent: Equatable, Sendable {
  /// What an event says.
  public enum Content: Equatable, Sendable {
    /// Opens every file.
    case fileVersion
    /// A run that starts again: readers drop what earlier files hold of this step and later ones.
    case restart
    case summary([Value])
  }

  /// A named value of a summary.
  public struct Value: Equatable, Sendable {
    enum Kind: Equatable, Sendable {
      case scalar(Float)
      case text(String)
      case histogram([Double])
    }
    /// What stands before the first slash groups values in TensorBoard.
    public let tag: String
    let kind: Kind

    public static func scalar(_ tag: String, _ value: Double) -> Value { Value(tag: tag, kind: .scalar(Float(value))) }
    /// Markdown.
    public static func text(_ tag: String, _ text: String) -> Value { Value(tag: tag, kind: .text(text)) }
    /// The distribution of values, all finite.
    public static func histogram(_ tag: String, _ values: [Double]) -> Value {
      Value(tag: tag, kind: .histogram(values))
    }
  }

  /// Seconds since 1970.
  public var wallTime: Double
  public var step: Int
  public var content: Content

  public init(wallTime: Double, step: Int, content: Content) {
    self.wallTime = wallTime
    self.step = step
    self.content = content
  }

  /// The message as bytes. Field numbers are those of event.proto, summary.proto, histogram.proto and tensor.proto.
  public var bytes: [UInt8] {
    var event = ProtobufMessage()
    event.double(1, wallTime)
    if step != 0 { event.integer(2, Int64(step)) }
    switch content {
    case .fileVersion: event.text(3, "brain.Event:2")
    case .restart:
      var session = ProtobufMessage()
      session.integer(1, 1)
      event.message(7, session)
    case .summary(let values):
      var summary = ProtobufMessage()
      for value in values { summary.message(1, value.message) }
      event.message(5, summary)
    }
    return event.bytes
  }
}

extension TrainingEvent.Value {
  fileprivate var message: ProtobufMessage {
    var result = ProtobufMessage()
    result.text(1, tag)
    switch kind {
    case .scalar(let value): result.float(2, value)
    case .text(let text):
      var (shape, dimension, tensor) = (ProtobufMessage(), ProtobufMessage(), ProtobufMessage())
      dimension.integer(1, 1)
      shape.message(2, dimension)
      // DT_STRING
      tensor.integer(1, 7)
      tensor.message(2, shape)
      tensor.text(8, text)
      result.message(8, tensor)
      var (plugin, metadata) = (ProtobufMessage(), ProtobufMessage())
      plugin.text(1, "text")
      metadata.message(1, plugin)
      result.message(9, metadata)
    case .histogram(let values): result.message(5, Self.histogram(values))
    }
    return result
  }

  private static let bucketCount = 30

  /// HistogramProto: counts between equally spaced limits.
  private static func histogram(_ values: [Double]) -> ProtobufMessage {
    let (low, high) = (values.min() ?? 0, values.max() ?? 0)
    // Equal values still need buckets of some width.
    let width = high > low ? (high - low) / Double(bucketCount) : max(abs(low), 1) * 1e-6
    let limits = (1...bucketCount).map { $0 == bucketCount && high > low ? high : low + Double($0) * width }
    var counts = [Double](repeating: 0, count: bucketCount)
    for value in values { counts[min(bucketCount - 1, max(0, Int(((value - low) / width).rounded(.down))))] += 1 }
    var result = ProtobufMessage()
    result.double(1, low)
    result.double(2, high)
    result.double(3, Double(values.count))
    result.double(4, values.reduce(0, +))
    result.double(5, values.reduce(0) { $0 + $1 * $1 })
    result.doubles(6, limits)
    result.doubles(7, counts)
    return result
  }
}
