/// Numbers that left the finite range: what, at which step of which method, and the norms around it.
public struct Divergence: Error, Equatable, Sendable, CustomStringConvertible {
  /// One or more lines.
  public var account: String

  public init(_ account: String) { self.account = account }

  public var description: String { account }
}
