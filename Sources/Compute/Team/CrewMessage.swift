/// What the ranks of a crew say to each other.
package enum CrewMessage: Equatable {
  /// To rank 0: so many workers wait for requests.
  case arrival(workers: Int, host: String)
  /// To a server: for all requests that follow.
  case context([UInt8])
  /// To a server: a piece for one of its workers, after those that it has got.
  case request(worker: Int, index: Int, [UInt8])
  /// To rank 0.
  case answer(worker: Int, index: Int, [UInt8])
  /// To rank 0: a piece that ended in an error.
  case failure(worker: Int, index: Int, String)
  /// To a server: pieces that no worker has begun are to be given back.
  case recall
  /// To rank 0: a piece that was not begun.
  case returned(worker: Int, index: Int)
  /// To rank 0: of a piece that the sender is at.
  case report([UInt8])
  /// To rank 0: the most memory that the sender has held so far, in bytes.
  case peak(Int)
  /// A signal asked the sender to stop.
  case stop(signal: Int32)
  /// To a server: nothing follows.
  case dismissal

  package var bytes: [UInt8] {
    var writer = MessageWriter()
    switch self {
    case .arrival(let workers, let host):
      writer.write(0)
      writer.write(workers)
      writer.write(host)
    case .context(let bytes):
      writer.write(1)
      writer.write(bytes)
    case .request(let worker, let index, let bytes):
      writer.write(2)
      writer.write(worker)
      writer.write(index)
      writer.write(bytes)
    case .answer(let worker, let index, let bytes):
      writer.write(3)
      writer.write(worker)
      writer.write(index)
      writer.write(bytes)
    case .failure(let worker, let index, let problem):
      writer.write(4)
      writer.write(worker)
      writer.write(index)
      writer.write(problem)
    case .stop(let signal):
      writer.write(5)
      writer.write(Int(signal))
    case .dismissal:
      writer.write(6)
    case .report(let bytes):
      writer.write(7)
      writer.write(bytes)
    case .peak(let bytes):
      writer.write(8)
      writer.write(bytes)
    case .recall:
      writer.write(9)
    case .returned(let worker, let index):
      writer.write(10)
      writer.write(worker)
      writer.write(index)
    }
    return writer.bytes
  }

  /// - Throws: `TruncatedMessage`.
  package init(_ bytes: [UInt8]) throws {
    var reader = MessageReader(bytes)
    switch try reader.int() {
    case 0: self = .arrival(workers: try reader.int(), host: try reader.text())
    case 1: self = .context(Array(try reader.octets()))
    case 2: self = .request(worker: try reader.int(), index: try reader.int(), Array(try reader.octets()))
    case 3: self = .answer(worker: try reader.int(), index: try reader.int(), Array(try reader.octets()))
    case 4: self = .failure(worker: try reader.int(), index: try reader.int(), try reader.text())
    case 5: self = .stop(signal: Int32(truncatingIfNeeded: try reader.int()))
    case 6: self = .dismissal
    case 7: self = .report(Array(try reader.octets()))
    case 8: self = .peak(try reader.int())
    case 9: self = .recall
    case 10: self = .returned(worker: try reader.int(), index: try reader.int())
    default: throw TruncatedMessage()
    }
  }
}
