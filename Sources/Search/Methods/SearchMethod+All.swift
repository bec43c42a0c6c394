extension SearchMethod {
  /// Every method, in the order in which they are listed. Each is declared in the file of its optimiser.
  public static let all: [SearchMethod] = [
    .darts1, .darts2, .darts1ES, .darts2ES, .dartsADA, .rdartsL2, .rdartsDP, .sdartsRS, .sdartsADV, .dartsMinus, .zartsRS,
    .zartsMGS, .zartsGLD, .random,
  ]

  /// Stands where settings need a method and none has a say: of a shared warm-up, of weights without a search. The names
  /// of shared warm-ups are made with it.
  public static let neutral = darts1
}
