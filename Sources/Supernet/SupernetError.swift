/// What can be wrong with a network or its weights.
public enum SupernetError: Error, Equatable, CustomStringConvertible {
  /// A size that the engine does not take.
  case unsupported(what: String, found: String, wanted: String)
  /// A tensor that the network needs and the file lacks.
  case missingTensor(file: String, name: String, wanted: [Int])
  /// A tensor of another shape.
  case misshapenTensor(file: String, name: String, found: [Int], wanted: [Int])
  /// A tensor that holds NaN or infinity.
  case notFinite(file: String, name: String)
  /// A genotype that cannot be read, derived or built: what is wrong, where, what stood there, what would be right.
  case genotype(String, at: String, found: String, wanted: String)

  public var description: String {
    switch self {
    case .unsupported(let what, let found, let wanted): "\(what): found \(found), expected \(wanted)"
    case .missingTensor(let file, let name, let wanted): "\(file): no tensor \(name); expected one of shape \(wanted)"
    case .misshapenTensor(let file, let name, let found, let wanted):
      "\(file): tensor \(name) has shape \(found); expected \(wanted)"
    case .notFinite(let file, let name): "\(file): tensor \(name) holds values that are not finite"
    case .genotype(let problem, let place, let found, let wanted): "\(place): \(problem): found \(found), expected \(wanted)"
    }
  }
}
