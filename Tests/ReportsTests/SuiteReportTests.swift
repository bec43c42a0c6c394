import Formats
import Reports
import TestSupport
import Testing

struct SuiteReportTests {
  @Test("A suite's page has a row a benchmark and space, a column a method, and every cell") func table() throws {
    let folder = try ScratchFolder()
    try folder.write("methods: [darts1, zarts-mgs]\nseeds: [0]\n", to: "suite.yaml")
    try folder.write(
      """
      dataset,space,method,test_error,test_error_deviation,core_hours
      svhn,s1,darts1,0.035,0.0071,1.5
      svhn,s1,zarts-mgs,0.025,,2.5
      svhn,s2,zarts-mgs,,,0.0

      """, to: "suite.csv")
    let report = try Report(reading: [folder.path])
    #expect(report.suites.count == 1 && report.title.hasPrefix("Suite "))
    let html = try ReportPage(report).html
    #expect(html.contains("3.50 ± 0.71") && html.contains("2.50") && html.contains("suite.yaml"))
    #expect(html.contains("Every method, space and dataset") && html.contains("id=\"suite\""))
    #expect(try !ReportPage(report.withoutOrigin()).html.contains("suite.yaml"), "settings are left out with the origin")
  }

  @Test("A suite with variants shows which was chosen of each method") func variants() throws {
    let folder = try ScratchFolder()
    try folder.write("methods: [rdarts-l2]\nvariants:\n  rdarts-l2:\n    - {weight_decay: 0.0081}\n", to: "suite.yaml")
    try folder.write(
      "dataset,space,method,test_error,test_error_deviation,variant\nsvhn,s1,rdarts-l2,0.035,,weight_decay=0.0081\n",
      to: "suite.csv")
    let html = try ReportPage(Report(reading: [folder.path])).html
    #expect(html.contains(">variant<") && html.contains(">weight_decay=0.0081<"))
  }

  @Test("A suite of which no job has ended is reported as that, and a damaged table by its cell") func early() throws {
    let folder = try ScratchFolder()
    try folder.write("methods: [darts1]\n", to: "suite.yaml")
    #expect(try ReportPage(Report(reading: [folder.path])).html.contains("No job has ended yet."))
    try folder.write(
      "dataset,space,method,test_error,test_error_deviation\nsvhn,s1,darts1,x,\n", to: "suite.csv")
    let report = try Report(reading: [folder.path])
    #expect(
      refusal { try ReportPage(report) } == "\(folder.file("suite.csv")): row 1, column test_error: \"x\"")
  }
}
