import CKernels
import Compute

/// The images of a run.
final class TangentImages: TangentOperation {
  let output: TangentTensor
  var makes: TangentTensor? { output }
  private let side: Int
  private let tape: TangentTape

  init(side: Int, tape: TangentTape) {
    self.side = side
    self.tape = tape
    output = tape.tensor(PlaneShape(channels: 3, height: side, width: side), moves: false)
  }

  func appendForward(to tape: TangentTape) {
    tape.open.onImage { [self] image, _ in
      let (to, plane) = (output.values.image(image), side * side)
      tape.run.images.withUnsafeBufferPointer { images in
        for channel in 0..<3 {
          let from = (image * 3 + channel) * plane
          for pixel in 0..<plane { to[pixel * Lanes.count + channel] = images[from + pixel] }
        }
      }
    }
  }

  func appendBackward(to tape: TangentTape) {}
}

/// Standard normals in place of the input (RobustDARTS, §3.1, space S4).
final class TangentNoise: TangentOperation {
  let output: TangentTensor
  var makes: TangentTensor? { output }
  private let stream: UInt32

  init(_ shape: PlaneShape, stream: UInt32, tape: TangentTape) {
    self.stream = stream
    output = tape.tensor(shape, moves: false)
  }

  func appendForward(to tape: TangentTape) {
    tape.open.onImage { [self] image, _ in
      let shape = output.shape
      for block in 0..<shape.blocks {
        tape.kernels.table.pointee.normal_fill(
          output.values.block(block, image: image), Int32(Lanes.count), Int32(shape.pixels),
          block + 1 < shape.blocks ? Int32(Lanes.count) : Int32(shape.lastLanes),
          ck_words(key: tape.run.noiseKey, image: UInt32(image), stream: stream + UInt32(block)))
      }
    }
  }

  func appendBackward(to tape: TangentTape) {}
}

/// A skip connection whose values are dropped at random, with the masks of `PlanState.drop`.
final class TangentDropout: TangentOperation {
  let output: TangentTensor
  var makes: TangentTensor? { output }
  private let input: TangentTensor
  private let stream: UInt32
  private let tape: TangentTape

  init(_ input: TangentTensor, stream: UInt32, tape: TangentTape) {
    self.input = input
    self.stream = stream
    self.tape = tape
    output = tape.tensor(input.shape, moves: input.tangents != nil)
  }

  func appendForward(to tape: TangentTape) {
    tape.open.onImage { [self] image, _ in
      drop(input.values, into: output.values, image: image, accumulate: false)
      if let from = input.tangents, let to = output.tangents { drop(from, into: to, image: image, accumulate: false) }
    }
  }

  func appendBackward(to tape: TangentTape) {
    guard let gradients = output.gradients, let targets = tape.gradients(of: input) else { return }
    tape.open.onImage { [self] image, _ in
      drop(gradients.values, into: targets.values, image: image, accumulate: true)
      drop(gradients.tangents, into: targets.tangents, image: image, accumulate: true)
    }
  }

  private func drop(_ from: Activation, into to: Activation, image: Int, accumulate: Bool) {
    for block in 0..<from.shape.blocks {
      tape.kernels.table.pointee.dropout(
        to.block(block, image: image), from.block(block, image: image), Int32(Lanes.count), Int32(from.shape.pixels),
        ck_dropout(
          rate: tape.run.skipDropout, key: tape.run.noiseKey, image: image, stream: stream + UInt32(block)),
        accumulate ? 1 : 0)
    }
  }
}

/// max(x, 0).
final class TangentReLU: TangentOperation {
  let output: TangentTensor
  var makes: TangentTensor? { output }
  private let input: TangentTensor

  init(_ input: TangentTensor, tape: TangentTape) {
    self.input = input
    output = tape.tensor(input.shape, moves: input.tangents != nil)
  }

  private var pixels: Int32 { Int32(input.shape.blocks * input.shape.pixels) }

  func appendForward(to tape: TangentTape) {
    tape.open.onImage { [self] image, _ in
      let kernels = tape.kernels.table.pointee
      kernels.relu_flat(output.values.image(image), input.values.image(image), Int32(Lanes.count), pixels)
      guard let from = input.tangents, let to = output.tangents else { return }
      kernels.mask_flat(to.image(image), Int32(Lanes.count), from.image(image), input.values.image(image), pixels, 0)
    }
  }

  func appendBackward(to tape: TangentTape) {
    guard let gradients = output.gradients, let targets = tape.gradients(of: input) else { return }
    tape.open.onImage { [self] image, _ in
      let kernels = tape.kernels.table.pointee
      for (from, to) in [(gradients.values, targets.values), (gradients.tangents, targets.tangents)] {
        kernels.mask_flat(to.image(image), Int32(Lanes.count), from.image(image), input.values.image(image), pixels, 1)
      }
    }
  }
}
