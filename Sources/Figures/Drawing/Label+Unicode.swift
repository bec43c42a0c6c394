extension Label {
  /// The text with the Unicode characters for subscripts and superscripts, for places that cannot set type; characters that
  /// have none stay on the line.
  package var unicode: String {
    runs.map { run in
      switch run.script {
      case .normal: run.text
      case .lowered: run.text.map { Self.subscripts[$0] ?? String($0) }.joined()
      case .raised: run.text.map { Self.superscripts[$0] ?? String($0) }.joined()
      }
    }.joined()
  }

  private static let subscripts: [Character: String] = [
    "0": "₀", "1": "₁", "2": "₂", "3": "₃", "4": "₄", "5": "₅", "6": "₆", "7": "₇", "8": "₈", "9": "₉", "+": "₊",
    "\u{2212}": "₋", "-": "₋", "k": "ₖ",
  ]
  private static let superscripts: [Character: String] = [
    "0": "⁰", "1": "¹", "2": "²", "3": "³", "4": "⁴", "5": "⁵", "6": "⁶", "7": "⁷", "8": "⁸", "9": "⁹", "+": "⁺",
    "\u{2212}": "⁻", "-": "⁻",
  ]
}
