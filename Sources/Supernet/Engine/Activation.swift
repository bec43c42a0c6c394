import Compute

/// Extent of an activation: channels in blocks of 16, innermost, [block][row][column][16] for each image.
struct PlaneShape: Hashable {
  var channels: Int
  var height: Int
  var width: Int

  var blocks: Int { (channels + 15) / 16 }
  /// Channels in the last block.
  var lastLanes: Int { channels - (blocks - 1) * 16 }
  var pixels: Int { height * width }
  var floatsPerBlock: Int { pixels * 16 }
  var floatsPerImage: Int { blocks * floatsPerBlock }
  /// Channels rounded up to whole blocks.
  var lanes: Int { blocks * 16 }

  func halved() -> PlaneShape { PlaneShape(channels: channels, height: height / 2, width: width / 2) }
}

typealias Floats = UnsafeMutablePointer<Float>
typealias Doubles = UnsafeMutablePointer<Double>

/// One preallocated activation of a whole batch.
struct Activation {
  let shape: PlaneShape
  let base: Floats

  func image(_ index: Int) -> Floats { base + index * shape.floatsPerImage }

  /// An address to fetch ahead, never to read: it may lie one image past the last.
  func ahead(_ index: Int) -> UnsafePointer<Float> { UnsafePointer(image(index)) }
}
