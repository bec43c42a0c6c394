#!/usr/bin/env python3
"""What JPEG does to CIFAR-10: writes the JPEG twins of exact images, so that searches on both differ in nothing else.

    python3 scripts/judge_jpeg.py EXACT JPEG OUT       # all three folders in the binary layout

EXACT holds some of the official images, JPEG all of them as scripts/cifar_from_jpeg.py wrote them, in another order. The twin of an
image is the nearest of its class. OUT has the twins in the order of EXACT. Prints how far pixels are apart, and how sure the twins
are: the distance to the nearest beside that to the second nearest.
"""
import argparse
import pathlib

import numpy as np


def read(file):
    return np.fromfile(file, np.uint8).reshape(-1, 3073)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("exact", "jpeg", "out"):
        parser.add_argument(name, type=pathlib.Path)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for pattern in ("data_batch_?.bin", "test_batch.bin"):
        pool = np.concatenate([read(file) for file in sorted(arguments.jpeg.glob(pattern))])
        differences, ratios = [], []
        for file in sorted(arguments.exact.glob(pattern)):
            exact = read(file)
            twins = np.empty_like(exact)
            for label in range(10):
                candidates, rows = pool[pool[:, 0] == label], np.flatnonzero(exact[:, 0] == label)
                a, b = exact[rows, 1:].astype(np.float32), candidates[:, 1:].astype(np.float32)
                distances = (a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * a @ b.T
                two = np.partition(distances, 1, axis=1)[:, :2]
                twins[rows] = candidates[distances.argmin(1)]
                ratios.append(np.sqrt(np.maximum(two[:, 0], 0) / two[:, 1]))
            differences.append(np.abs(twins[:, 1:].astype(int) - exact[:, 1:]).astype(np.uint8))
            twins.tofile(arguments.out / file.name)
        apart, ratio = np.concatenate(differences), np.concatenate(ratios)
        print(f"{pattern}: {len(apart)} images, pixels apart {apart.mean():.2f} on average, root mean square "
              f"{np.sqrt((apart.astype(float) ** 2).mean()):.2f}, of 255; nearest to second nearest {np.median(ratio):.2f}, at most {ratio.max():.2f}")
    names = arguments.exact / "batches.meta.txt"
    if names.exists():
        (arguments.out / names.name).write_bytes(names.read_bytes())


if __name__ == "__main__":
    main()
