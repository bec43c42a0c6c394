/// Sums over many vectors, in double precision: what is found does not depend on how many there are.
extension ParameterVector {
  /// sums ← sums + scale · self.
  package func add(to sums: inout [Double], scaledBy scale: Double) {
    precondition(sums.count == count, "a vector of \(count) values does not add to \(sums.count)")
    for index in 0..<count { sums[index] += scale * Double(storage[index]) }
  }

  /// self ← values, each rounded once.
  package func round(_ values: [Double]) {
    precondition(values.count == count, "a vector of \(count) values cannot take \(values.count)")
    for index in 0..<count { storage[index] = Float(values[index]) }
  }

  /// self ← self · other, entry by entry.
  package func multiply(by other: ParameterVector) {
    precondition(other.count == count, "vectors of \(count) and \(other.count) values do not combine")
    for index in 0..<count { storage[index] *= other.storage[index] }
  }

  /// ‖self − Σ scale · term‖, the terms added one after the other.
  package func distance(from terms: [(vector: ParameterVector, scale: Double)]) -> Double {
    for (vector, _) in terms {
      precondition(vector.count == count, "vectors of \(count) and \(vector.count) values do not combine")
    }
    var (total, start) = (0.0, 0)
    // In blocks, so that rounding does not grow with the length.
    while start < count {
      let end = min(start + 4096, count)
      var block = 0.0
      for index in start..<end {
        var rest = Double(storage[index])
        for (vector, scale) in terms { rest -= scale * Double(vector.storage[index]) }
        block += rest * rest
      }
      total += block
      start = end
    }
    return total.squareRoot()
  }
}
