import Cells

extension SearchSpace {
  /// A space that the package does not have: all that it takes to add one is this declaration, and in the package its place in
  /// `SearchSpace.declared`.
  static let once = uniform("once", [.none, .skipConnect, .onceConv3x3, .dilatedConv3x3], defaultSigma: 0.2)
  /// Likewise, of operations that the package has.
  static let smooth = uniform("smooth", [.skipConnect, .averagePool3x3, .separableConv3x3], defaultSigma: 0.1)
}
