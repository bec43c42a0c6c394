import Reports
import TestSupport
import Testing

struct SelectionReportTests {
  private static let genotype =
    "Genotype(normal=[('skip_connect', 0), ('skip_connect', 1), ('skip_connect', 0), ('skip_connect', 1), "
    + "('skip_connect', 0), ('skip_connect', 1), ('skip_connect', 0), ('skip_connect', 1)], normal_concat=range(2, 6), "
    + "reduce=[('skip_connect', 0), ('skip_connect', 1), ('skip_connect', 0), ('skip_connect', 1), ('skip_connect', 0), "
    + "('skip_connect', 1), ('skip_connect', 0), ('skip_connect', 1)], reduce_concat=range(2, 6))"

  @Test("A selection's page says what differs from the argmax rule, and holds every removal; it is no run") func page()
    throws
  {
    let folder = try ScratchFolder()
    try folder.write(
      "selection: perturbation\ntune_epochs: 5\ncheckpoint: \"/home/somebody/a.safetensors\"\n", to: "config.yaml")
    try folder.write("method: darts1\nspace: s2\n", to: "search.yaml")
    try folder.write(Self.genotype + "\n", to: "argmax.txt")
    let early = try Report(reading: [folder.path])
    #expect(early.runs.isEmpty && early.selections.count == 1)
    #expect(try ReportPage(early).html.contains("The selection is not finished."))
    try folder.write(
      Self.genotype.replacing("[('skip_connect', 0)", with: "[('sep_conv_3x3', 0)") + "\n", to: "genotype.txt")
    try folder.write("round,kind,edge,operation,loss\n1,normal,,,0.5\n1,normal,3,skip_connect,0.75\n", to: "removals.csv")
    let report = try Report(reading: [folder.path])
    #expect(report.title.hasPrefix("Selection "))
    let html = try ReportPage(report).html
    #expect(html.contains("normal cell: 1 of 14 edges differ; skip connections 8 by argmax, 7 by perturbation"))
    #expect(html.contains("Every removal: 2") && html.contains("id=\"selections\"") && html.contains("somebody"))
    #expect(try !ReportPage(report.withoutOrigin()).html.contains("somebody"), "settings are left out with the origin")
    try folder.write("Genotype(nothing)\n", to: "genotype.txt")
    #expect(refusal { try Report(reading: [folder.path]) }?.hasPrefix(folder.file("genotype.txt")) == true)
  }
}
