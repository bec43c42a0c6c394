/// An activation with its derivative along the direction, and on the way back ∂L/∂activation with its own derivative.
final class TangentTensor {
  let values: Activation
  /// Nil where the direction doesn't move the activation: images, noise, and of α all before the first mixture.
  let tangents: Activation?
  /// Lent while the backward pass needs them; nil before anything has read the activation.
  var gradients: TangentGradients?

  init(values: Activation, tangents: Activation?) {
    self.values = values
    self.tangents = tangents
  }

  var shape: PlaneShape { values.shape }
}

/// ∂L/∂activation, and its derivative along the direction.
struct TangentGradients {
  let values: Activation
  let tangents: Activation
}
