import Formats
import Testing

struct ListTextTests {
  private enum Order: String, CaseIterable { case first, second }

  private func orders(_ text: String) throws -> [Order] {
    try ListText.distinct(text, of: "order", setting: "orders")
  }

  @Test("names are read in their order, whatever blanks are around them") func names() throws {
    #expect(try orders(" second,first ") == [.second, .first] && orders("first") == [.first])
  }

  @Test("an entry that is no name, an empty one or a second one is refused with what would be right") func refused() {
    let places = InputError.Place.setting("orders")
    for (text, entry) in [("third", "third"), ("first,,second", ""), ("", ""), ("first,Second", "Second")] {
      #expect(
        throws: InputError("unknown order", at: places, found: "'\(entry)'", wanted: "first, second, with commas between")
      ) { try orders(text) }
    }
    #expect(throws: InputError("the same order twice", at: places, found: "'first'", wanted: "each once")) {
      try orders("first,second, first")
    }
  }

  @Test("entries that may repeat are all there, and what reading throws is thrown") func values() throws {
    let read = { (item: String) throws -> Int? in
      if item == "no" { throw InputError("never", at: "here") }
      return Int(item)
    }
    #expect(try ListText.values("3,1,3", of: "number", setting: "n", forms: "numbers", read: read) == [3, 1, 3])
    #expect(throws: InputError("never", at: "here")) {
      try ListText.values("1,no", of: "number", setting: "n", forms: "numbers", read: read)
    }
    #expect(throws: InputError("unknown number", at: .setting("n"), found: "'x'", wanted: "numbers, with commas between")) {
      try ListText.values("1,x", of: "number", setting: "n", forms: "numbers", read: read)
    }
  }
}
