#!/usr/bin/env python3
"""Efficiency over ranks: tables of what scripts/scaling.sh measured, and the model of docs/scaling.md.

  scaling.py predict [--NAME VALUE …]          64 and 1,024 ranks, with what first limits each
  scaling.py table scaling.csv                 efficiency: median and worst of the rounds
  scaling.py check constants.json scaling.csv  measured against the model
  scaling.py constants bench start --grid G --steps M
  scaling.py account FILE                      sums of the accounts of one run
"""
import argparse
import csv
import heapq
import json
import math
import statistics
import sys
from dataclasses import dataclass, fields, replace


@dataclass(frozen=True)
class Machine:
    """What the model takes as given. Seconds of one core on the supernet of the papers (s6, 16 channels, 8 cells, batch 64)."""

    # docs/performance.md, Results: one thread.
    step: float = 1.002
    forward: float = 0.286
    alpha: float = 0.716
    # Two threads over one, the same place; for times that are there for two threads alone.
    two_threads: float = 1.93
    # From mpirun to the first piece and from the last to the end; an assumption until scaling.sh has measured it.
    start: float = 4.0
    # Bytes of memory that a step moves (docs/performance.md), and what a node of so many cores moves a second: an assumption.
    traffic: float = 11.1e9
    node_cores: int = 64
    node_bandwidth: float = 400e9
    # Images as files, read once a node from a shared file system: both assumptions.
    data: float = 170e6
    files_bandwidth: float = 2e9
    # A message: half of the longest pause of an idle rank (PollingPace), and bytes a second of the network, an assumption. In
    # one machine Open MPI took 0.6 µs for 1 KB and moved 1.7 GB/s in messages of 16 MB.
    lag: float = 8e-3
    network: float = 1.25e9
    # Bytes: a point and its answer, ω and v of a candidate's start.
    point: float = 1.1e3
    weights: float = 16.2e6
    # A point's row in the journal, brought to disk by rank 0 alone: an assumption.
    journal: float = 5e-3
    # The tables of a comparison or suite, written whenever a job ends: an assumption.
    table: float = 0.2

    def per_node(self, ranks):
        return min(ranks, self.node_cores)

    def slowdown(self, ranks):
        """Of a step where as many cores of a node want its memory."""
        return max(1.0, self.per_node(ranks) * self.traffic / self.step / self.node_bandwidth)

    def starting(self, ranks):
        return self.start + math.ceil(ranks / self.node_cores) * self.data / self.files_bandwidth


def share(pieces, ranks):
    """Of the fullest rank."""
    return math.ceil(pieces / ranks)


@dataclass
class Time:
    seconds: float
    parts: dict  # what each limit takes beyond an even share of the work on undisturbed cores

    def first(self):
        return max(self.parts, key=self.parts.get)


def rounds_beside(points, each, first, ranks):
    """The end of a queue of points that cost the same, in units of one, where rank 0 comes when it has done something first."""
    if ranks == 1:
        return first / each + points
    head = first / each
    # Whole points that all have done by a time; it grows by a point where a rank ends one.
    low = (points + head) / ranks
    ends = sorted(
        {head + k for k in range(max(0, int(low - head)), int(low - head) + 3)} | {math.floor(low) + k for k in range(3)}
    )
    return next(t for t in ends if (ranks - 1) * math.floor(t) + max(0, math.floor(t - head + 1e-9)) >= points)


def landscape(m, ranks, points, steps, passes=1):
    """A rank takes the next point when it has done one; every point costs the same: M steps and a pass a validation batch. Rank 0
    measures three steps and passes before its first, while others are at theirs. Points are sent ahead, so that a rank
    waits for the first and the last alone."""
    each = steps * m.step + passes * m.forward
    measuring = 3 * (m.step + m.forward)
    rounds = rounds_beside(points, each, measuring, ranks)
    even = (points + measuring / each) / ranks
    slow = m.slowdown(ranks)
    lag = 4 * m.lag + rounds * m.point / m.network if ranks > 1 else 0.0
    work = rounds * each * slow + lag
    # Rank 0 writes row after row while others compute.
    written = max(0.0, points * m.journal - work) if ranks > 1 else points * m.journal
    start = m.starting(ranks)
    return Time(
        start + work + written,
        {
            "start and reading of data": start,
            "the last pieces": (rounds - even) * each,
            "memory of a node": rounds * each * (slow - 1),
            "messages": lag,
            "rank 0's journal": written,
        },
    )


