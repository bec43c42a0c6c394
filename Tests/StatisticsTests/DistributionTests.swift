import Formats
import Statistics
import TestSupport
import Testing

/// Constants are those of SciPy 1.17.1: `scipy.stats.norm.ppf(p)`, `norm.cdf(x)`, `norm.sf(x)`, `t.ppf(p, nu)` and
/// `t.cdf(x, nu)`.
struct DistributionTests {
  @Test func normalQuantilesAndProbabilitiesAreThoseOfSciPy() throws {
    for (probability, expected) in [
      (1e-10, -6.361340902404056), (0.025, -1.9599639845400545), (0.5, 0), (0.8413447460685429, 1),
      (0.975, 1.959963984540054),
    ] {
      #expect(close(try Distributions.normalQuantile(probability), expected, .scaled(1e-12)), "\(probability)")
    }
    for (x, expected) in [(-5.0, 2.866515718791933e-07), (-1.5, 0.06680720126885807), (0.3, 0.6179114221889526)] {
      #expect(abs(Distributions.normalProbability(x) / expected - 1) < 1e-12, "\(x)")
    }
    #expect(abs(Distributions.normalTail(10) / 7.61985302416047e-24 - 1) < 1e-10)
  }

  @Test func studentQuantilesAndProbabilitiesAreThoseOfSciPy() throws {
    for (probability, freedom, expected) in [
      (0.975, 1.0, 12.706204736174694), (0.975, 9, 2.262157162798205), (0.05, 2.5, -2.5582186141359364),
      (0.995, 300, 2.5923164108477925),
    ] {
      #expect(close(try Distributions.studentQuantile(probability, degreesOfFreedom: freedom), expected, .scaled(1e-9)))
    }
    #expect(
      close(
        try Distributions.studentProbability(2.228138851964939, degreesOfFreedom: 10), 0.9749999999990957, .scaled(1e-12)))
    #expect(close(try Distributions.studentProbability(-1, degreesOfFreedom: 3), 0.19550110947788524, .scaled(1e-12)))
  }

  @Test func probabilitiesAndFreedomsThatMeanNothingAreRefused() {
    for probability in [0, 1, -0.1, 1.1, Double.nan] {
      #expect(refusal { try Distributions.normalQuantile(probability) } == "probability: \(probability)")
      #expect(
        refusal { try Distributions.studentQuantile(probability, degreesOfFreedom: 3) } == "probability: \(probability)")
    }
    for freedom in [0, -1, Double.nan, .infinity] {
      #expect(
        refusal { try Distributions.studentQuantile(0.9, degreesOfFreedom: freedom) } == "degrees of freedom: \(freedom)")
      #expect(
        refusal { try Distributions.studentProbability(0.9, degreesOfFreedom: freedom) } == "degrees of freedom: \(freedom)")
    }
  }
}
