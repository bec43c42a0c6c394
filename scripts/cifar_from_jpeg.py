#!/usr/bin/env python3
"""Writes CIFAR-10 that is there as JPEG images (an archive or a folder of train/CLASS/*.jpg and test/CLASS/*.jpg) into the
official binary layout: data_batch_1.bin to data_batch_5.bin, test_batch.bin, batches.meta.txt, 3,073 bytes an image.

    python3 scripts/cifar_from_jpeg.py cifar-10-jpeg.tar.gz data/cifar10-of-jpeg        # needs Pillow

The official files mix the classes, folders do not, so the images are put into a fixed shuffled order: that of the SHA-256 of
their path below the archive's root. The same input gives the same bytes on every machine. It is not the official order, and the pixels are
not the official pixels, since JPEG loses some: they are off by about 6 of 255 on average.
"""
import argparse
import hashlib
import io
import os
import pathlib
import sys
import tarfile

SIDE = 32
BATCHES = 5


def images(source):
    """Path below the root and bytes of every image."""
    if source.is_dir():
        for path in source.rglob("*.jp*g"):
            yield path.relative_to(source).as_posix(), path.read_bytes()
    else:
        with tarfile.open(source) as archive:
            for member in archive:
                if member.isfile() and member.name.lower().endswith((".jpg", ".jpeg")):
                    yield member.name.removeprefix("./"), archive.extractfile(member).read()


def planes(name, data):
    from PIL import Image
    with Image.open(io.BytesIO(data)) as image:
        if image.size != (SIDE, SIDE):
            sys.exit(f"{name}: found {image.size[0]} by {image.size[1]} pixels, expected {SIDE} by {SIDE}")
        return b"".join(band.tobytes() for band in image.convert("RGB").split())


def write(path, content):
    """Under another name first, so that a file that is there is whole."""
    scratch = path.with_name(f".{path.name}.tmp")
    with open(scratch, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=pathlib.Path, help="archive or folder")
    parser.add_argument("out", type=pathlib.Path, help="folder for the binary layout")
    arguments = parser.parse_args()
    try:
        import PIL  # noqa: F401
    except ImportError:
        sys.exit("cifar_from_jpeg: Pillow is missing; install python3-pil, or pip install pillow in an environment of its own")
    splits = {"train": [], "test": []}
    for name, data in images(arguments.source):
        parts = name.split("/")[-3:]
        if len(parts) != 3 or parts[0] not in splits:
            sys.exit(f"{name}: expected train/CLASS/NAME or test/CLASS/NAME")
        splits[parts[0]].append(("/".join(parts), data))
    classes = sorted({name.split("/")[1] for name, _ in splits["train"]})
    others = sorted({name.split("/")[1] for name, _ in splits["test"]} - set(classes))
    if len(classes) != 10 or others or len(splits["train"]) % BATCHES or not splits["test"]:
        sys.exit(f"{arguments.source}: found {len(splits['train'])} training and {len(splits['test'])} test images of "
                 f"{len(classes)} classes, expected those of 10 classes, of training images a multiple of {BATCHES}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    for split, found in splits.items():
        found.sort(key=lambda image: hashlib.sha256(image[0].encode()).digest())
        records = [bytes([classes.index(name.split("/")[1])]) + planes(name, data) for name, data in found]
        if split == "test":
            write(arguments.out / "test_batch.bin", b"".join(records))
            continue
        size = len(records) // BATCHES
        for batch in range(BATCHES):
            write(arguments.out / f"data_batch_{batch + 1}.bin", b"".join(records[batch * size:(batch + 1) * size]))
    # Last: whoever finds it finds all of them.
    write(arguments.out / "batches.meta.txt", "".join(f"{name}\n" for name in classes).encode())
    print(f"{arguments.out}: {len(splits['train'])} training and {len(splits['test'])} test images of {len(classes)} classes")


if __name__ == "__main__":
    main()
