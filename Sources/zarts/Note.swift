/// Says on standard error what a command has assumed or found worth knowing, and goes on.
func note(_ text: String) { complain("note: \(text)") }
