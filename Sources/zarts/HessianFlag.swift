import ArgumentParser
import Formats
import Problems

extension HessianKind: ExpressibleByArgument {
  /// The help of `--hessian`.
  ///
  /// - Parameters:
  ///   - owner: whose Hessian it is.
  ///   - usual: the default, in words.
  static func help(_ owner: String, default usual: String) -> ArgumentHelp {
    ArgumentHelp(
      """
      How products with \(owner) are made: exact (derivatives almost everywhere, as double backpropagation and published \
      eigenvalues have them) or difference (curvature over a distance). Default: \(usual).
      """)
  }

  /// The default where new results have exact products and those that go on stay as they are.
  static let usual = "\(HessianKind.exact.rawValue); with --resume, what the folder has"

  /// The kind that a command is to use: the one that its flag says, else that of a folder that is to be continued, else
  /// exact.
  ///
  /// - Parameter name: of the folder's file of settings, in which results of earlier versions name no kind.
  static func chosen(_ flag: HessianKind?, _ walk: WalkFlags, settings name: String) -> HessianKind {
    if let flag { return flag }
    guard walk.resume, let out = walk.out, let bytes = try? FileBytes.read("\(out)/\(name)") else { return .exact }
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    return lines.contains("\(settingKey): \(HessianKind.exact.rawValue)") ? .exact : .difference
  }
}