def search(m, ranks, updates, steps, interval, candidates, epochs=0, passes=0):
    """ZARTS-MGS: rank 0 takes the steps on ω and the gradient of α; ω and v go to each rank; the slowest has
    ceil(N / ranks) candidates of M steps and a pass; an epoch ends with passes over the validation split."""
    serial = updates * (interval * m.step + m.alpha) + epochs * passes * m.forward
    rounds = share(candidates, ranks)
    busy = min(ranks, candidates)
    slow = m.slowdown(busy)
    one = steps * m.step + m.forward
    sent = updates * (ranks - 1) * m.weights / m.network
    lag = updates * rounds * 2 * m.lag if ranks > 1 else 0.0
    start = m.starting(ranks)
    return Time(
        start + serial + updates * rounds * one * slow + sent + lag,
        {
            "start and reading of data": start,
            "steps on ω, on rank 0 alone": serial * (1 - 1 / ranks),
            "no more candidates than N": updates * (rounds - candidates / ranks) * one,
            "sending of ω and v": sent,
            "memory of a node": updates * rounds * one * (slow - 1),
            "messages": lag,
        },
    )


def schedule(jobs, ranks):
    """Ends of jobs [(seconds, [numbers of jobs that it waits for])], each begun by the first rank that is free, in their order
    among those that can begin."""
    waiting = [len(needs) for _, needs in jobs]
    after = [[] for _ in jobs]
    for index, (_, needs) in enumerate(jobs):
        for need in needs:
            after[need].append(index)
    ready = [index for index, count in enumerate(waiting) if count == 0]
    heapq.heapify(ready)
    running, free, now, ends = [], ranks, 0.0, [0.0] * len(jobs)
    while ready or running:
        while ready and free:
            index = heapq.heappop(ready)
            ends[index] = now + jobs[index][0]
            heapq.heappush(running, (ends[index], index))
            free -= 1
        now, index = heapq.heappop(running)
        free += 1
        for other in after[index]:
            waiting[other] -= 1
            if waiting[other] == 0:
                heapq.heappush(ready, other)
    return ends


# Two threads on the spaces of the benchmarks: step, forward, α of first and of second order (docs/performance.md).
SPACES = {
    "s1": (0.140, 0.044, 0.106, 0.499),
    "s2": (0.191, 0.053, 0.145, 0.746),
    "s3": (0.194, 0.059, 0.180, 0.744),
    "s4": (0.205, 0.081, 0.161, 0.747),
}
# Steps of an epoch of a search (half of the images, batch 64) and of a retraining (all of them, batch 64).
DATASETS = {"cifar10": (390, 781), "cifar100": (390, 781), "svhn": (572, 1144)}
# Of the method: epochs of warm-up, and its update: interval, steps, gradients of α of first and second order, passes.
METHODS = {
    "darts1": (0, 1, 0, 1, 0, 0),
    "darts2": (0, 1, 0, 0, 1, 0),
    "darts2-es": (0, 1, 0, 0, 1, 0),
    "zarts-rs": (10, 10, 50, 0, 0, 5),
    "zarts-mgs": (10, 10, 40, 1, 0, 4),
    "zarts-gld": (10, 10, 50, 0, 0, 5),
}


def suite_jobs(m, seeds=4, retrainings=3, brief=100, epochs=600):
    """The jobs of the preset `paper` on one core each, in their order: searches, then choices, then retrainings. A choice trains
    the architecture of each seed for `brief` epochs on half of the images. Eigenvalues of DARTS-ES and tests are left out."""
    # The network of 20 cells and 36 channels: 1.02 s a step of 96 on two threads.
    retraining_step = 1.02 * 64 / 96 * m.two_threads
    searches, choices, retrainings_ = [], [], []
    for space, costs in SPACES.items():
        step, forward, first, second = (value * m.two_threads for value in costs)
        for steps, all_steps in DATASETS.values():
            for warmup, interval, inner, firsts, seconds, passes in METHODS.values():
                update = inner * step + firsts * first + seconds * second + passes * forward
                each = 50 * steps * (step + forward) + (50 - warmup) * steps / interval * update
                needs = []
                for _ in range(seeds):
                    needs.append(len(searches))
                    searches.append((each, []))
                choices.append((seeds * brief * all_steps / 2 * retraining_step, needs))
                retrainings_.append((epochs * all_steps * retraining_step, retrainings))
    jobs = searches + choices
    for index, (seconds, count) in enumerate(retrainings_):
        jobs += [(seconds, [len(searches) + index])] * count
    return jobs


