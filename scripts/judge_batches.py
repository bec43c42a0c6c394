"""The batches of a search, made again from its documented random streams without the program: for scripts/judge_*.py.

A stream is Philox-4x32-10 with counter (block, index, step, purpose << 24 | epoch) under the key (seed's low word, seed's high
word); a 64-bit number is two words, the first one low; an integer below b is the high word of its product with b; an order is
Fisher and Yates' from the end (Sources/Compute/Random). Run as a program it checks Philox against the published vectors.
"""
import pathlib

import numpy as np

SIDE = 32
TRAINING_ORDER, VALIDATION_ORDER, AUGMENTATION, NOISE, DROP_PATH, PERTURBATION = 4, 5, 6, 9, 14, 23
CHANCES = 1 << 31  # streams of images have the indices below
MEAN = (0.49139968, 0.48215827, 0.44653124)
DEVIATION = (0.24703233, 0.24348505, 0.26158768)


def philox(counter, key):
    """Words [4, n] of counters [4, n], uint32."""
    c0, c1, c2, c3 = (np.asarray(word, np.uint64) for word in counter)
    k0, k1 = key
    low = np.uint64(0xFFFFFFFF)
    for _ in range(10):
        first, second = np.uint64(0xD2511F53) * c0, np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = (second >> np.uint64(32)) ^ c1 ^ np.uint64(k0), second & low, (first >> np.uint64(32)) ^ c3 ^ np.uint64(k1), first & low
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3])


def numbers(seed, purpose, epoch, step, indices, count):
    """The first `count` 64-bit numbers of the streams of `indices`: [indices, count]."""
    blocks = (count + 1) // 2
    block, index = np.meshgrid(np.arange(blocks), np.asarray(indices))
    size = block.size
    words = philox((block.ravel(), index.ravel(), np.full(size, step), np.full(size, purpose << 24 | epoch)),
                   (seed & 0xFFFFFFFF, seed >> 32))
    pairs = np.stack([words[0] | words[1] << np.uint64(32), words[2] | words[3] << np.uint64(32)], -1)
    return pairs.reshape(len(indices), -1)[:, :count]


def below(number, bound):
    product = int(number) * bound
    # One in 2^64 / bound has to be drawn again, which nobody has seen.
    assert product & (1 << 64) - 1 >= bound
    return product >> 64


def uniform(numbers):
    """In [0, 1)."""
    return (numbers >> np.uint64(11)).astype(np.float64) * 2.0 ** -53


def permutation(seed, purpose, epoch, step, count):
    order = list(range(count))
    drawn = numbers(seed, purpose, epoch, step, [0], count - 1)[0]
    for last, number in zip(range(count - 1, 0, -1), drawn):
        place = below(number, last + 1)
        order[last], order[place] = order[place], order[last]
    return order


class Batches:
    """Those of a search on CIFAR-10 in the binary layout with `split: file-order` and `validation_sampling: epoch`."""

    def __init__(self, folder, seed=0, batch=64, limit=None, cutout=0):
        """cutout: side of the square that is cut out of augmented images, 0 for none."""
        files = sorted(pathlib.Path(folder).glob("data_batch_?.bin"))
        records = np.concatenate([np.fromfile(file, np.uint8).reshape(-1, 3 * SIDE * SIDE + 1) for file in files])[:limit]
        self.seed, self.batch, self.cutout = seed, batch, cutout
        self.labels, self.pixels = records[:, 0].astype(np.int64), records[:, 1:].reshape(-1, 3, SIDE, SIDE)
        half = len(records) // 2
        self.halves = {"train": list(range(half)), "valid": list(range(half, len(records)))}
        self.steps = max(1, half // batch)
        values = np.arange(256) / 255
        self.table = np.stack([((values - m) / d).astype(np.float32) for m, d in zip(MEAN, DEVIATION)])
        self.orders = {}

    def images(self, positions, draws=None):
        padded = np.pad(self.pixels[positions], ((0, 0), (0, 0), (4, 4), (4, 4)))
        out = np.empty((len(positions), 3, SIDE, SIDE), np.float32)
        for slot in range(len(positions)):
            row, column, flip, square = (0, 0, 0, None) if draws is None else draws[slot]
            crop = padded[slot, :, 4 + row:4 + row + SIDE, 4 + column:4 + column + SIDE]
            for channel in range(3):
                out[slot, channel] = self.table[channel][crop[channel, :, ::-1] if flip else crop[channel]]
            if square is not None:
                half = self.cutout // 2
                top, left = (max(0, centre - half) for centre in square)
                out[slot, :, top:square[0] + half, left:square[1] + half] = 0
        return out, self.labels[positions]

    def augmented(self, split, epoch, step, chance=1.0):
        """The batch of a weight step ("train") or of the update before it ("valid"); steps count within the epoch. chance: of a cutout."""
        members = self.halves[split]
        batches = max(1, len(members) // self.batch)
        turn, place = divmod(step, batches)
        if len(members) <= self.batch:
            positions, turn = members, step
        else:
            purpose = TRAINING_ORDER if split == "train" else VALIDATION_ORDER
            if (split, epoch, turn) not in self.orders:
                self.orders[split, epoch, turn] = [members[i] for i in permutation(self.seed, purpose, epoch, turn, len(members))]
            positions = self.orders[split, epoch, turn][place * self.batch:(place + 1) * self.batch]
        drawn = numbers(self.seed, AUGMENTATION, epoch, turn, positions, 5)
        cut = np.full(len(positions), self.cutout > 0)
        if self.cutout > 0 and chance < 1:
            cut = uniform(numbers(self.seed, AUGMENTATION, epoch, turn, [CHANCES + p for p in positions], 1)[:, 0]) < chance
        draws = [(below(a, 9) - 4, below(b, 9) - 4, below(c, 2), (below(y, SIDE), below(x, SIDE)) if is_cut else None)
                 for (a, b, c, y, x), is_cut in zip(drawn, cut)]
        return self.images(positions, draws)

    def kept(self, split, epoch, step, paths, images, dropped):
        """Which paths of a step's images stay where each is dropped with a probability: [paths, images]."""
        key = int(numbers(self.seed, NOISE, epoch, step, [0 if split == "train" else 1], 1)[0, 0])
        return (uniform(numbers(key, DROP_PATH, 0, 0, [0], paths * images)[0]) >= dropped).reshape(paths, images)

    def perturbation(self, epoch, step, count):
        """Of mixing weights, in units of its size: in [-1, 1)."""
        return 2 * uniform(numbers(self.seed, PERTURBATION, epoch, step, [0], count)[0]) - 1

    def validation_split(self):
        """All of L_val in fixed order, not augmented."""
        members = self.halves["valid"]
        for start in range(0, len(members), self.batch):
            yield self.images(members[start:start + self.batch])


if __name__ == "__main__":
    # Random123, kat_vectors: philox4x32 10.
    ones = 0xFFFFFFFF
    known = [((0, 0, 0, 0), (0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
             ((ones,) * 4, (ones,) * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
             ((0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344), (0xa4093822, 0x299f31d0), "d16cfe09 94fdcceb 5001e420 24126ea1")]
    for counter, key, wanted in known:
        found = " ".join(f"{int(word[0]):08x}" for word in philox([[word] for word in counter], key))
        assert found == wanted, (found, wanted)
    print("Philox agrees with its published vectors")
