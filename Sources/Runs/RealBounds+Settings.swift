import Compute

/// What numbers of searches, retrainings and studies may be, in the words of their messages.
extension RealBounds {
  package static let aboveZero = positive.worded("a number above 0")
  /// Infinity is for a limit that nothing reaches.
  package static let limit = RealBounds(0...Double.infinity, "a number above 0", excludesLower: true)
  package static let fromZero = notNegative.worded("0 or more")
  /// A factor that makes nothing smaller.
  package static let fromOne = RealBounds(1...1e9, "1 to 1e9")
  /// A rate that leaves something.
  package static let belowOne = RealBounds(0...1, "0 or more and below 1", excludesUpper: true)
  /// A part of a whole that is not nothing.
  package static let ratio = RealBounds(0...1, "above 0, at most 1", excludesLower: true)
  package static let correlation = RealBounds(-1...1, "-1 to 1")
  /// A step, a radius, a width.
  package static let length = positive.worded("a positive finite number")
}
