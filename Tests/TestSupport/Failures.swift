import Formats

/// What a test could not go on with.
package struct TestFailure: Error, CustomStringConvertible {
  package let description: String
  package init(_ description: String) { self.description = description }
}

/// The description of whatever is thrown; nil where nothing is.
package func message(_ body: () throws -> Void) -> String? {
  do {
    try body()
    return nil
  } catch {
    return "\(error)"
  }
}

/// Where an input was refused and what stood there, `place: found`, or the place alone; nil where it was taken.
package func refusal<Value>(_ body: () throws -> Value) -> String? {
  do {
    _ = try body()
    return nil
  } catch let error as InputError {
    return ["\(error.place)", error.found].compactMap(\.self).joined(separator: ": ")
  } catch {
    return "no InputError: \(error)"
  }
}

package func bytes(_ path: String) throws -> [UInt8] { try FileBytes.read(path) }
