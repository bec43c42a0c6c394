import Foundation

/// Says on standard error why a command ends without its result.
func complain(_ text: String) { FileHandle.standardError.write(Data("zarts: \(text)\n".utf8)) }
