#!/usr/bin/env python3
"""Tables of docs/study-published.md: the searches collected in notebooks-data/published beside the three plain public ones.

    python3 scripts/published_tables.py [--logs LOGS] [COLLECTED]

LOGS is a folder with epochs.csv as docs/public-logs.md describes it; without it the public rows are left out. Epochs are counted as
finished ones, from 1, where the public logs count from 0. Whatever is there is shown, so a study that goes on can be read.
"""
import argparse
import csv
import pathlib
import re

PLAIN = re.compile(r"s1-cifar10-dp0\.0-wd0\.0003-.*-seed(\d+)$")
SKIP_EPOCHS = (1, 6, 11, 16, 21, 26, 31, 41, 50)


def rows(path):
    if not path.exists():
        return []
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def number(text, form="{:.3f}", scale=1.0):
    return form.format(scale * float(text)) if text not in ("", None) else "–"


def skips(genotype, cell):
    """Of a Genotype(...) line."""
    return re.search(rf"{cell}=\[(.*?)\]", genotype)[1].count("skip_connect")


def table(header, lines):
    print("| " + " | ".join(header) + " |")
    print("| " + " | ".join("---" for _ in header) + " |")
    for line in lines:
        print("| " + " | ".join(line) + " |")
    print()


FIDELITY = ("spearman", "slope", "slope_corrected", "pearson_corrected", "gradient_cosine", "gradient_sign_agreement")


def interval(row):
    bounds = f" ({number(row['lower'], '{:.2f}')} to {number(row['upper'], '{:.2f}')})" if row.get("lower") else ""
    return number(row.get("value"), "{:.2f}") + bounds


class Search:
    def __init__(self, name, epochs):
        self.name, self.epochs = name, epochs

    @staticmethod
    def collected(folder):
        found = []
        for row in rows(folder / "metrics.csv"):
            found.append({
                "epoch": int(row["epoch"]), "training": row["training_accuracy"], "batch": row["validation_accuracy"],
                "running": row["validation_accuracy_running"], "normal": row["skip_connections"], "reduce": row["skip_connections_reduce"],
                "eigenvalue": row["dominant_eigenvalue"]})
        return Search(f"`{folder.name}`", found)

    @staticmethod
    def public(path):
        found = {}
        for row in rows(path):
            plain = PLAIN.match(row["run"])
            if plain:
                found.setdefault(int(plain[1]), []).append({
                    "epoch": int(row["epoch"]) + 1, "training": row["training_accuracy"], "batch": "", "running": row["validation_accuracy"],
                    "normal": str(skips(row["genotype"], "normal")), "reduce": str(skips(row["genotype"], "reduce")),
                    "eigenvalue": row["dominant_eigenvalue"]})
        return [Search(f"public, seed {seed}", epochs) for seed, epochs in sorted(found.items())]

    def at(self, epoch, key):
        return next((row[key] for row in self.epochs if row["epoch"] == epoch), "")

    def near(self, epoch):
        """The eigenvalue of the epoch or of the one before: the public ones are after 1, 3, 5, …, those here after 2, 4, 6, …"""
        return self.at(epoch, "eigenvalue") or self.at(epoch - 1, "eigenvalue")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collected", type=pathlib.Path, nargs="?", default=pathlib.Path("notebooks-data/published"))
    parser.add_argument("--logs", type=pathlib.Path)
    arguments = parser.parse_args()
    folders = sorted(path.parent for path in arguments.collected.glob("*/metrics.csv"))
    searches = [Search.collected(folder) for folder in folders]
    if arguments.logs:
        searches += Search.public(arguments.logs / "epochs.csv")

    print("Accuracies of the first three epochs, %.\n")
    table(["search", "training", "validation, running statistics", "validation, batch statistics"],
          [[s.name] + [", ".join(number(s.at(e, key), "{:.1f}", 100) for e in (1, 2, 3)) for key in ("training", "running", "batch")]
           for s in searches])
    print("Skip connections of 8 edges after epochs " + ", ".join(map(str, SKIP_EPOCHS)) + ".\n")
    table(["search", "normal cell", "reduction cell"],
          [[s.name] + [", ".join(s.at(e, key) or "–" for e in SKIP_EPOCHS) for key in ("normal", "reduce")] for s in searches])
    print("Dominant eigenvalue of the Hessian of α after epochs 2, 10, 20, 30, 40, 50, or the epoch before.\n")
    table(["search", "eigenvalue", "validation %, running statistics, after 10, 20, 30, 40, 50"],
          [[s.name, ", ".join(number(s.near(e), "{:.2f}") for e in (2, 10, 20, 30, 40, 50)),
            ", ".join(number(s.at(e, "running"), "{:.1f}", 100) for e in (10, 20, 30, 40, 50))] for s in searches])

    judged = [(folder, folder / "diagnosis.txt") for folder in folders if (folder / "diagnosis.txt").exists()]
    if judged:
        print("What `zarts diagnose` says.\n")
        table(["search", "verdict"], [[f"`{folder.name}`", path.read_text().splitlines()[0]] for folder, path in judged])

    lines = []
    for folder in folders:
        for place in sorted(folder.glob("fidelity-*")):
            found = {(row["name"], row["objective"]): row for row in rows(place / "fidelity.csv") if row["radius"] == ""}
            for objective, mark in (("first", "L₁"), ("second", "L₂")):
                lines.append([f"`{folder.name}`", str(int(place.name.split("-")[1])), mark]
                             + [interval(found.get((name, objective), {})) for name in FIDELITY])
    if lines:
        print("L₁ and L₂ against L₁₀ over all distances, with 95 % intervals.\n")
        table(["search", "epoch", "", "rank correlation", "slope", "slope without the batches' noise", "Pearson's r without it", "cosine of the gradient",
               "signs alike"], lines)

    lines = []
    for folder in folders:
        for place in sorted(folder.glob("landscape-*")):
            for row in rows(place / "comparison.csv"):
                lines.append([f"`{folder.name}`", str(int(place.name.split("-")[1])), {"first": "L₁", "second": "L₂"}.get(row["approximation"], row["approximation"])]
                             + [number(row[key], form) for key, form in (("pearson", "{:.3f}"), ("spearman", "{:.3f}"), ("bias", "{:+.3f}"), ("minimiser_distance", "{:.2f}"))])
    if lines:
        print("Landscapes: agreement with L₁₀ over the grid.\n")
        table(["search", "epoch", "approximation", "Pearson", "Spearman", "bias", "distance of the minimisers"], lines)


if __name__ == "__main__":
    main()
