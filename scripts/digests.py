#!/usr/bin/env python3
"""Digests of result files, for scripts/digests.sh; needs the standard library alone.

usage: scripts/digests.py DIR           writes DIR/digests.txt and DIR/words.txt
       scripts/digests.py --images DIR  writes folders of small PNG images, always the same ones
       scripts/digests.py --cut FROM DIR  writes the first images of Fashion-MNIST in FROM
digests.txt has a line for each tensor of .safetensors, .npy and .npz (type, shape and bytes), each column of a .csv, the
pixels of each .png and each file of genotypes. Seconds, journals (in the order of completion), logs and
shared warm-ups, which are in the runs, are left out.
words.txt has the lines of settings, metadata and printed text, without times and with DIR itself as OUT.
"""
import csv
import gzip
import hashlib
import json
import pathlib
import re
import struct
import sys
import zipfile
import zlib

# Lines with wall times (a comparison's tables have them without a unit), or checksums of metadata that hold some.
TIMED = re.compile(r"seconds|\d (s|ms|min|h)\b| finished \d+/\d+ | ± .* ± |^(checksum|command|version)\b")
GENOTYPES = {"genotype.txt", "genotypes.txt"}
LEFT_OUT = {"digests.txt", "words.txt", "log.txt", "journal.csv", "refinement-journal.csv"}
FOLDERS_LEFT_OUT = {"images", "data", "warmups"}


def digest(*parts):
    hash = hashlib.sha256()
    for part in parts:
        # Lengths keep parts apart.
        data = part if isinstance(part, bytes) else str(part).encode()
        hash.update(len(data).to_bytes(8, "little") + data)
    return hash.hexdigest()[:32]


def safetensors(data):
    """Digests by name of tensor, and the metadata."""
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    body = data[8 + length :]
    metadata = header.pop("__metadata__", {})
    digests = {}
    for name, tensor in header.items():
        first, last = tensor["data_offsets"]
        digests[name] = digest(tensor["dtype"], tensor["shape"], body[first:last])
    return digests, metadata


def npy(data):
    assert data[:6] == b"\x93NUMPY", "not an NPY file"
    size = 2 if data[6] == 1 else 4
    start = 8 + size
    end = start + int.from_bytes(data[8:start], "little")
    return digest(data[start:end].strip(), data[end:])


def png(data):
    """Digest of the pixels alone: what is written beside them may change."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n", "not a PNG file"
    place, header, pixels = 8, b"", b""
    while place < len(data):
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        chunk = data[place + 8 : place + 8 + length]
        if kind in (b"IHDR", b"PLTE"):
            header += chunk
        elif kind == b"IDAT":
            pixels += chunk
        place += 12 + length
    return digest(header, zlib.decompress(pixels))


def columns(text):
    rows = list(csv.reader(text.splitlines()))
    kept = [row for row in rows[1:] if "seconds" not in row]
    for place, name in enumerate(rows[0] if rows else []):
        if name != "seconds":
            yield name, digest(*[row[place] for row in kept])


class Report:
    def __init__(self, root):
        self.root, self.digests, self.words = root, [], []
        self.place = str(root.resolve())

    def add(self, path, item, value):
        self.digests.append(f"{path}{'#' + item if item else ''} {value}")

    def say(self, path, text):
        for line in text.splitlines():
            # Widths of columns follow from those of times; comments of settings are for people.
            line = re.sub(r" +", " ", line.replace(self.place, "OUT")).split(" # ")[0].rstrip()
            if line.strip("─ ") and not TIMED.search(line):
                self.words.append(f"{path}: {line}")

    def read(self, file):
        path, data = file.relative_to(self.root).as_posix(), file.read_bytes()
        if file.suffix == ".safetensors":
            tensors, metadata = safetensors(data)
            for name in sorted(tensors):
                self.add(path, name, tensors[name])
            for key in sorted(metadata):
                self.say(path, f"{key}: {metadata[key]}")
        elif file.suffix == ".npy":
            self.add(path, "", npy(data))
        elif file.suffix == ".npz":
            with zipfile.ZipFile(file) as archive:
                for name in sorted(archive.namelist()):
                    self.add(path, name, npy(archive.read(name)))
        elif file.suffix == ".csv":
            for name, value in columns(data.decode().replace(self.place, "OUT")):
                self.add(path, name, value)
        elif file.suffix == ".png":
            self.add(path, "", png(data))
        elif file.name in GENOTYPES:
            self.add(path, "", digest(data))
        elif file.suffix in (".txt", ".yaml"):
            self.say(path, data.decode())

    def write(self):
        for name, lines in (("digests.txt", self.digests), ("words.txt", self.words)):
            (self.root / name).write_text("".join(line + "\n" for line in lines))


def report(root):
    result = Report(root)
    files = [file for file in root.rglob("*") if file.is_file() and not file.name.startswith(".")]
    for file in sorted(files, key=lambda file: file.relative_to(root).as_posix()):
        if file.name not in LEFT_OUT and not FOLDERS_LEFT_OUT.intersection(file.relative_to(root).parts):
            result.read(file)
    result.write()


def images(root):
    """Three classes of noisy waves, of several sizes; eight images a class to train on, three to test."""
    state = 1
    for split, count in (("train", 8), ("val", 3)):
        for label, name in enumerate(("hills", "lakes", "woods")):
            folder = root / split / name
            folder.mkdir(parents=True)
            for index in range(count):
                width, height = 40 + 8 * (index % 3), 48 - 4 * (index % 4)
                rows = bytearray()
                for y in range(height):
                    rows.append(0)
                    for x in range(width):
                        for channel in range(3):
                            state = (1103515245 * state + 12345) % 2**31
                            wave = (x * (label + 1) + y * (channel + 2) + 11 * index) * 4 % 256
                            rows.append((3 * min(wave, 255 - wave) + (state >> 16) % 128) % 256)
                (folder / f"{index}.png").write_bytes(encoded(width, height, bytes(rows)))


def cut(source, folder):
    """The first 500 images to train on and the first 100 to test, as IDX files (magic number, extents, bytes)."""
    folder.mkdir(parents=True)
    for split, count in (("train", 500), ("t10k", 100)):
        for kind, dimensions, size in (("images-idx3", 3, 28 * 28), ("labels-idx1", 1, 1)):
            name = f"{split}-{kind}-ubyte"
            with gzip.open(source / f"{name}.gz") as file:
                start, body = file.read(4 + 4 * dimensions), file.read(count * size)
            (folder / name).write_bytes(start[:4] + struct.pack(">I", count) + start[8:] + body)


def encoded(width, height, rows):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if len(arguments) == 2 and arguments[0] == "--images":
        images(pathlib.Path(arguments[1]))
    elif len(arguments) == 3 and arguments[0] == "--cut":
        cut(pathlib.Path(arguments[1]), pathlib.Path(arguments[2]))
    elif len(arguments) == 1 and not arguments[0].startswith("-"):
        report(pathlib.Path(arguments[0]))
    else:
        sys.exit(__doc__)
