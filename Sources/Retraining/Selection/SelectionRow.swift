import Formats

/// What is known of a candidate: a row of selection.csv.
public struct SelectionRow: Equatable, Sendable {
  /// Counted from 1, in the order given.
  public let number: Int
  public let source: String
  /// Of its short training, within the folder of the selection.
  public let folder: String
  /// On held-out images after the last epoch of the short training; nil before it is finished.
  public var validation: RetrainingRecord.Reported?
  /// On the test split, of the chosen one after its training on all images.
  public var test: RetrainingRecord.Reported?
  public var isChosen = false

  package init(number: Int, source: String, folder: String, validation: RetrainingRecord.Reported? = nil) {
    self.number = number
    self.source = source
    self.folder = folder
    self.validation = validation
  }

  static let columns = [
    "candidate", "source", "folder", "validation_loss", "validation_accuracy", "chosen", "test_loss", "test_accuracy",
    "test_top5",
  ]

  var cells: [CSVField] {
    func number(_ value: Double?) -> CSVField { value.map(CSVField.real) ?? .text("") }
    return [
      .integer(self.number), .text(source), .text(folder), number(validation?.loss), number(validation?.accuracy),
      .integer(isChosen ? 1 : 0), number(test?.loss), number(test?.accuracy), number(test?.top5),
    ]
  }

  /// The place of the one to choose: of the highest validation accuracy, of equal ones that of the lowest loss, then the first.
  /// nil where one has none yet.
  package static func choice(of rows: [SelectionRow]) -> Int? {
    let found = rows.compactMap(\.validation)
    guard found.count == rows.count else { return nil }
    return found.indices.min { left, right in
      let (first, second) = (found[left], found[right])
      if first.accuracy != second.accuracy { return first.accuracy > second.accuracy }
      if first.loss != second.loss { return first.loss < second.loss }
      return left < right
    }
  }
}
