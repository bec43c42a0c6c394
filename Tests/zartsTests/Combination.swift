import Cells
import Foundation
import Search
import TestSupport

/// A search of the smallest size: a method, a variant of the supernet and a space.
struct Combination: Sendable, CustomStringConvertible {
  enum Variant: String, CaseIterable, Sendable {
    case plain, partial, edges, merged, stages
    /// Stages with edge normalisation and a bound on skip connections.
    case everything
  }

  let method: SearchMethod
  let variant: Variant
  let space: SearchSpace

  var description: String { "\(method.rawValue) \(variant.rawValue) \(space.rawValue)" }

  /// Each method, each variant and each space at least once.
  static let sample = [
    Combination(method: .darts1, variant: .edges, space: .s1), Combination(method: .darts2, variant: .plain, space: .s6),
    Combination(method: .darts1ES, variant: .edges, space: .s3),
    Combination(method: .darts2ES, variant: .partial, space: .s4),
    Combination(method: .dartsADA, variant: .edges, space: .s2),
    Combination(method: .dartsMinus, variant: .edges, space: .s6),
    Combination(method: .zartsRS, variant: .stages, space: .s5),
    Combination(method: .zartsMGS, variant: .merged, space: .s1),
    Combination(method: .zartsGLD, variant: .everything, space: .s3),
    Combination(method: .random, variant: .plain, space: .s2),
    Combination(method: .rdartsDP, variant: .edges, space: .s5),
    Combination(method: .sdartsRS, variant: .edges, space: .s5),
    Combination(method: .sdartsADV, variant: .plain, space: .s3),
    Combination(method: .zartsMGS, variant: .plain, space: .nb201),
    Combination(method: .rdartsL2, variant: .plain, space: .s4),
  ]

  /// All that the settings allow.
  static var all: [Combination] {
    SearchMethod.allCases.flatMap { method in
      Variant.allCases.flatMap { variant in
        SearchSpace.allCases.map { Combination(method: method, variant: variant, space: $0) }
      }
    }.filter(\.isAllowed)
  }

  var isStaged: Bool { variant == .stages || variant == .everything }
  var hasEdgeColumn: Bool { variant == .edges || variant == .everything }

  private var isAllowed: Bool {
    if isStaged, !method.searchesInStages { return false }
    if method == .random, hasEdgeColumn { return false }
    if method == .dartsMinus, variant == .merged { return false }
    if space == .nb201, variant != .plain { return false }
    return variant != .merged || space.hasEdgesOfConvolutions
  }

  static let data = GoldenFile.path("variants/s5_c8_l3_k4")

  /// Arguments of `zarts` that run the search.
  func arguments(out: String) -> [String] {
    let kept = max(2, space.operationsPerEdge - 1)
    let flags: [String] =
      switch variant {
      case .plain: []
      case .partial: ["--partial-channels", "2"]
      case .edges: ["--partial-channels", "2", "--edge-normalisation"]
      case .merged: ["--merged-convolutions"]
      case .stages: ["--stages", "3:4:\(space.operationsPerEdge):0:1:0,4:4:\(kept):0.4:2:0"]
      case .everything:
        [
          "--stages", "3:4:\(space.operationsPerEdge):0:1:0,4:4:\(kept):0.4:2:0", "--partial-channels", "2",
          "--edge-normalisation", "--maximum-skips", "1",
        ]
      }
    let earlyStopping =
      method.stopsEarly ? ["--early-stop-window", "1", "--early-stop-start", "0", "--eigenvalue-batches", "1"] : []
    return [
      "search", "--method", method.rawValue, "--space", space.rawValue, "--dataset", "tensors:\(Self.data)", "--channels",
      "4", "--layers", "3", "--batch", "4", "--epochs", "2", "--warmup", "0", "--inner-steps", "1", "--candidates", "2",
      "--threads", "1", "--seed", "7", "--out", out,
    ] + flags + earlyStopping
  }
}
