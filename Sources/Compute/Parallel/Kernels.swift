import CKernels
import Foundation

/// The compute kernels of the instruction set in use.
public enum Kernels {
  /// The variable that forces an instruction set: `avx512`, `avx2` or `baseline`.
  public static let environmentVariable = "ZARTS_ISA"

  /// Names of the instruction sets that this processor has, best first.
  public static var available: [String] {
    (0..<ck_available()).compactMap { ck_get($0).map { String(cString: $0.pointee.name) } }
  }

  /// The set for operations on whole vectors, which no engine hands on: that of `select`, chosen once. Where the variable
  /// names none that there is, the first engine says so.
  public static let inUse = inUse(named: ProcessInfo.processInfo.environment[environmentVariable])

  /// The same for a value of the variable.
  public static func inUse(named requested: String?) -> KernelSet { (try? select(named: requested)) ?? KernelSet(index: 0) }

  /// The set that `ZARTS_ISA` names, or the best one.
  ///
  /// - Throws: `KernelError` when the variable names a set that is unknown or that the processor lacks.
  public static func select(named requested: String? = ProcessInfo.processInfo.environment[environmentVariable]) throws
    -> KernelSet
  {
    let names = available
    guard let requested else { return KernelSet(index: 0) }
    guard let index = names.firstIndex(of: requested) else {
      throw KernelError.unavailable(requested: requested, available: names)
    }
    return KernelSet(index: index)
  }
}

/// One instruction set's kernels. All sets give the same bits.
public struct KernelSet: @unchecked Sendable {
  package let table: UnsafePointer<ck_kernels>

  init(index: Int) {
    guard let table = ck_get(Int32(index)) else { preconditionFailure("no kernel set \(index)") }
    self.table = table
  }

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
