import Cells

/// What a network is, before any engine has lowered it.
public enum NetworkDescription: Sendable {
  case supernet(SupernetArchitecture)
  case derived(DerivedArchitecture)

  /// Height and width of the images that it reads.
  public var imageSize: Int {
    switch self {
    case .supernet(let architecture): architecture.imageSize
    case .derived(let architecture): architecture.imageSize
    }
  }

  public var classes: Int {
    switch self {
    case .supernet(let architecture): architecture.classes
    case .derived(let architecture): architecture.classes
    }
  }

  /// Its tensors under their public names, in the order that initial weights rest on.
  public var tensors: NetworkTensors { layout.tensors }

  /// Mixing weights of one cell of each kind: of its operations over all edges, of auxiliary skip connections among them, and, with
  /// partial channels, of what bypasses them on each edge (`MixingRows`).
  public var mixingCounts: [Int] {
    switch self {
    case .supernet(let architecture):
      architecture.operations.candidates.map { MixingRows(of: $0, in: architecture.variant).count }
    case .derived: layout.mixingCounts
    }
  }

  /// Paths that an image can drop.
  public var pathCount: Int { layout.pathCount }

  /// What the CPU engine lowers.
  var layout: any NetworkLayout {
    switch self {
    case .supernet(let architecture): architecture.networkLayout
    case .derived(let architecture): architecture.networkLayout
    }
  }
}
