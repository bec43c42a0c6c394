import Compute
import Formats
import Testing

struct InputErrorTests {
  @Test("a setting that is right passes, another is named with what was found and what would be right")
  func requirements() throws {
    try InputError.require(true, "epochs", 3, "1 or more")
    #expect(throws: InputError("value out of range", at: .setting("epochs"), found: "0", wanted: "1 or more")) {
      try InputError.require(false, "epochs", 0, "1 or more")
    }
    #expect(throws: InputError("unsupported size", at: .setting("tau"), found: "0.5", wanted: "1")) {
      try InputError.require(false, "tau", 0.5, "1", "unsupported size")
    }
  }

  @Test("counts and numbers out of bounds are named at their place")
  func bounds() throws {
    try CountBounds(1...3).require(3, at: "a")
    #expect(throws: InputError("value out of range", at: .file("f", "b"), found: "4", wanted: "1 to 3")) {
      try CountBounds(1...3).require(4, at: .file("f", "b"))
    }
    try RealBounds.fraction.require(1, at: "a")
    #expect(throws: InputError("not a share", at: .setting("share"), found: "nan", wanted: "0 to 1")) {
      try RealBounds.fraction.require(.nan, at: .setting("share"), "not a share")
    }
  }

  @Test("a place is put in a file only where it is in none")
  func places() {
    #expect(InputError.Place.words("row 1").within("a.csv") == .file("a.csv", "row 1"))
    #expect(InputError.Place.setting("tau").within("a.yaml") == .setting("tau", in: "a.yaml"))
    #expect(InputError.Place.file("b.csv", "row 1").within("a.csv") == .file("b.csv", "row 1"))
  }
}
