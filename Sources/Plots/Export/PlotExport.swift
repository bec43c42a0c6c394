import Figures
import Formats
import Foundation

/// Files of other programs in which planes and lines are handed on, beside figures: one value a format, declared in the file
/// that makes it and listed in `declared`.
public struct PlotExport: Sendable {
  /// What flags call it, and how its files end.
  public let name: String
  /// A line of help.
  public let summary: String
  /// The files that it needs, one of which is enough.
  public let sources: [String]
  /// Whether it has heights, which limits and a logarithm shape; other formats hold what was measured.
  public let hasHeights: Bool
  /// Whether bytes of a file are of this format and made by `Plot.maker`.
  let isOwn: @Sendable (_ bytes: [UInt8]) -> Bool
  /// Makes the files.
  ///
  /// - Throws: `InputError` where the folder doesn't hold what it needs.
  let make: @Sendable (PlotFolder, PlotStyle) throws -> Content

  /// What a folder gives.
  public struct Content: Sendable {
    public var files: [File] = []
    /// What a reader of the files should know.
    public var notes: [String] = []

    package init(files: [File] = [], notes: [String] = []) { (self.files, self.notes) = (files, notes) }
  }

  public struct File: Sendable {
    /// Name without its ending.
    public var name: String
    /// What is added to the name of a file that belongs to another; empty for one that stands for itself.
    public var addition: String
    public var bytes: [UInt8]

    package init(name: String, addition: String = "", bytes: [UInt8]) {
      (self.name, self.addition, self.bytes) = (name, addition, bytes)
    }
  }

  private static let declared: [PlotExport] = [.vti, .vtp, .hdf5]

  /// Exports beside the declared ones while a task runs: of tests.
  @TaskLocal package static var guests: [PlotExport] = []

  /// Every format.
  public static var all: [PlotExport] { declared + guests }

  /// The format of a name; nil where there is none.
  public init?(named name: String) {
    guard let export = Self.all.first(where: { $0.name == name }) else { return nil }
    self = export
  }

  package init(
    name: String, summary: String, sources: [String], hasHeights: Bool = false,
    isOwn: @escaping @Sendable (_ bytes: [UInt8]) -> Bool,
    make: @escaping @Sendable (PlotFolder, PlotStyle) throws -> Content
  ) {
    (self.name, self.summary, self.sources, self.hasHeights) = (name, summary, sources, hasHeights)
    (self.isOwn, self.make) = (isOwn, make)
  }

  /// For the rule of what may be replaced.
  public var output: OutputFile {
    OutputFile("a .\(name) file of \(Plot.maker)") { path in (try? FileBytes.read(path)).map(isOwn) ?? false }
  }

  /// Whether a folder has what it needs.
  public func fits(_ folder: PlotFolder) -> Bool { sources.contains(where: folder.offers) }
}

extension Plot {
  /// The files of a format; nothing is written.
  ///
  /// - Throws: `InputError` where the folder doesn't hold what it needs.
  public func content(_ export: PlotExport) throws -> PlotExport.Content { try export.make(folder, style) }
}

extension PlotFolder {
  /// Where exported files come from, as texts of theirs.
  func origin(of export: String, title: String, _ style: PlotStyle) -> [FigureMetadata.Entry] {
    [.init("Title", Label(title).unicode), .init("Software", "zarts"), .init("Maker", Plot.maker)]
      + metadata(["--format", export], style).entries
  }
}
