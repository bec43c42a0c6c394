import Search
import Testing

/// How many candidates are evaluated at a time.
struct GroupPlanTests {
  struct Case: CustomTestStringConvertible {
    let cores: Int
    let pieces: Int
    let groups: Int
    let threads: Int
    var testDescription: String { "\(pieces) candidates on \(cores) cores" }
  }

  /// In units of a candidate on one thread: 6 cores take 4/6 with one group, 4/6 with two (2/3), with three 1/2 + 1/6 since
  /// the fourth candidate has all threads, and 1 with four. 8 cores take 5/8 for 5 candidates with one, two and four, and 1
  /// with five. 128 cores take 4/16 with one group, since a batch has 16 chunks, and 1/16 with four.
  static let cases = [
    Case(cores: 1, pieces: 4, groups: 1, threads: 1), Case(cores: 2, pieces: 4, groups: 2, threads: 1),
    Case(cores: 2, pieces: 5, groups: 2, threads: 1), Case(cores: 3, pieces: 4, groups: 3, threads: 1),
    Case(cores: 4, pieces: 4, groups: 4, threads: 1), Case(cores: 4, pieces: 5, groups: 4, threads: 1),
    Case(cores: 6, pieces: 4, groups: 3, threads: 2), Case(cores: 8, pieces: 5, groups: 4, threads: 2),
    Case(cores: 16, pieces: 4, groups: 4, threads: 4), Case(cores: 64, pieces: 4, groups: 4, threads: 16),
    Case(cores: 128, pieces: 4, groups: 4, threads: 32), Case(cores: 8, pieces: 1, groups: 1, threads: 8),
    Case(cores: 8, pieces: 0, groups: 1, threads: 8),
  ]

  @Test("Groups are as many as end soonest, and their threads are those that there are", arguments: cases)
  func choice(of sample: Case) {
    let plan = GroupPlan.choose(requested: 0, cores: sample.cores, pieces: sample.pieces)
    #expect(plan.groups == sample.groups && plan.threads == sample.threads && plan.wanted == sample.groups)
  }

  @Test("A number that is asked for is taken, but no more groups than there are candidates")
  func request() {
    let plan = GroupPlan.choose(requested: 3, cores: 2, pieces: 4)
    #expect(plan.groups == 3 && plan.threads == 1)
    #expect(GroupPlan.choose(requested: 8, cores: 8, pieces: 4).groups == 4)
    let alone = GroupPlan.choose(requested: 1, cores: 8, pieces: 4)
    #expect(alone.groups == 1 && alone.threads == 8)
  }

  /// A copy of 2 GB; of 16 GB a fifth stays free and the search's own problem takes another 2, so five fit.
  @Test("Where memory is short there are fewer groups, and the plan says how many there would be")
  func memory() {
    func plan(_ available: Int, requested: Int = 0) -> GroupPlan {
      .choose(
        requested: requested, cores: 8, pieces: 8, copyBytes: 2_000_000_000, availableBytes: available * 1_000_000_000)
    }
    #expect(plan(64).groups == 8 && plan(64).wanted == 8 && plan(64).threads == 1)
    #expect(plan(16).groups == 4 && plan(16).threads == 2 && plan(16).wanted == 8, "five would not share eight threads")
    #expect(plan(16, requested: 6).groups == 5 && plan(16, requested: 6).wanted == 6)
    #expect(plan(4).groups == 1 && plan(4).threads == 8 && plan(0).groups == 1)
    #expect(plan(64).account(copyBytes: 2_000_000_000) == "candidates on 8 groups of 1 thread, 16.0 GB in addition")
    #expect(
      plan(16).account(copyBytes: 2_000_000_000)
        == "candidates on 4 groups of 2 threads, 8.0 GB in addition; 8 groups do not fit in memory")
    #expect(plan(4).account(copyBytes: 2_000_000_000) == "candidates one after the other; 8 groups do not fit in memory")
    #expect(GroupPlan.choose(requested: 0, cores: 1, pieces: 4).account(copyBytes: 5) == nil)
  }

  @Test("Candidates that are left over have all threads where they are at most half as many as the groups")
  func remainder() {
    let found = [(5, 2), (4, 2), (6, 4), (7, 4), (1, 4), (3, 1), (0, 3)].map { GroupPlan.remainder(of: $0.0, groups: $0.1) }
    #expect(found == [1, 0, 2, 0, 1, 0, 0])
  }

  @Test("A copy takes its activations and three vectors of weights, or more than can be counted")
  func bytes() {
    #expect(GroupPlan.copyBytes(activations: 1000, weights: 10) == 1120)
    #expect(GroupPlan.copyBytes(activations: .max, weights: 1) == .max)
  }
}
