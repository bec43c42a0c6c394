import Foundation

/// Cairo's SVG in fewer bytes, with names of its own.
///
/// Cairo spells out every default, writes coordinates to a millionth of a point and numbers some elements through the
/// life of the process. Here styles become short attributes, coordinates keep a hundredth of a point, and elements are
/// numbered in the order in which they are met, behind a prefix that keeps several documents in one page apart.
enum SVGText {
  static func compact(_ bytes: [UInt8], idPrefix: String) -> [UInt8] {
    var names = Names(prefix: idPrefix)
    // Letters are small: their outlines keep a digit more.
    var unit = 100.0
    let (lettersStart, lettersEnd) = (Array("<defs>".utf8), Array("</defs>".utf8))
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var position = 0
    while position < bytes.count {
      guard bytes[position] == UInt8(ascii: "\""), position > 0, bytes[position - 1] == UInt8(ascii: "="),
        let end = bytes[(position + 1)...].firstIndex(of: UInt8(ascii: "\""))
      else {
        result.append(bytes[position])
        position += 1
        if bytes[position - 1] == UInt8(ascii: ">") {
          if result.suffix(lettersStart.count).elementsEqual(lettersStart) { unit = 1000 }
          if result.suffix(lettersEnd.count).elementsEqual(lettersEnd) { unit = 100 }
        }
        continue
      }
      let start = result.lastIndex(of: UInt8(ascii: " ")) ?? 0
      let name = String(decoding: result[(start + 1)...].dropLast(), as: UTF8.self)
      let value = bytes[(position + 1)..<end]
      result.removeSubrange(start...)
      result += attribute(name, value, unit, &names)
      position = end + 1
    }
    return result
  }

  /// The attribute with a space before it; nothing where it says what goes without saying.
  private static func attribute(_ name: String, _ value: ArraySlice<UInt8>, _ unit: Double, _ names: inout Names) -> [UInt8]
  {
    func written(_ value: some Sequence<UInt8>) -> [UInt8] {
      Array(" \(name)=\"".utf8) + value + [UInt8(ascii: "\"")]
    }
    switch name {
    case "d": return written(path(value, unit: unit))
    case "style": return style(String(decoding: value, as: UTF8.self), &names)
    case "id": return written(names[String(decoding: value, as: UTF8.self)].utf8)
    case "xlink:href" where value.first == UInt8(ascii: "#"):
      return written("#\(names[String(decoding: value.dropFirst(), as: UTF8.self)])".utf8)
    case "viewBox": return written(value) + Array(" fill=\"none\" stroke-linejoin=\"round\"".utf8)
    case "x", "y": return written(number(value))
    default:
      let text = String(decoding: value.prefix(64), as: UTF8.self)
      return text.hasPrefix("url(#") ? written(reference(text, &names).utf8) : written(value)
    }
  }

  private static func reference(_ text: String, _ names: inout Names) -> String {
    guard text.hasPrefix("url(#"), let end = text.firstIndex(of: ")") else { return text }
    return "url(#\(names[String(text[text.index(text.startIndex, offsetBy: 5)..<end])]))"
  }

  private static let defaults: Set<String> = [
    // The root says `fill="none"` and `stroke-linejoin="round"` for all.
    "stroke:none", "fill:none", "stroke-linejoin:round", "fill-rule:nonzero", "fill-opacity:1", "stroke-opacity:1",
    "stroke-linecap:butt",
    // Joins are round.
    "stroke-miterlimit:10",
  ]

  private static func style(_ text: String, _ names: inout Names) -> [UInt8] {
    var result = ""
    for part in text.split(separator: ";") {
      let rule = part.trimmingCharacters(in: .whitespaces)
      guard !rule.isEmpty, !defaults.contains(rule), let colon = rule.firstIndex(of: ":") else { continue }
      var value = reference(String(rule[rule.index(after: colon)...]), &names)
      if value.hasPrefix("rgb(") { value = hexadecimal(value) }
      result += " \(rule[..<colon])=\"\(value)\""
    }
    return Array(result.utf8)
  }

  /// rgb(26.6%,0.4%,33%) as #441354: components are whole 255ths to begin with.
  private static func hexadecimal(_ text: String) -> String {
    let parts = text.dropFirst(4).dropLast().split(separator: ",").compactMap { Double($0.dropLast()) }
    guard parts.count == 3 else { return text }
    return "#" + parts.map { String(format: "%02x", Int(($0 * 2.55).rounded())) }.joined()
  }

  /// Path data in relative steps of `unit`ths of a point, which are short numbers; and without the move that cairo adds
  /// behind the last closing. Steps lead from rounded place to rounded place, so that roundings don't add up.
  private static func path(_ value: ArraySlice<UInt8>, unit: Double) -> [UInt8] {
    var words = value.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
    if words.count > 4, words[words.count - 4] == "Z", words[words.count - 3] == "M" { words.removeLast(3) }
    var (result, at, start) = ("", (x: 0, y: 0), (x: 0, y: 0))
    var position = 0
    func place(_ index: Int) -> (x: Int, y: Int)? {
      guard index + 1 < words.count, let x = Double(words[index]), let y = Double(words[index + 1]) else { return nil }
      return (Int((x * unit).rounded()), Int((y * unit).rounded()))
    }
    while position < words.count {
      let command = words[position]
      let pairs = ["M": 1, "L": 1, "C": 3, "Z": 0][command]
      let places = pairs.map { count in (0..<count).compactMap { place(position + 1 + 2 * $0) } }
      // What cairo does not write is left as it is.
      guard let pairs, let places, places.count == pairs else { return Array(value) }
      switch command {
      case "Z":
        result += "Z"
        at = start
      case "M":
        result += "M" + number(places[0].x, unit) + separated(number(places[0].y, unit))
        (at, start) = (places[0], places[0])
      default:
        let letter = command.lowercased()
        for (index, place) in places.enumerated() {
          let step = number(place.x - at.x, unit)
          result += index == 0 ? letter + step : separated(step)
          result += separated(number(place.y - at.y, unit))
        }
        at = places[places.count - 1]
      }
      position += 1 + 2 * pairs
    }
    return Array(result.utf8)
  }

  /// A minus sign is separation enough.
  private static func separated(_ number: String) -> String { number.hasPrefix("-") ? number : " " + number }

  private static func number(_ count: Int, _ unit: Double) -> String {
    let size = abs(count)
    var rest = Substring(String(Int(unit) + size % Int(unit)).dropFirst())
    while rest.hasSuffix("0") { rest = rest.dropLast() }
    let whole = size / Int(unit)
    let text = rest.isEmpty ? String(whole) : (whole == 0 ? "" : String(whole)) + "." + rest
    return count < 0 ? "-" + text : text
  }

  /// A decimal number to three places; anything else as it is.
  private static func number(_ value: ArraySlice<UInt8>) -> [UInt8] {
    guard value.contains(UInt8(ascii: ".")), let parsed = Double(String(decoding: value, as: UTF8.self)),
      abs(parsed) < 1e12
    else { return Array(value) }
    return Array(number(Int((parsed * 1000).rounded()), 1000).utf8)
  }

  /// New names of elements, by the old ones.
  private struct Names {
    let prefix: String
    var known: [String: String] = [:]

    init(prefix: String) { self.prefix = prefix }

    subscript(old: String) -> String {
      mutating get {
        if let name = known[old] { return name }
        let name = "\(prefix)\(known.count + 1)"
        known[old] = name
        return name
      }
    }
  }
}
