extension FigureFile {
  /// What a figure's file holds beside the figure.
  public struct Style: Equatable, Sendable {
    /// Whether command line, paths, digests and settings stay in the metadata.
    public var keepsMetadata: Bool
    /// Of an SVG document.
    public var letters: SVGLetters

    public init(keepsMetadata: Bool = true, letters: SVGLetters = .outlines) {
      self.keepsMetadata = keepsMetadata
      self.letters = letters
    }

    /// What is left of metadata.
    public func kept(_ metadata: FigureMetadata) -> FigureMetadata {
      keepsMetadata ? metadata : FigureMetadata([], maker: metadata.maker)
    }
  }
}
