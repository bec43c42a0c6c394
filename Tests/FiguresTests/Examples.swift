import Figures

func coordinates(_ count: Int) -> [Double] {
  count == 1 ? [0] : (0..<count).map { -1 + 2 * Double($0) / Double(count - 1) }
}

func sampled(_ count: Int, _ function: (Double, Double) -> Double) throws -> Grid {
  let list = coordinates(count)
  return try Grid(x: list, y: list, values: list.flatMap { y in list.map { x in function(x, y) } })
}

/// Bowls with shifted minima.
func exampleLandscape(points: Int = 11, losses: Int = 3) throws -> LandscapeFigure {
  try .comparison(
    title: "Validation loss around epoch 4",
    losses: (0..<losses).map { index in
      let shift = 0.3 * Double(index)
      return (
        "L_{M=\(index)}(α)",
        try sampled(points) { x, y in 1.4 + (x - shift) * (x - shift) + 0.7 * (y + shift) * (y + shift) }
      )
    },
    caption: ["Space s2, Fashion-MNIST, epoch 4, seed 1.", "Validation loss on one batch of 64 images, batch statistics."])
}
