import ArgumentParser
import Cells
import Compute
import Datasets
import Engine
import Formats
import Foundation
import Runs
import Search

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Time the engine, and say what share of the machine it uses.",
    discussion: """
      Each quantity is run once unmeasured and then --repeats times; the best time counts. The shares are of a loop of \
      fused multiply-adds in registers and of large copies, both measured before and after in the same process on the \
      same threads. ZARTS_ISA=avx512, avx2 or baseline forces an instruction set.
      """)

  /// Quantities that are timed where none are named.
  private static let usual = "train_step,forward,alpha_first,alpha_second"
  private static let usualOfDerived = "train_step,forward"

  @Option(help: "Search space, s1 to s6 or nb201.") var space: String = "s6"
  @Option(
    help: ArgumentHelp(
      "Time the derived network of a genotype instead: a run folder, a file or a Genotype(…) line.", valueName: "genotype"))
  var genotype: String?
  @Option(help: "Channels of the first cells, a multiple of 4.") var channels: Int = 16
  @Option(help: "Cells.") var layers: Int = 8
  @Option(help: "K: operations see the first 1/K of the channels, and edges have weights (PC-DARTS).")
  var partialChannels: Int = 1
  @Flag(help: "The convolutions of an edge are one with a shared kernel (MergeNAS).") var mergedConvolutions = false
  @Option(help: "Probability with which images drop edges of cells (RobustDARTS).") var dropPath: Double = 0
  @Option(help: "Images of a batch.") var batch: Int = 64
  @Option(help: "Threads. Default: \(ThreadHelp.number).") var threads: Int?
  @Option(
    help: """
      Groups of threads on which an update evaluates its candidates side by side (zarts_update), at most as many as there are \
      candidates; 0 as a search would choose, memory left aside.
      """)
  var groups = 1
  @OptionGroup var pinning: PinFlag
  @Option(help: EngineKind.help()) var engine: EngineKind?
  @Option(help: "Measured runs of each quantity.") var repeats: Int = 3
  @Option(
    help: """
      Quantities, separated by commas: \(EngineBenchmark.Quantity.allCases.map(\.rawValue).joined(separator: ", ")). \
      Default: \(BenchCommand.usual); of a derived network \(BenchCommand.usualOfDerived).
      """)
  var quantities: String?
  @Flag(help: "One JSON object a line.") var json = false
  @Option(
    help: ArgumentHelp(
      "Command of a peer to race, run in turn with this engine.",
      discussion: """
        It is given --threads, --channels, --layers, --batch, --repeats and --space or --genotype, and prints one JSON \
        object a line with quantity, seconds and, where it has several, layout.
        """))
  var peer: String?
  @Option(help: "Turns of the race: engine, peer, engine, peer, and so on.") var rounds: Int = 3

  func validate() throws {
    try SupernetArchitecture.channelCounts.check(channels, "--channels")
    try SupernetArchitecture.layerCounts.check(layers, "--layers")
    try BatchLoader.batchSizes.check(batch, "--batch")
    try ThreadPool.counts.check(threads, "--threads")
    try RunBounds.groups.check(groups, "--groups")
    guard RealBounds.belowOne.contains(dropPath) else {
      throw ValidationError("--drop-path: found \(dropPath), wanted \(RealBounds.belowOne.wanted)")
    }
    let turns = CountBounds(1...100_000)
    try turns.check(repeats, "--repeats")
    try turns.check(rounds, "--rounds")
    guard partialChannels == 1 || 1 < partialChannels && partialChannels <= channels && channels % (2 * partialChannels) == 0
    else {
      throw ValidationError(
        "--partial-channels: found \(partialChannels), wanted 1, or a number of which the channels, \(channels), are an "
          + "even multiple")
    }
  }

  func run() throws {
    guard let space = SearchSpace(rawValue: space) else {
      throw ValidationError(
        "--space \(space): expected one of \(SearchSpace.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    try pinning.apply()
    let threads = threads ?? AvailableProcessors.count
    let chosen = try ListText.items(quantities ?? (genotype == nil ? Self.usual : Self.usualOfDerived)).map { name in
      guard let quantity = EngineBenchmark.Quantity(rawValue: name) else {
        throw ValidationError(
          "--quantities \(name): expected \(EngineBenchmark.Quantity.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      return quantity
    }
    guard genotype == nil || partialChannels == 1 else {
      throw ValidationError("--partial-channels \(partialChannels): a derived network has none")
    }
    guard !mergedConvolutions || genotype == nil && peer == nil else {
      throw ValidationError(
        "--merged-convolutions: \(genotype == nil ? "a peer races the plain supernet" : "a derived network has none")")
    }
    guard dropPath == 0 || genotype == nil && peer == nil else {
      throw ValidationError(
        "--drop-path \(dropPath): \(genotype == nil ? "a peer races the plain supernet" : "for a supernet alone")")
    }
    guard groups == 1 || genotype == nil && peer == nil else {
      throw ValidationError(
        "--groups \(groups): \(genotype == nil ? "a peer has none" : "a derived network has no candidates")")
    }
    if let peer {
      guard partialChannels == 1 else {
        throw ValidationError("--partial-channels \(partialChannels): a peer races the plain supernet")
      }
      let configuration =
        [
          "--threads", "\(threads)", "--channels", "\(channels)", "--layers", "\(layers)", "--batch", "\(batch)",
          "--repeats", "\(repeats)",
        ] + (genotype.map { ["--genotype", $0] } ?? ["--space", space.rawValue])
      let race = BenchRace(
        command: peer, configuration: configuration,
        own: (engine.map { ["--engine", $0.name] } ?? []) + (pinning.pin ? ["--pin"] : []),
        quantities: chosen.map(\.rawValue), rounds: rounds)
      do {
        print(try race.run())
      } catch let error as ValidationError {
        // A peer that fails is no wrong flag.
        throw InputError(error.message, at: "--peer \(peer)")
      }
      return
    }
    let kernels = try RunningProgram.kernels()
    // Before the engine lays out its memory, so that the copies don't count as its own.
    let before = MachinePeak.measure(threads: threads, repeats: 2, kernels: kernels)
    let benchmark = try makeBenchmark(space: space, threads: threads, kernels: kernels)
    let measurements = try chosen.map { try benchmark.measure($0, repeats: repeats) }
    let after = MachinePeak.measure(threads: threads, repeats: 2, kernels: kernels)
    let peak = MachinePeak(
      flopsPerSecond: max(before.flopsPerSecond, after.flopsPerSecond),
      bytesPerSecond: max(before.bytesPerSecond, after.bytesPerSecond))
    if json {
      for measurement in measurements {
        print(try line(measurement, threads: threads, peak: peak, instructionSet: benchmark.instructionSet))
      }
    } else {
      print(table(measurements, threads: threads, peak: peak, instructionSet: benchmark.instructionSet))
    }
  }

  private func makeBenchmark(space: SearchSpace, threads: Int, kernels: KernelSet) throws -> EngineBenchmark {
    guard let genotype else {
      var variant = SupernetVariant()
      variant.partialChannels = partialChannels
      variant.edgeNormalisation = partialChannels > 1
      variant.mergedConvolutions = mergedConvolutions
      variant.dropsPaths = dropPath > 0
      return try EngineBenchmark(
        space: space, channels: channels, layers: layers, batch: batch, threads: threads, groups: groups,
        variant: variant, dropPath: dropPath, engine: engine ?? .cpu, kernels: kernels)
    }
    return try EngineBenchmark(
      derived: DerivedArchitecture(
        genotype: usage(of: "--genotype") { try GenotypeSource.read(genotype) }, channels: channels, layers: layers),
      batch: batch, threads: threads, engine: engine ?? .cpu, kernels: kernels)
  }

  private var grouping: String {
    switch groups {
    case 0: ", candidates on groups by choice"
    case 1: ""
    default: ", candidates on \(groups) groups"
    }
  }

  private var network: String { genotype == nil ? space : "derived" }

  private struct Line: Encodable {
    var engine = "zarts"
    let quantity: String
    let threads: Int
    let groups: Int
    let batch: Int
    let channels: Int
    let layers: Int
    let space: String
    let seconds: Double
    let peakBytes: Int
    let flopShare: Double
    let bandwidthShare: Double
    let instructionSet: String
  }

  private func line(
    _ measurement: EngineBenchmark.Measurement, threads: Int, peak: MachinePeak, instructionSet: String
  ) throws -> String {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys]
    let line = Line(
      quantity: measurement.quantity.rawValue, threads: threads, groups: groups, batch: batch, channels: channels,
      layers: layers,
      space: network, seconds: measurement.best, peakBytes: measurement.peakBytes,
      flopShare: measurement.flopShare(of: peak), bandwidthShare: measurement.bandwidthShare(of: peak),
      instructionSet: instructionSet)
    return String(decoding: try encoder.encode(line), as: UTF8.self)
  }

  private func table(
    _ measurements: [EngineBenchmark.Measurement], threads: Int, peak: MachinePeak,
    instructionSet: String
  ) -> String {
    func number(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }
    let rows = measurements.map { measurement in
      [
        measurement.quantity.rawValue, number(measurement.best, 4), number(measurement.seconds.max() ?? 0, 4),
        number(Double(measurement.cost.flops) / 1e9, 1), number(100 * measurement.flopShare(of: peak), 1),
        number(100 * measurement.bandwidthShare(of: peak), 1), number(Double(measurement.peakBytes) / 1e9, 2),
      ]
    }
    return """
      \(network), \(channels) channels, \(layers) cells, batch \(batch), \(threads) threads\(grouping), \(instructionSet); \
      peak \(number(peak.flopsPerSecond / 1e9, 0)) GFLOP/s, copy \(number(peak.bytesPerSecond / 1e9, 1)) GB/s
      \(TextTable.text(
        header: ["quantity", "best s", "worst s", "GFLOP", "% FMA peak", "% copy", "peak GB"], rows: rows,
        rightAligned: [1, 2, 3, 4, 5, 6]))
      """
  }
}
