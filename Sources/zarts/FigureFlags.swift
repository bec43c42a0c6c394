import ArgumentParser
import Figures

/// The flag of commands that write a file at a path which a person names.
struct OverwriteFlag: ParsableArguments {
  @Flag(help: "Replace a file at --out that zarts did not make; never one of a run or another result.")
  var overwrite = false
}

/// The flags of commands that draw: what a figure's file holds beside the figure.
struct FigureFlags: ParsableArguments {
  @Flag(help: "Leave command line, paths, digests and settings out of the figures' metadata.")
  var noMetadata = false
  @Flag(help: "Letters of .svg figures are text that can be selected and edited, not outlines.")
  var svgText = false

  /// The flags that were given, as they would be typed.
  var words: [String] { (noMetadata ? ["--no-metadata"] : []) + (svgText ? ["--svg-text"] : []) }

  var style: FigureFile.Style { .init(keepsMetadata: !noMetadata, letters: svgText ? .text : .outlines) }
}
