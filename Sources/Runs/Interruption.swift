/// A signal asked a run to stop; everything up to that step is in the checkpoint.
public struct Interruption: Error, Equatable, Sendable, CustomStringConvertible {
  public var signal: Int32
  /// The step that comes next, both counted from 0.
  public var epoch: Int
  public var step: Int
  /// Path of the checkpoint.
  public var checkpoint: String

  public init(signal: Int32, epoch: Int, step: Int, checkpoint: String) {
    (self.signal, self.epoch, self.step, self.checkpoint) = (signal, epoch, step, checkpoint)
  }

  public var description: String {
    "stopped by signal \(signal) in epoch \(epoch) before step \(step) (both from 0); the state is in \(checkpoint)"
  }
}
