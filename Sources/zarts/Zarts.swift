import ArgumentParser
@main struct Zarts: ParsableCommand {}
