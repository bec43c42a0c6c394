#!/usr/bin/env python3
"""What JPEG does to a search at full size where exact images are not to be had: puts images through JPEG once more.

    python3 scripts/judge_jpeg_again.py DATA OUT       # both in CIFAR-10's binary layout; needs numpy and Pillow

The images of DATA, in their order, are written at quality 75 with halved chroma, the quantisation of the JPEG files that the study's
images come from. The grid of 8x8 blocks lies five pixels off the images' own, since a second pass on the same grid would change next to
nothing. Prints how far pixels are moved.
"""
import argparse
import io
import pathlib
import shutil
import sys

import numpy as np
from PIL import Image

QUALITY = 75
HALVED_CHROMA = 2
SHIFT = 5


def again(pixels):
    padded = np.pad(pixels, ((SHIFT, 16 - SHIFT), (SHIFT, 16 - SHIFT), (0, 0)), mode="edge")
    file = io.BytesIO()
    Image.fromarray(padded).save(file, "JPEG", quality=QUALITY, subsampling=HALVED_CHROMA)
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB"))[SHIFT:SHIFT + 32, SHIFT:SHIFT + 32]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("data", "out"):
        parser.add_argument(name, type=pathlib.Path)
    arguments = parser.parse_args()
    sources = sorted(arguments.data.glob("*_batch*.bin"))
    if not sources:
        sys.exit(f"{arguments.data}: found no data_batch_1.bin to test_batch.bin, expected CIFAR-10's binary layout")
    if arguments.out.exists() and any(arguments.out.iterdir()):
        sys.exit(f"{arguments.out}: found files in it, expected a new or empty folder")
    arguments.out.mkdir(parents=True, exist_ok=True)
    squares, absolutes, count = 0, 0, 0
    for source in sources:
        records = np.fromfile(source, np.uint8).reshape(-1, 3073)
        changed = records.copy()
        for before, after in zip(records, changed):
            after[1:] = again(before[1:].reshape(3, 32, 32).transpose(1, 2, 0)).transpose(2, 0, 1).reshape(-1)
        moved = changed[:, 1:].astype(np.int64) - records[:, 1:]
        squares, absolutes, count = squares + (moved ** 2).sum(), absolutes + np.abs(moved).sum(), count + moved.size
        changed.tofile(arguments.out / source.name)
    names = arguments.data / "batches.meta.txt"
    if names.exists():
        shutil.copy(names, arguments.out)
    print(f"mean {absolutes / count:.2f}, root mean square {np.sqrt(squares / count):.2f} of 255")


if __name__ == "__main__":
    main()
