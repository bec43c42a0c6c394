/// Sizes in points and colours shared by every figure, chosen for a text width of 5.5 to 7 inches.
enum Theme {
  static let font = "DejaVu Sans"
  static let titleSize = 9.0
  static let panelTitleSize = 8.5
  static let labelSize = 8.0
  static let tickSize = 7.0
  static let captionSize = 7.0
  static let contourSize = 6.0
  /// Height of a capital in units of the font size (DejaVu Sans: 1493/2048).
  static let capHeight = 0.729
  /// Depth below the baseline in units of the font size (DejaVu Sans: 483/2048).
  static let descent = 0.236
  static let lineHeight = 1.35
  static let margin = 6.0
  static let tickLength = 2.5
  static let tickGap = 2.5
  static let frameWidth = 0.6
  static let notFinite = Colour(red: 0.78, green: 0.78, blue: 0.78)
  static let hatch = Colour(red: 0.45, green: 0.45, blue: 0.45)
  /// Boxes of states, and lines that join states into an output.
  static let state = Colour(red: 0.945, green: 0.945, blue: 0.945)
  static let joining = Colour(red: 0.45, green: 0.45, blue: 0.45)
  static let grid = Colour(red: 0.88, green: 0.88, blue: 0.88)

  /// Okabe and Ito's palette (2008), told apart with any colour vision; black and yellow left out.
  static let series: [Colour] = [
    Colour(hex: 0x0072B2), Colour(hex: 0xD55E00), Colour(hex: 0x009E73), Colour(hex: 0xCC79A7), Colour(hex: 0xE69F00),
    Colour(hex: 0x56B4E9),
  ]
}
