import CKernels

/// The sizes of the layout that kernels compute in. C has them too, as `ck_lanes`, `ck_block_weights` and `ck_tile_pixels`.
package enum Lanes {
  /// Channels of a block, innermost in memory: lanes of a pixel.
  @inlinable package static var count: Int { Int(ck_lanes) }
  /// Weights of a 1×1 convolution from one block of inputs to one of outputs.
  @inlinable package static var blockWeights: Int { Int(ck_block_weights) }
  /// Pixels of a tile at most.
  @inlinable package static var tilePixels: Int { Int(ck_tile_pixels) }

  /// Blocks that hold so many channels.
  @inlinable package static func blocks(_ channels: Int) -> Int { (channels + count - 1) / count }
  /// Channels, or any floats, rounded up to whole blocks.
  @inlinable package static func padded(_ channels: Int) -> Int { blocks(channels) * count }
}
