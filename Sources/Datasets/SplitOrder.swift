import Compute
import Formats

/// The order in which training images are taken: the first of them up to a limit are used, and of those a search trains ω
/// on the first half and α on the second.
public enum SplitOrder: String, CaseIterable, Sendable, Codable {
  /// An order that the seed chooses.
  case seeded
  /// That of the dataset's files, whatever the seed, as the public scripts have it: `indices[:split]` and
  /// `indices[split:num_train]` of `list(range(num_train))` (DARTS, cnn/train_search.py, lines 90–100).
  case fileOrder = "file-order"

  /// Positions of the images that are used.
  ///
  /// - Parameters:
  ///   - available: training images of the dataset.
  ///   - limit: how many of them; nil for all. At most `available`.
  func members(of available: Int, limit: Int?, seed: UInt64) -> ArraySlice<Int> {
    let order: [Int]
    switch self {
    case .seeded:
      var stream = RandomStream(seed: seed, purpose: .split)
      order = stream.permutation(available)
    case .fileOrder: order = Array(0..<available)
    }
    return order.prefix(limit ?? available)
  }

  /// Positions, ascending, of the images of L_train and of L_val. An odd image validates, as in DARTS.
  ///
  /// - Throws: `InputError` where the limit is out of range or there is nothing to halve; as `check`.
  func halves(of dataset: ImageDataset, seed: UInt64, limit: Int?) throws -> (training: [Int], validation: [Int]) {
    let available = dataset.training.count
    if let limit, limit < 2 || limit > available {
      throw InputError(
        "out of range", at: .setting("train_limit"), found: "\(limit)",
        wanted: "2 to \(available), the training images of \(dataset.name)")
    }
    guard available >= 2 else {
      throw InputError(
        "too few training images to halve", at: .words(dataset.name), found: "\(available)", wanted: "2 or more")
    }
    try check(dataset)
    let chosen = members(of: available, limit: limit, seed: seed)
    return (chosen.prefix(chosen.count / 2).sorted(), chosen.dropFirst(chosen.count / 2).sorted())
  }

  /// - Throws: `InputError` for the order of image files, which lie class by class: a half would have half of the classes.
  func check(_ dataset: ImageDataset) throws {
    guard self == .fileOrder, case .files = dataset.training.pixels else { return }
    throw InputError(
      "files of a folder lie class by class", at: .setting("split"), found: rawValue, wanted: Self.seeded.rawValue)
  }
}
