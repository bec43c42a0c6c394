import CMatIO
import Formats
import Foundation

/// Numeric variables of a MATLAB file (version 5, and 7.3 where libmatio was built with HDF5).
final class MATFile {
  /// A variable, the first index running fastest.
  struct Variable {
    var extents: [Int]
    var values: Values
  }

  enum Values {
    case bytes([UInt8])
    case doubles([Double])

    var kind: String {
      switch self {
      case .bytes: "uint8"
      case .doubles: "double"
      }
    }

    var numbers: [Double] {
      switch self {
      case .bytes(let values): values.map(Double.init)
      case .doubles(let values): values
      }
    }
  }

  /// Most bytes of a variable, so that a damaged file cannot fill the memory; the extra images of SVHN take 1.6 GB.
  static let mostBytes = 1 << 32

  let path: String
  private let file: OpaquePointer

  /// - Throws: `InputError` where the file is absent, no MATLAB file, or damaged as far as its checksums tell.
  init(_ path: String) throws {
    guard FileManager.default.isReadableFile(atPath: path) else {
      throw InputError("cannot be opened for reading", at: .file(path))
    }
    try MATElements.verify(path)
    guard let file = Mat_Open(path, Int32(MAT_ACC_RDONLY.rawValue)) else {
      throw InputError("damaged, or no MATLAB file", at: .file(path), wanted: "a MAT file of version 5")
    }
    self.path = path
    self.file = file
  }

  deinit { Mat_Close(file) }

  /// - Throws: `InputError` where there is no such variable, it is neither uint8 nor double, or its data are damaged.
  func variable(_ name: String) throws -> Variable {
    guard let description = Mat_VarReadInfo(file, name) else {
      let found = names()
      throw InputError(
        "there is no variable \(name)", at: .file(path),
        found: found.isEmpty ? "none that can be read" : found.joined(separator: ", "))
    }
    let (extents, kind) = (Self.extents(of: description), description.pointee.class_type)
    let isComplex = description.pointee.isComplex != 0
    Mat_VarFree(description)
    let width = kind == MAT_C_UINT8 ? 1 : 8
    guard kind == MAT_C_UINT8 || kind == MAT_C_DOUBLE, !isComplex else {
      throw InputError(
        "wrong type", at: .file(path, name), found: "MATLAB class \(kind.rawValue)\(isComplex ? ", complex" : "")",
        wanted: "uint8 or double, classes \(MAT_C_UINT8.rawValue) and \(MAT_C_DOUBLE.rawValue)")
    }
    var size = width
    for extent in extents {
      let product = size.multipliedReportingOverflow(by: extent)
      guard extent > 0, !product.overflow, product.partialValue <= Self.mostBytes else {
        throw InputError("empty, or larger than can be right", at: .file(path, name), found: "\(extents)")
      }
      size = product.partialValue
    }
    guard let variable = Mat_VarRead(file, name) else {
      throw InputError("the data cannot be read: truncated or corrupt", at: .file(path, name))
    }
    defer { Mat_VarFree(variable) }
    guard let data = variable.pointee.data, variable.pointee.nbytes == size, variable.pointee.data_size == width,
      Self.extents(of: variable) == extents
    else { throw InputError("the data are truncated or corrupt", at: .file(path, name)) }
    let bytes = UnsafeRawBufferPointer(start: data, count: size)
    return Variable(
      extents: extents, values: width == 1 ? .bytes(Array(bytes)) : .doubles(Array(bytes.bindMemory(to: Double.self))))
  }

  private static func extents(of variable: UnsafeMutablePointer<matvar_t>) -> [Int] {
    guard let extents = variable.pointee.dims else { return [] }
    return (0..<Int(variable.pointee.rank)).map { Int(clamping: extents[$0]) }
  }

  private func names() -> [String] {
    var count = 0
    guard let names = Mat_GetDir(file, &count) else { return [] }
    return (0..<count).compactMap { names[$0].map { String(cString: $0) } }
  }
}
