import Compute

/// Extent of an activation: channels in blocks of 16, innermost, [block][row][column][16] for each image.
struct PlaneShape: Hashable {
  var channels: Int
  var height: Int
  var width: Int

  var blocks: Int { Lanes.blocks(channels) }
  /// Channels in the last block.
  var lastLanes: Int { channels - (blocks - 1) * Lanes.count }
  var pixels: Int { height * width }
  var floatsPerBlock: Int { pixels * Lanes.count }
  var floatsPerImage: Int { blocks * floatsPerBlock }
  /// Channels rounded up to whole blocks.
  var lanes: Int { Lanes.padded(channels) }

  func halved() -> PlaneShape { PlaneShape(channels: channels, height: height / 2, width: width / 2) }
}

typealias Floats = UnsafeMutablePointer<Float>
typealias Doubles = UnsafeMutablePointer<Double>

/// One preallocated activation of a whole batch.
///
/// A last block of few channels is as narrow in memory as they are, 4 or 8 channels a pixel; padded planes and tiles, which
/// stay in the caches, have 16. 36 channels then take 36 floats a pixel instead of 48.
struct Activation {
  let shape: PlaneShape
  let base: Floats
  /// Channels that a pixel of the last block has in memory.
  private let lastLanes: Int
  let floatsPerImage: Int

  init(shape: PlaneShape, lastLanes: Int, batch: Int, arena: Arena) {
    self.shape = shape
    self.lastLanes = lastLanes
    floatsPerImage = (shape.blocks - 1) * shape.floatsPerBlock + shape.pixels * lastLanes
    base = arena.allocate(Float.self, batch * floatsPerImage)
  }

  /// Memory that there is, with 16 channels a pixel in every block.
  init(shape: PlaneShape, wholeBlocksAt base: Floats) {
    self.shape = shape
    self.base = base
    lastLanes = Lanes.count
    floatsPerImage = shape.floatsPerImage
  }

  /// The least of 4, 8 and 16 that holds the channels of the last block and leaves every row a multiple of 16 floats.
  static func narrowLanes(of shape: PlaneShape) -> Int {
    [4, 8].first { $0 >= shape.lastLanes && shape.width * $0 % Lanes.count == 0 } ?? Lanes.count
  }

  func image(_ index: Int) -> Floats { base + index * floatsPerImage }

  /// From a row of a block on.
  func block(_ block: Int, image index: Int, row: Int = 0) -> Floats {
    image(index) + block * shape.floatsPerBlock + row * shape.width * Int(memoryLanes(block))
  }

  /// Channels that a pixel of a block has in memory.
  func memoryLanes(_ block: Int) -> Int32 { Int32(block + 1 < shape.blocks ? Lanes.count : lastLanes) }

  /// Blocks whose pixels have 16 channels.
  var wideBlocks: Int { lastLanes == Lanes.count ? shape.blocks : shape.blocks - 1 }

  func clear(image index: Int) { image(index).update(repeating: 0, count: floatsPerImage) }

  /// An address to fetch ahead, never to read: it may lie one image past the last.
  func ahead(_ index: Int) -> UnsafePointer<Float> { UnsafePointer(image(index)) }
}
