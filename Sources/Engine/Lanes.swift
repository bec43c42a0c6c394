/// How the kernels read channels: in blocks, one register wide, innermost in memory.
enum Lanes {
  /// Channels of a block.
  static let count = 16
  /// Weights of a 1×1 convolution from one block to another.
  static let square = count * count

  /// Blocks that hold so many channels.
  static func blocks(_ channels: Int) -> Int { (channels + count - 1) / count }

  /// Channels, or any floats, rounded up to whole blocks.
  static func padded(_ channels: Int) -> Int { blocks(channels) * count }
}
