import CKernels
import Foundation

/// The instruction sets that there are compute kernels for, and the choice of one.
///
/// A program chooses once, at its start, and passes the `KernelSet` on: to problems and models, and with their vectors to
/// the algebra on weights.
public enum Kernels {
  /// The variable that forces an instruction set: `avx512`, `avx2` or `baseline`.
  public static let environmentVariable = "ZARTS_ISA"

  /// The instruction sets that this processor has, best first. The last of them, `baseline`, is everywhere.
  public static let sets: [KernelSet] = (0..<ck_available()).compactMap { ck_get($0).map(KernelSet.init) }

  /// Their names.
  public static var available: [String] { sets.map(\.name) }

  /// The set of a name, by default the one that `ZARTS_ISA` holds; without a name the best one.
  ///
  /// - Throws: `KernelError` for the name of a set that is unknown or that the processor lacks.
  public static func select(named requested: String? = ProcessInfo.processInfo.environment[environmentVariable]) throws
    -> KernelSet
  {
    guard let set = requested.map({ name in sets.first { $0.name == name } }) ?? sets.first else {
      throw KernelError.unavailable(requested: requested ?? "", available: available)
    }
    return set
  }
}

/// One instruction set's kernels. All sets give the same bits.
public struct KernelSet: @unchecked Sendable, Hashable {
  package let table: UnsafePointer<ck_kernels>

  /// - Parameter table: of kernels that outlive this value.
  package init(_ table: UnsafePointer<ck_kernels>) { self.table = table }

  public var name: String { String(cString: table.pointee.name) }
}

public enum KernelError: Error, CustomStringConvertible {
  case unavailable(requested: String, available: [String])

  public var description: String {
    switch self {
    case .unavailable(let requested, let available):
      "\(Kernels.environmentVariable)=\(requested): this processor has \(available.joined(separator: ", ")); name one of these"
    }
  }
}
