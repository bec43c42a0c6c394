import CKernels
import Compute

/// A 3×3 pool of padding 1: maxima, whose derivative is that of the first largest value, or means over what lies in the plane.
final class TangentPool: TangentOperation {
  let output: TangentTensor
  var makes: TangentTensor? { output }
  private let input: TangentTensor
  private let stride: Int
  /// The tap 0…8 of each maximum, [image][block][pixel][16]; nil for means.
  private let arg: UnsafeMutablePointer<UInt8>?
  private let tape: TangentTape

  init(_ input: TangentTensor, isMaximum: Bool, stride: Int, tape: TangentTape) {
    self.input = input
    self.stride = stride
    self.tape = tape
    let shape = stride == 1 ? input.shape : input.shape.halved()
    output = tape.tensor(shape, moves: input.tangents != nil)
    arg = isMaximum ? tape.arena.allocate(UInt8.self, tape.batch * shape.floatsPerImage) : nil
  }

  private var shape: PlaneShape { output.shape }
  private var pool: ck_pool {
    ck_pool(
      height: Int32(input.shape.height), width: Int32(input.shape.width), stride: Int32(stride),
      memoryLanes: Int32(Lanes.count))
  }

  func appendForward(to tape: TangentTape) {
    // The kernel adds up statistics that nothing reads here.
    let unread = tape.open.reserveSums(Lanes.count)
    tape.open.onImage { [self] image, context in
      let sums = context.sums + unread
      for block in 0..<shape.blocks {
        pool(input.values.block(block, image: image), output.values.block(block, image: image), image, block, sums)
        guard let from = input.tangents?.block(block, image: image), let to = output.tangents?.block(block, image: image)
        else { continue }
        if let arg { take(from, arg + place(image, block), to) } else { pool(from, to, image, block, sums) }
      }
    }
  }

  private func place(_ image: Int, _ block: Int) -> Int { image * shape.floatsPerImage + block * shape.floatsPerBlock }

  private func pool(_ from: Floats, _ to: Floats, _ image: Int, _ block: Int, _ sums: Doubles) {
    tape.kernels.table.pointee.pool_forward(
      from, arg == nil ? nil : to, arg.map { $0 + place(image, block) }, arg == nil ? to : nil, pool,
      ck_pool_sums(maximum: sums, maximumSquares: sums, average: sums, averageSquares: sums))
  }

  /// The values at the places of the maxima.
  private func take(_ from: Floats, _ arg: UnsafeMutablePointer<UInt8>, _ to: Floats) {
    let width = input.shape.width
    for row in 0..<shape.height {
      for column in 0..<shape.width {
        let pixel = (row * shape.width + column) * Lanes.count
        let centre = row * stride * width + column * stride
        for lane in 0..<Lanes.count {
          let tap = Int(arg[pixel + lane])
          to[pixel + lane] = from[(centre + (tap / 3 - 1) * width + tap % 3 - 1) * Lanes.count + lane]
        }
      }
    }
  }

  func appendBackward(to tape: TangentTape) {
    guard let gradients = output.gradients, let targets = tape.gradients(of: input) else { return }
    tape.open.onImage { [self] image, _ in
      for (from, to) in [(gradients.values, targets.values), (gradients.tangents, targets.tangents)] {
        for block in 0..<shape.blocks {
          let gradient = UnsafePointer(from.block(block, image: image))
          tape.kernels.table.pointee.pool_backward(
            to.block(block, image: image), arg == nil ? nil : gradient, arg.map { $0 + place(image, block) },
            arg == nil ? gradient : nil, pool)
        }
      }
    }
  }
}

/// Maxima of 2×2 pixels, stride 2: what bypasses the operations of partial channels into a smaller node.
final class TangentHalving: TangentOperation {
  let output: TangentTensor
  var makes: TangentTensor? { output }
  private let input: TangentTensor
  /// Which of the four pixels is the first largest.
  private let arg: UnsafeMutablePointer<UInt8>

  init(_ input: TangentTensor, tape: TangentTape) {
    self.input = input
    output = tape.tensor(input.shape.halved(), moves: input.tangents != nil)
    arg = tape.arena.allocate(UInt8.self, tape.batch * output.shape.floatsPerImage)
  }

  /// Every value of the output: its place in an image of it, and the place of the first of its four pixels.
  private func forEachPlace(_ body: (_ output: Int, _ input: Int) -> Void) {
    let (shape, from) = (output.shape, input.shape)
    for block in 0..<shape.blocks {
      for row in 0..<shape.height {
        for column in 0..<shape.width {
          let to = block * shape.floatsPerBlock + (row * shape.width + column) * Lanes.count
          let first = block * from.floatsPerBlock + (2 * row * from.width + 2 * column) * Lanes.count
          for lane in 0..<Lanes.count { body(to + lane, first + lane) }
        }
      }
    }
  }

  private func offset(_ pixel: UInt8) -> Int { (Int(pixel) / 2 * input.shape.width + Int(pixel) % 2) * Lanes.count }

  func appendForward(to tape: TangentTape) {
    tape.open.onImage { [self] image, _ in
      let (from, to) = (input.values.image(image), output.values.image(image))
      let places = arg + image * output.shape.floatsPerImage
      let (moving, moved) = (input.tangents?.image(image), output.tangents?.image(image))
      forEachPlace { target, first in
        var best: UInt8 = 0
        for pixel in 1..<4 as Range<UInt8> where from[first + offset(pixel)] > from[first + offset(best)] { best = pixel }
        places[target] = best
        to[target] = from[first + offset(best)]
        if let moving, let moved { moved[target] = moving[first + offset(best)] }
      }
    }
  }

  func appendBackward(to tape: TangentTape) {
    guard let gradients = output.gradients, let targets = tape.gradients(of: input) else { return }
    tape.open.onImage { [self] image, _ in
      let places = arg + image * output.shape.floatsPerImage
      for (from, to) in [(gradients.values, targets.values), (gradients.tangents, targets.tangents)] {
        let (gradient, sum) = (from.image(image), to.image(image))
        forEachPlace { target, first in sum[first + offset(places[target])] += gradient[target] }
      }
    }
  }
}
