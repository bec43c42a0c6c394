/// Searches that another program logged, to be drawn beside runs.
public struct LoggedSearches: Equatable, Sendable {
  /// One of them.
  public struct Run: Equatable, Sendable {
    public let name: String
    /// Counted from 1, in ascending order.
    public let epochs: [Int]
    /// By column as metrics.csv names it, one finite value an epoch; nil where there is none.
    public let values: [String: [Double?]]

    /// Values that were logged and are not finite, as those of a search that diverged.
    public let omitted: Int

    /// - Parameter values: by column; those that are not finite are left out.
    /// - Precondition: each column has a value or nil for each epoch.
    public init(name: String, epochs: [Int], values: [String: [Double?]]) {
      precondition(values.values.allSatisfy { $0.count == epochs.count }, "a value for each epoch")
      (self.name, self.epochs) = (name, epochs)
      self.values = values.mapValues { $0.map { value in value.flatMap { $0.isFinite ? $0 : nil } } }
      omitted = values.values.reduce(0) { sum, column in sum + column.count { $0.map { !$0.isFinite } ?? false } }
    }
  }

  /// What they have in common, as a legend says it.
  public let name: String
  public let runs: [Run]

  public init(name: String, runs: [Run]) { (self.name, self.runs) = (name, runs) }

  /// Columns in which none of them has a value.
  public func absent(of columns: [String]) -> [String] {
    columns.filter { column in !runs.contains { $0.values[column]?.contains { $0 != nil } == true } }
  }
}
