import Runs
import Search

/// A metric that the package does not have: all that it takes to add one is this file (in the package the property is a stored
/// one, filled where the epoch is measured), and in the package its line in the table of `EpochRecord`.
extension EpochRecord {
  /// Validation loss less training loss, in nats.
  var generalisationGap: Double? {
    get { validationLoss - trainingLoss }
    // What it is made of has been read already.
    set {}
  }
}

extension RecordColumn<EpochRecord> {
  static var generalisationGap: RecordColumn<EpochRecord> {
    .real("generalisation_gap", \.generalisationGap, .finite, event: "loss/generalisation_gap", isNew: true)
  }
}
