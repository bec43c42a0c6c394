import Formats
import Suites
import TestSupport
import Testing

struct SuiteTablesTests {
  /// Errors in quarters of a percent, whose sums are exact enough to print.
  private let tables = SuiteTables([
    SuiteRow(
      dataset: "cifar10", space: "s1", method: "darts1", finished: 5, jobs: 5, searches: 2, collapsed: 1,
      errors: [0.03, 0.04],
      normalSkips: 4, reduceSkips: 0, verdict: "collapsed", searchSteps: 1200, searchCoreHours: 0.25, coreHours: 1.5,
      genotype: "g1"),
    SuiteRow(
      dataset: "cifar10", space: "s1", method: "zarts-mgs", finished: 4, jobs: 5, searches: 2, errors: [0.025],
      normalSkips: 1.5, reduceSkips: 2, verdict: "not collapsed", searchSteps: 6000, searchCoreHours: 1, coreHours: 2),
    SuiteRow(
      dataset: "cifar10", space: "s2", method: "darts1", jobs: 5, diverged: 2, reason: "loss nan"),
    SuiteRow(
      dataset: "cifar10", space: "s2", method: "zarts-mgs", finished: 5, jobs: 5, searches: 1, diverged: 1,
      errors: [0.02, 0.03], normalSkips: 2, reduceSkips: 3, verdict: "suspect", searchSteps: 3000, searchCoreHours: 0.5,
      coreHours: 0.75),
    SuiteRow(
      dataset: "a_b", space: "s1", method: "darts1", finished: 2, jobs: 2, searches: 1, errors: [0.02], verdict: "suspect"),
    SuiteRow(
      dataset: "a_b", space: "s1", method: "zarts-mgs", finished: 2, jobs: 2, searches: 1, errors: [0.02], verdict: "suspect"
    ),
  ])

  @Test("The LaTeX table has a row a benchmark and space, a column a method, and the least error of a row bold") func latex()
  {
    #expect(
      tables.latex == #"""
        % Test error in %, mean and sample deviation over the networks trained. Needs booktabs and multirow.
        \begin{tabular}{llcc}
        \toprule
        Benchmark & Space & darts1 & zarts-mgs \\
        \midrule
        \multirow{2}{*}{cifar10} & s1 & 3.50 $\pm$ 0.71 & \textbf{2.50} \\
         & s2 & -- & 2.50 $\pm$ 0.71 \\
        \midrule
        a\_b & s1 & \textbf{2.00} & \textbf{2.00} \\
        \bottomrule
        \end{tabular}

        """#)
  }

  @Test("The Markdown tables say the same, and what was found and what it cost") func markdown() {
    #expect(
      tables.markdown == """
        Test error in %, mean ± sample deviation over the networks trained; the least of a row is bold.

        | Benchmark | Space | darts1 | zarts-mgs |
        | --- | --- | ---: | ---: |
        | cifar10 | s1 | 3.50 ± 0.71 | **2.50** |
        | cifar10 | s2 | – | 2.50 ± 0.71 |
        | a_b | s1 | **2.00** | **2.00** |

        The networks, and what the searches cost (training steps with gradients of α; core-hours of searches, and of all).

        | Benchmark | Space | Method | Networks | Best | Skips normal | Skips reduce | Verdict | Collapsed | Steps | Core-hours | of all | Jobs |
        | --- | --- | --- | ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: |
        | cifar10 | s1 | darts1 | 2 | 3.00 | 4 | 0 | collapsed | 1/2 | 1200 | 0.25 | 1.50 | 5/5 |
        | cifar10 | s1 | zarts-mgs | 1 | 2.50 | 1.5 | 2 | not collapsed | 0/2 | 6000 | 1.00 | 2.00 | 4/5 |
        | cifar10 | s2 | darts1 | 0 | – | – | – | – | 0/0, 2 diverged | 0 | 0.00 | 0.00 | 0/5 |
        | cifar10 | s2 | zarts-mgs | 2 | 2.00 | 2 | 3 | suspect | 0/1, 1 diverged | 3000 | 0.50 | 0.75 | 5/5 |
        | a_b | s1 | darts1 | 1 | 2.00 | – | – | suspect | 0/1 | 0 | 0.00 | 0.00 | 2/2 |
        | a_b | s1 | zarts-mgs | 1 | 2.00 | – | – | suspect | 0/1 | 0 | 0.00 | 0.00 | 2/2 |

        """)
  }

  @Test("A row of suite.csv has fractions, whole skips where they are whole, and empty cells for what is not known")
  func fields() throws {
    func line(_ row: SuiteRow) -> String { row.fields.map(\.encoded).joined(separator: ",") }
    #expect(SuiteRow.columns.count == tables.rows[0].fields.count)
    // (0.03 + 0.04) / 2, and √(2 · 0.005²): one ulp either way is possible in the last.
    let row = tables.rows[0]
    #expect(close(row.mean, 0.035, .ulps(1)) && close(row.deviation, 0.005 * 2.0.squareRoot(), .relative(1e-12)))
    #expect(row.best == 0.03)
    #expect(line(tables.rows[1]) == "cifar10,s1,zarts-mgs,4,5,2,0,0,1,0.025,,0.025,1.5,2,not collapsed,6000,1.0,2.0,,")
    #expect(line(tables.rows[2]) == "cifar10,s2,darts1,0,5,0,2,0,0,,,,,,,0,0.0,0.0,,loss nan")
  }

  @Test("Where methods have variants, the tables name the one that was chosen of each") func variants() {
    let tables = SuiteTables([
      SuiteRow(dataset: "cifar10", space: "s1", method: "darts2", finished: 5, jobs: 5, searches: 2, errors: [0.03]),
      SuiteRow(
        dataset: "cifar10", space: "s1", method: "rdarts-l2", finished: 13, jobs: 13, searches: 10, errors: [0.02],
        normalSkips: 1, reduceSkips: 0, verdict: "not collapsed", variant: "weight_decay=0.0081"),
    ])
    #expect(tables.hasVariants && !self.tables.hasVariants)
    let lines = tables.markdown.split(separator: "\n").suffix(4).map(String.init)
    #expect(
      lines == [
        "| Benchmark | Space | Method | Networks | Best | Skips normal | Skips reduce | Verdict | Collapsed | Steps | Core-hours | of all | Jobs | Variant |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | --- |",
        "| cifar10 | s1 | darts2 | 1 | 3.00 | – | – | – | 0/2 | 0 | 0.00 | 0.00 | 5/5 | – |",
        "| cifar10 | s1 | rdarts-l2 | 1 | 2.00 | 1 | 0 | not collapsed | 0/10 | 0 | 0.00 | 0.00 | 13/13 | weight_decay=0.0081 |",
      ])
    #expect(tables.latex.hasSuffix("\\end{tabular}\n% chosen: cifar10, s1, rdarts-l2: weight_decay=0.0081\n"))
  }
}
