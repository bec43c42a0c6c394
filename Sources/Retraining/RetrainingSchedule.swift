/// How the learning rate of a retraining falls from epoch to epoch.
public enum RetrainingSchedule: String, CaseIterable, Sendable, Codable {
  /// Half a cosine, to the least learning rate.
  case cosine
  /// A factor an epoch.
  case exponential
  /// A straight line, with a smaller slope in the last five epochs.
  case linear

  /// What the learning rate of the first epochs rises to.
  public enum WarmupTarget: String, CaseIterable, Sendable, Codable {
    /// The learning rate at the start: a part (epoch + 1) / warm-up epochs of it (PC-DARTS, train_imagenet.py, line 158).
    case start
    /// What the schedule has in that epoch (P-DARTS, train_imagenet.py, line 157; the release of ZARTS,
    /// cnn/train_imagenet_distributed.py, line 264).
    case schedule
  }

  /// What is left of the learning rate in an epoch, counted from 0, of the linear schedule (P-DARTS, PC-DARTS and ZARTS,
  /// `adjust_lr`): (E − 5 − e)/(E − 5), and (E − e)/(5·(E − 5)) in the last five of E epochs. Where there are no more than
  /// five, (E − e)/E.
  static func linearRemainder(epoch: Int, of epochs: Int) -> Double {
    let (left, tail) = (epochs - epoch, 5)
    guard epochs > tail else { return Double(left) / Double(epochs) }
    return left > tail ? Double(left - tail) / Double(epochs - tail) : Double(left) / Double((epochs - tail) * tail)
  }
}
