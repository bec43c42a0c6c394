import Formats

/// The weights and α of what `torch.save` wrote: a state_dict, or a dictionary that holds one beside other things.
///
/// The public scripts save (file and line of the repository):
/// - a state_dict without α: quark0/darts, cnn/train_search.py, 127; PC-DARTS, train_search.py, 132;
/// - a state_dict of a DataParallel model with α among its parameters: P-DARTS, train_search.py, 167;
/// - {epoch, state_dict, best_acc_top1, optimizer} of a network to retrain: quark0/darts, cnn/train_imagenet.py, 161–166;
/// - {state_dict, alphas_normal, alphas_reduce, optimizer, …, genotypes}: RobustDARTS, src/search/train_search.py, 144–157; the
///   genotypes are objects of a class of its own, for which the file is refused;
/// - {epoch, state_dict, alpha: [normal, reduce], optimizer, …}: DARTS-PT, sota/cnn/train_search.py, 332–339.
public struct TorchCheckpoint: Sendable {
  /// Weights, running statistics and α, under the names that they have in the file; those of α are `alphas_normal` and so on.
  public let file: TensorFile
  /// What was chosen, renamed and left out.
  public let notes: [String]

  /// What DataParallel puts in front of every name.
  public static let parallelPrefix = "module."
  /// Entries under which lists of α stand, in the order of α and then β.
  private static let alphaLists = ["alpha", "alphas", "arch_parameters", "_arch_parameters"]

  /// - Throws: `InputError` where the file is damaged or holds anything else than tensors and plain data, has no state_dict or
  ///   two of them, or two values of one α.
  public init(readingFrom path: String) throws {
    var torch = try TorchFile(readingFrom: path)
    guard let top = torch.pickle.entries(torch.pickle.top) else {
      throw InputError(
        "no state_dict", at: .file(path), found: torch.pickle.top.kind,
        wanted: "a state_dict, or a dictionary with one in it")
    }
    var holder = try Self.holder(of: top, in: torch.pickle, path: path)
    var beside = top.map { (shown: $0.key, key: $0.key, value: $0.value) }
    if holder == nil, let deeper = try Self.nested(in: top, of: torch.pickle, path: path) {
      let shown = { (key: String) in "\(deeper.key).\(key)" }
      holder = (deeper.holder.key.map(shown), deeper.holder.entries)
      beside.removeAll { $0.key == deeper.key }
      beside += deeper.entries.map { (shown($0.key), $0.key, $0.value) }
    }
    var (tensors, left, notes): ([String: NamedTensor], [String], [String]) = ([:], [], [])
    func add(_ tensor: NamedTensor, from place: String) throws {
      if let other = tensors[tensor.name], other != tensor {
        throw InputError(
          "α twice, with other values", at: .file(path, tensor.name), found: "in \(place) and in the state_dict",
          wanted: "it once")
      }
      tensors[tensor.name] = tensor
    }
    for (key, value) in holder?.entries ?? [] {
      guard let tensor = try torch.tensor(value, named: Self.plainAlpha(key)) else { continue }
      try add(tensor, from: "'\(key)'")
    }
    for (shown, key, value) in beside where shown != holder?.key {
      // Where the whole dictionary is the state_dict, its tensors are there already.
      if let holder, holder.key == nil, case .tensor = value { continue }
      let found = try Self.alphas(key, value, in: &torch)
      for tensor in found { try add(tensor, from: "'\(shown)'") }
      if !found.isEmpty { notes.append("\(path): α from '\(shown)'") } else { left.append(shown) }
    }
    guard !tensors.isEmpty else {
      throw InputError(
        "no state_dict", at: .file(path), found: top.isEmpty ? "an empty dictionary" : Self.list(top.map(\.key)),
        wanted: "tensors under the public names of DARTS, in the dictionary or in one of its entries")
    }
    if let key = holder?.key {
      let rest = left.isEmpty ? "" : ", without \(Self.list(left))"
      notes.insert("\(path): weights from '\(key)'\(rest)", at: 0)
    }
    file = TensorFile(path: path, metadata: [:], tensors: Array(tensors.values))
    self.notes = notes
  }

  private typealias Entries = [(key: String, value: PickleValue)]

