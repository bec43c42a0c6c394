import ArgumentParser
import Compute
import Foundation
import Runs

/// The engine and a peer, each in a process of its own, in turn: ratios of neighbours hold where the machine's speed drifts.
struct BenchRace {
  let command: String
  let configuration: [String]
  /// What is said to the engine alone.
  let own: [String]
  let quantities: [String]
  let rounds: Int

  private struct Entry: Decodable {
    let quantity: String
    let seconds: Double
    let layout: String?
  }

  /// A table of medians and of the ratios' median and worst.
  ///
  /// - Throws: `ValidationError` where a process fails or prints no measurement.
  func run() throws -> String {
    var own: [String: [Double]] = [:]
    var ratios: [String: [Double]] = [:]
    var peers: [String: [Double]] = [:]
    let engine = RunningProgram.path
    let flags = ["bench", "--json", "--quantities", quantities.joined(separator: ",")] + configuration + self.own
    for round in 1...rounds {
      StandardStream.error.write("round \(round) of \(rounds)\n")
      var mine: [String: Double] = [:]
      for entry in try entries(of: engine, arguments: flags) {
        own[entry.quantity, default: []].append(entry.seconds)
        mine[entry.quantity] = entry.seconds
      }
      // The peer is a command line; what it is given are words.
      let line = ([command] + configuration.map(Provenance.shellQuoted)).joined(separator: " ")
      for entry in try entries(of: "/bin/sh", arguments: ["-c", line]) {
        guard let seconds = mine[entry.quantity] else { continue }
        let key = entry.quantity + "\t" + (entry.layout ?? "")
        peers[key, default: []].append(entry.seconds)
        ratios[key, default: []].append(entry.seconds / seconds)
      }
    }
    let rows = quantities.flatMap { quantity in
      peers.keys.filter { $0.hasPrefix(quantity + "\t") }.sorted().map { key in
        let ratio = ratios[key] ?? []
        return [
          quantity, String(key.dropFirst(quantity.count + 1)), number(median(own[quantity] ?? [])),
          number(median(peers[key] ?? [])),
          String(format: "%.1f", median(ratio)), String(format: "%.1f", ratio.min() ?? 0),
        ]
      }
    }
    return TextTable.text(
      header: ["quantity", "layout", "zarts s", "peer s", "times faster", "worst"], rows: rows, rightAligned: [2, 3, 4, 5])
  }

  private func entries(of program: String, arguments: [String]) throws -> [Entry] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    do { try process.run() } catch {
      throw ValidationError("cannot start \(program): \(error.localizedDescription)")
    }
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw ValidationError(
        "\(([program] + arguments).map(Provenance.shellQuoted).joined(separator: " ")): exit status \(process.terminationStatus), expected 0"
      )
    }
    let decoder = JSONDecoder()
    let found = String(decoding: data, as: UTF8.self).split(separator: "\n").compactMap {
      try? decoder.decode(Entry.self, from: Data($0.utf8))
    }
    guard !found.isEmpty else {
      throw ValidationError("\(program) printed no line of JSON with quantity and seconds")
    }
    return found
  }

  private func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    guard !sorted.isEmpty else { return .nan }
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }

  private func number(_ value: Double) -> String { String(format: "%.3f", value) }
}