def longest(jobs):
    ends = []
    for seconds, needs in jobs:
        ends.append(seconds + max((ends[need] for need in needs), default=0.0))
    return max(ends)


def suite(m, ranks, jobs):
    total = sum(seconds for seconds, _ in jobs)
    slow = m.slowdown(min(ranks, len(jobs)))
    end = max(schedule([(seconds * slow, needs) for seconds, needs in jobs], ranks))
    plain = max(schedule(jobs, ranks))
    start = m.starting(ranks)
    tables = len(jobs) * m.table
    return Time(
        start + end + tables / ranks,
        {
            "start and reading of data": start,
            "jobs that wait for jobs, and the last of them": plain - total / ranks,
            "memory of a node": end - plain,
            "tables": tables / ranks,
        },
    )


def duration(seconds):
    if seconds < 120:
        return f"{seconds:.1f} s"
    if seconds < 7200:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 5 * 86400 else f"{seconds / 86400:.1f} days"


def predict(m, counts=(1, 2, 4, 64, 1024)):
    jobs = suite_jobs(m)
    apart = replace(m, node_bandwidth=math.inf)
    cases = [
        ("51×51, true:10", lambda m, n: landscape(m, n, 51 * 51, 10)),
        # 50 epochs of 390 steps, 10 of them without updates.
        ("search, zarts-mgs", lambda m, n: search(m, n, 40 * 39, 10, 10, 4, 50, 391)),
        ("the paper's suite", lambda m, n: suite(m, n, jobs)),
    ]
    print("| work | ranks | time | efficiency | with memory to spare | takes most beyond an even share |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, model in cases:
        alone = model(m, 1).seconds
        for n in counts:
            time, free = model(m, n), model(apart, n)
            most = f"{time.first()}, {duration(time.parts[time.first()])}" if n > 1 else "–"
            efficiency, possible = (alone / (n * t.seconds) for t in (time, free))
            print(f"| {name} | {n:,} | {duration(time.seconds)} | {efficiency:.3f} | {possible:.3f} | {most} |")
    total = sum(seconds for seconds, _ in jobs)
    print(
        f"\nsuite: {len(jobs)} jobs, {total / 3600:,.0f} core-hours; longest chain {duration(longest(jobs))}; "
        f"even a share of {len(jobs)} ranks {duration(total / len(jobs))}"
    )


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def table(path):
    runs = rows(path)
    seconds = {(r["work"], int(r["ranks"]), int(r["round"])): float(r["seconds"]) for r in runs}
    shared = {(r["work"], int(r["ranks"]), int(r["round"])): float(r["wall_seconds"]) for r in runs if r["wall_seconds"]}
    print("| work | ranks | seconds, median | efficiency, median (worst) | of the shared part | bytes sent, received | peak MiB |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for work in dict.fromkeys(r["work"] for r in runs):
        for n in sorted({int(r["ranks"]) for r in runs if r["work"] == work}):
            mine = [r for r in runs if r["work"] == work and int(r["ranks"]) == n]
            rounds = [int(r["round"]) for r in mine]

            # Programs that know nothing of each other have n times as much to do.
            shares = 1 if work == "unconnected" else n

            def ratios(times):
                return [
                    times[work, 1, k] / (shares * times[work, n, k])
                    for k in rounds
                    if (work, 1, k) in times and times.get((work, n, k), 0) > 0
                ]

            def text(values):
                return f"{statistics.median(values):.3f} ({min(values):.3f})" if values else "–"

            median = statistics.median(seconds[work, n, k] for k in rounds)
            sent, received = (max(int(r[key] or 0) for r in mine) for key in ("bytes_sent", "bytes_received"))
            peaks = [int(p) >> 20 for r in mine for p in r["peak_bytes"].split(";") if p]
            print(
                f"| {work} | {n} | {median:.1f} | {text(ratios(seconds))} | {text(ratios(shared))} | {sent:,}, {received:,} "
                f"| {max(peaks, default=0)} |"
            )


def check(constants, path):
    with open(constants) as file:
        given = json.load(file)
    names = {field.name for field in fields(Machine)}
    # Cores of one machine, whose memory the measured steps have shared already where two ran; data lie in its cache.
    m = replace(
        Machine(), node_bandwidth=math.inf, files_bandwidth=math.inf, network=1.7e9,
        **{name: value for name, value in given.items() if name in names},
    )
    grid, steps = given["grid"], given["steps"]
    models = {
        "landscape": lambda n: landscape(m, n, grid * grid, steps),
        "unconnected": lambda n: landscape(m, 1, grid * grid, steps),
        "search": lambda n: search(m, n, 2 * 4 // steps, steps, steps, 4, 2, 4),
        # Two epochs of four steps, gradients and passes.
        "compare": lambda n: Time(m.starting(n) + share(4, n) * 8 * (m.step + m.alpha + m.forward), {}),
    }
    runs = rows(path)
    print("\n| work | ranks | measured, median | model | measured / model |")
    print("| --- | --- | --- | --- | --- |")
    for work in dict.fromkeys(r["work"] for r in runs):
        for n in sorted({int(r["ranks"]) for r in runs if r["work"] == work}):
            measured = statistics.median(float(r["seconds"]) for r in runs if r["work"] == work and int(r["ranks"]) == n)
            model = models[work](n).seconds
            print(f"| {work} | {n} | {measured:.1f} s | {model:.1f} s | {measured / model:.2f} |")


def constants(bench, start, grid, steps):
    names = {"train_step": "step", "forward": "forward", "alpha_first": "alpha"}
    result = {"grid": grid, "steps": steps}
    with open(bench) as file:
        for line in file:
            if line.startswith("{"):
                entry = json.loads(line)
                result[names[entry["quantity"]]] = entry["seconds"]
    with open(start) as file:
        # A pass at its one point, and three of each that are measured before it.
        passes = 4 * result["forward"] + 3 * result["step"]
        result["start"] = max(0.0, statistics.median(float(line) for line in file) - passes)
    print(json.dumps(result, indent=2))


def account(path):
    """Messages and bytes sent and received, seconds of the shared part and of rank 0's pieces, pieces and peaks of the ranks."""
    with open(path, newline="") as file:
        entries = [row for row in csv.reader(file) if row]
    if not entries:
        return print(",,,,,,,")
    counts = [str(sum(int(row[k]) for row in entries)) for k in range(1, 5)]
    seconds = [f"{sum(float(row[k]) for row in entries):.3f}" for k in (5, 6)]
    # A program may have had crews of its own beside that of all ranks.
    shares = [row[7].split(";") for row in entries]
    pieces = [sum(int(share[k]) for share in shares if k < len(share)) for k in range(max(map(len, shares)))]
    print(",".join(counts + seconds + [";".join(map(str, pieces)), max((row[8] for row in entries), key=lambda text: text.count(";"))]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    p = commands.add_parser("predict")
    for field in fields(Machine):
        p.add_argument(f"--{field.name.replace('_', '-')}", type=type(field.default), default=field.default)
    commands.add_parser("table").add_argument("csv")
    p = commands.add_parser("check")
    p.add_argument("constants")
    p.add_argument("csv")
    p = commands.add_parser("constants")
    p.add_argument("bench")
    p.add_argument("start")
    p.add_argument("--grid", type=int, required=True)
    p.add_argument("--steps", type=int, required=True)
    commands.add_parser("account").add_argument("file")
    given = parser.parse_args()
    if given.command == "predict":
        predict(Machine(**{field.name: getattr(given, field.name) for field in fields(Machine)}))
    elif given.command == "table":
        table(given.csv)
    elif given.command == "check":
        check(given.constants, given.csv)
    elif given.command == "constants":
        constants(given.bench, given.start, given.grid, given.steps)
    else:
        account(given.file)


if __name__ == "__main__":
    sys.exit(main())
