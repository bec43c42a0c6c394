/// How products of a Hessian in α with vectors are made, as settings and tables name it.
public enum HessianKind: String, CaseIterable, Sendable {
  /// The derivative of the gradient along a vector: the Hessian almost everywhere, that of double backpropagation and of
  /// published eigenvalues. What a switching ReLU or maximum adds is not in it.
  case exact
  /// A difference of gradients over a distance: the curvature on that scale, with the jumps that lie within.
  case difference

  /// The kind's key in files of settings. Files that lack it are of differences, as all of versions without it.
  public static let settingKey = "hessian"

  /// - Parameter displacement: ε of a difference; an exact product has none.
  public func products(displacement: Double = HessianProducts.usualDisplacement) -> HessianProducts {
    switch self {
    case .exact: .exact
    case .difference: .difference(displacement: displacement)
    }
  }
}

/// How products H v of H = ∇²_α L are made.
///
/// Both kinds agree on a smooth loss, up to an error of order ε² of the difference. On networks of ReLU and maxima they
/// measure different things: the gradient jumps where an activation switches, between the jumps it has a derivative, and
/// that is what an exact product gives; a difference over ε has the jumps in it, which add up like a random walk to noise of
/// order 1/√ε (docs/methods.md has both side by side).
public enum HessianProducts: Equatable, Sendable {
  /// See `HessianKind.exact`.
  case exact
  /// Central differences over ε, in units of α.
  case difference(displacement: Double)

  /// ε where none is given: where the noise of a supernet has gone under (docs/methods.md has the measurement).
  public static let usualDisplacement = 0.5

  public var kind: HessianKind {
    switch self {
    case .exact: .exact
    case .difference: .difference
    }
  }

  /// ε; nil of exact products, which have none.
  public var displacement: Double? {
    switch self {
    case .exact: nil
    case .difference(let displacement): displacement
    }
  }

  /// The same over half of the distance, which shows what hangs on it; nil where there is none.
  public var halved: HessianProducts? { displacement.map { .difference(displacement: $0 / 2) } }

  /// What a product costs on a batch, in training steps. An exact one was measured at 1.3 to 1.9; a difference is two
  /// gradients of α.
  public var stepsPerProduct: Double {
    switch self {
    case .exact: 1.6
    case .difference: 1.5
    }
  }

  /// What a product with ∇²_ω L costs on a batch, in training steps: measured at 3.6 and 4.6 (`zarts bench --quantities
  /// train_step,hessian_weights`); for estimates of the time.
  package static let stepsPerWeightProduct = 4.5

  /// What a dominant eigenvalue usually costs on a batch, in training steps: for estimates of the time left.
  package var usualCost: Double { Self.usualProducts * stepsPerProduct }

  /// Products that a dominant eigenvalue usually takes.
  private static let usualProducts = 13.0
}

/// By what a loss is differentiated twice.
public enum HessianCoordinates: Sendable {
  /// α, flat, kind after kind.
  case alphas
  /// p, the mixing weights that α stands for, each by itself: what is left where ‖α‖ no longer counts, since a softmax
  /// flattens as α grows. In the order of `NetworkInput.mixing`.
  case mixing
}
