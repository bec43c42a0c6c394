import Foundation

/// Numbers as text for readers: a true minus sign, no trailing noise.
public enum Numeral {
  /// `value` with a fixed number of decimals; never "−0".
  public static func fixed(_ value: Double, decimals: Int) -> String {
    let text = String(format: "%.\(max(0, decimals))f", value)
    guard text.hasPrefix("-") else { return text }
    let digits = text.dropFirst()
    return digits.allSatisfy { $0 == "0" || $0 == "." } ? String(digits) : "\u{2212}" + digits
  }

  /// `value` to at most `digits` significant digits without trailing zeros, with a power of ten outside of
  /// 10⁻⁴…10⁵, as `Label` markup: "−0.125", "1.3 × 10^{5}", "not finite".
  public static func short(_ value: Double, digits: Int = 4) -> String {
    guard value.isFinite else { return value.isNaN ? "not a number" : value < 0 ? "\u{2212}∞" : "∞" }
    guard value != 0 else { return "0" }
    let scientific = String(format: "%.\(max(0, digits - 1))e", value)
    let parts = scientific.split(separator: "e")
    let exponent = Int(parts[1]) ?? 0
    if exponent < -4 || exponent >= 5 {
      return signed(trimmed(String(parts[0]))) + " × 10^{\(signed(String(exponent)))}"
    }
    return signed(trimmed(String(format: "%.\(max(0, digits - 1 - exponent))f", value)))
  }

  private static func trimmed(_ text: String) -> String {
    guard text.contains(".") else { return text }
    var kept = Substring(text)
    while kept.hasSuffix("0") { kept = kept.dropLast() }
    if kept.hasSuffix(".") { kept = kept.dropLast() }
    return String(kept)
  }

  private static func signed(_ text: String) -> String {
    text.hasPrefix("-") ? "\u{2212}" + text.dropFirst() : text
  }
}
