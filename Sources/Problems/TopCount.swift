/// How often the right class is among the likeliest.
package enum TopCount {
  /// Papers report the five likeliest for data of so many classes and more: CIFAR-100, ImageNet16-120, ImageNet.
  package static let fewestClasses = 100

  /// Images whose class has fewer than `places` classes above it. Of equal logits the first counts as the higher one, as in
  /// the accuracy, and a logit that is no number is never below another.
  ///
  /// - Parameters:
  ///   - logits: [images, classes], row-major.
  ///   - labels: one an image, in 0..<classes.
  package static func hits(logits: [Float], labels: [Int32], classes: Int, among places: Int) -> Int {
    labels.indices.count { image in
      let row = logits[image * classes..<(image + 1) * classes]
      let label = row.startIndex + Int(labels[image])
      let own = row[label]
      let above = row.indices.count { $0 != label && !(row[$0] < own) && !($0 > label && row[$0] == own) }
      return above < places
    }
  }
}