  /// The dictionary with the weights: tensors under names with dots, as those of a network's parts are. Names of α don't count.
  ///
  /// - Returns: with the key that it stands under, nil for the whole; nil where there is none.
  private static func holder(of top: Entries, in pickle: PickleFile, path: String) throws -> (
    key: String?, entries: Entries
  )? {
    func holdsWeights(_ entries: Entries) -> Bool {
      entries.contains { key, value in
        guard case .tensor = value else { return false }
        let plain = unprefixed(key)
        return plain.contains(".") && !ArchitectureParameters.tensorNames.contains(plain)
      }
    }
    var holders: [(key: String?, entries: Entries)] = holdsWeights(top) ? [(nil, top)] : []
    for (key, value) in top {
      if let entries = pickle.entries(value), holdsWeights(entries) { holders.append((key, entries)) }
    }
    guard holders.count <= 1 else {
      throw several(holders.map { $0.key.map { "'\($0)'" } ?? "the dictionary itself" }, path)
    }
    return holders.first
  }

  /// The one entry that is a dictionary with the weights in one of its own entries, as in {net: {state_dict: …}}.
  private static func nested(
    in top: Entries, of pickle: PickleFile, path: String
  ) throws -> (key: String, entries: Entries, holder: (key: String?, entries: Entries))? {
    let found = try top.compactMap {
      key, value -> (key: String, entries: Entries, holder: (key: String?, entries: Entries))? in
      guard let entries = pickle.entries(value), let holder = try holder(of: entries, in: pickle, path: path) else {
        return nil
      }
      return (key, entries, holder)
    }
    guard found.count <= 1 else { throw several(found.map { "'\($0.key).\($0.holder.key ?? "")'" }, path) }
    return found.first
  }

  private static func several(_ found: [String], _ path: String) -> InputError {
    InputError(
      "several state_dicts", at: .file(path), found: found.joined(separator: " and "), wanted: "one of them, saved by itself"
    )
  }

  /// α of an entry beside the weights: a tensor of its name, a list of tensors, or a dictionary of names.
  private static func alphas(_ key: String, _ value: PickleValue, in torch: inout TorchFile) throws -> [NamedTensor] {
    let plain = plainAlpha(key)
    if case .tensor = value {
      guard ArchitectureParameters.tensorNames.contains(plain) else { return [] }
      return try torch.tensor(value, named: plain).map { [$0] } ?? []
    }
    if let entries = torch.pickle.entries(value) {
      return try entries.compactMap { name, value in
        let plain = plainAlpha(name)
        return ArchitectureParameters.tensorNames.contains(plain) ? try torch.tensor(value, named: plain) : nil
      }
    }
    guard alphaLists.contains(key), let items = torch.pickle.items(value) else { return [] }
    let kinds: [CellKind] = items.count == 1 ? [.nb201] : .darts
    let names = kinds.map(\.alphaName) + kinds.map(\.betaName)
    guard items.count == kinds.count || items.count == 2 * kinds.count else {
      throw InputError(
        "not a list of α", at: .file(torch.path, key), found: "\(items.count) entries",
        wanted: "\(names.joined(separator: ", ")), or the first half of them")
    }
    return try zip(names, items).map { name, item in
      guard let tensor = try torch.tensor(item, named: name) else {
        throw InputError("not a list of α", at: .file(torch.path, key), found: item.kind, wanted: "tensors")
      }
      return tensor
    }
  }

  /// The name without what DataParallel puts in front.
  static func unprefixed(_ name: String) -> String {
    name.hasPrefix(parallelPrefix) ? String(name.dropFirst(parallelPrefix.count)) : name
  }

  /// A name as it is, but for α: α of one kind of cell is `_arch_parameters` in SmoothDARTS, `arch_parameters` in its source.
  private static func plainAlpha(_ name: String) -> String {
    let plain = unprefixed(name)
    if plain == "_\(CellKind.nb201.alphaName)" { return CellKind.nb201.alphaName }
    return ArchitectureParameters.tensorNames.contains(plain) ? plain : name
  }

  private static func list(_ keys: [String]) -> String {
    keys.prefix(8).joined(separator: ", ") + (keys.count > 8 ? " and \(keys.count - 8) more" : "")
  }
}
