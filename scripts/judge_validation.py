#!/usr/bin/env python3
"""Holds the validation of a search against the PyTorch reference model: both columns of metrics.csv, with batch statistics and
with running ones, computed again from the checkpoints at the ends of epochs.

    python3 scripts/judge_validation.py RUN DATA [--epochs 1,2] [--batches N]

RUN and DATA as for scripts/judge_steps.py. With --batches only the first N batches of L_val are taken, for a first look at a
large one; the columns of the search are then those of the whole. With --augmented the images are augmented as a search's are,
as RobustDARTS evaluates them (src/search/train_search.py, 93 to 101), which no column of a search has.
"""
import argparse
import csv
import pathlib

import numpy as np
import torch

from judge_steps import Checkpoint, Judge, checkpoints


def evaluate(judge, batches):
    """Mean loss and accuracy with batch statistics and with running ones."""
    sums = np.zeros((2, 2))
    count = 0
    kept = {name: value.clone() for name, value in judge.net.state_dict().items()}
    for images, labels in batches:
        images, labels = torch.from_numpy(images).to(judge.dtype), torch.from_numpy(labels)
        for index, training in enumerate((True, False)):
            judge.net.train(training)
            with torch.no_grad():
                logits = judge.net(images)
                sums[index] += float(torch.nn.functional.cross_entropy(logits, labels, reduction="sum")), int((logits.argmax(1) == labels).sum())
            # A pass with batch statistics moves the running ones.
            judge.net.load_state_dict(kept)
        count += len(labels)
    return sums / count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("data")
    parser.add_argument("--epochs", help="epochs finished, with commas between; all by default")
    parser.add_argument("--batches", type=int, help="only so many batches of L_val")
    parser.add_argument("--augmented", action="store_true", help="augment the images")
    parser.add_argument("--float64", action="store_true", help="compute in double precision")
    arguments = parser.parse_args()
    known = checkpoints(arguments.run)
    with open(arguments.run / "metrics.csv") as file:
        rows = {int(row["epoch"]): row for row in csv.DictReader(file)}
    chosen = [int(word) for word in arguments.epochs.split(",")] if arguments.epochs else sorted(rows)
    for epoch in chosen:
        judge = Judge(Checkpoint(known[epoch, 0]), arguments.data, torch.float64 if arguments.float64 else torch.float32)
        if arguments.augmented:
            count = len(judge.batches.halves["valid"]) // judge.batches.batch
            batches = [judge.batches.augmented("valid", epoch, step) for step in range(count)]
        else:
            batches = list(judge.batches.validation_split())
        found = evaluate(judge, batches[:arguments.batches])
        for (loss, accuracy), statistics, suffix in zip(found, ("batch", "running"), ("", "_running")):
            row = rows[epoch]
            print(f"epoch {epoch}, {statistics} statistics: loss {row['validation_loss' + suffix]}, PyTorch {loss:.7f}; "
                  f"accuracy {row['validation_accuracy' + suffix]}, PyTorch {accuracy:.6f}", flush=True)


if __name__ == "__main__":
    main()
