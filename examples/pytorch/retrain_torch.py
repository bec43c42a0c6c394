"""Trains the derived network of a genotype on Fashion-MNIST in PyTorch, with the settings of `zarts retrain`.

usage: python retrain_torch.py GENOTYPE_FILE DATA_DIR [--channels 16] [--layers 8] [--batch 96] [--epochs 2] [--train-limit N]
                               [--threads 2] [--seed 0] [--layout nhwc|nchw]
DATA_DIR holds the four gzip'd IDX files. Images are padded to 32x32 and repeated in three channels; crop, flip and cutout 16;
SGD 0.025 -> 0 by cosine, momentum 0.9, weight decay 3e-4, clip 5; auxiliary head 0.4; drop-path to 0.2 linearly.
Prints one line an epoch and the test accuracy with running statistics.
"""
import argparse
import gzip
import math
import time
import numpy as np
import torch
from derived_torch import DerivedNetwork, parse

p = argparse.ArgumentParser()
p.add_argument("genotype")
p.add_argument("data")
for name, default in (("channels", 16), ("layers", 8), ("batch", 96), ("epochs", 2), ("train-limit", 0), ("threads", 2), ("seed", 0)):
    p.add_argument(f"--{name}", type=int, default=default)
p.add_argument("--layout", default="nhwc", choices=["nhwc", "nchw"])
a = p.parse_args()
torch.set_num_threads(a.threads)
torch.manual_seed(a.seed)
rng = np.random.default_rng(a.seed)


def read(prefix):
    images = np.frombuffer(gzip.open(f"{a.data}/{prefix}-images-idx3-ubyte.gz").read(), np.uint8, offset=16).reshape(-1, 28, 28)
    labels = np.frombuffer(gzip.open(f"{a.data}/{prefix}-labels-idx1-ubyte.gz").read(), np.uint8, offset=8)
    return np.pad(images, ((0, 0), (2, 2), (2, 2))), torch.tensor(labels.astype(np.int64))


def normalised(images):
    x = torch.tensor(images.astype(np.float32) / 255)
    return ((x - MEAN) / STD)[:, None].repeat(1, 3, 1, 1)


def augmented(images):
    result = np.empty_like(images)
    for i, image in enumerate(images):
        padded = np.pad(image, 4)
        y, x = rng.integers(0, 9, 2)
        crop = padded[y:y + 32, x:x + 32]
        result[i] = crop[:, ::-1] if rng.integers(2) else crop
    x = normalised(result)
    for i in range(len(images)):
        y, c = rng.integers(0, 32, 2)
        x[i, :, max(0, y - 8):min(32, y + 8), max(0, c - 8):min(32, c + 8)] = 0
    return x


MEAN, STD = 0.219000, 0.331811  # of the padded training images
train, train_labels = read("train")
test, test_labels = read("t10k")
members = rng.permutation(len(train))[:a.train_limit or len(train)]
fmt = torch.channels_last if a.layout == "nhwc" else torch.contiguous_format
net = DerivedNetwork(parse(open(a.genotype).read().strip().splitlines()[-1]), a.channels, 10, a.layers).to(memory_format=fmt)
optimiser = torch.optim.SGD(net.parameters(), 0.025, momentum=0.9, weight_decay=3e-4)
steps = 0
start = time.time()
for epoch in range(a.epochs):
    rate, drop = 0.025 * (1 + math.cos(math.pi * epoch / a.epochs)) / 2, 0.2 * epoch / a.epochs
    for group in optimiser.param_groups: group["lr"] = rate
    net.train()
    order, total = rng.permutation(members), 0.0
    for first in range(0, len(order), a.batch):
        chosen = order[first:first + a.batch]
        x, y = augmented(train[chosen]).contiguous(memory_format=fmt), train_labels[chosen]
        keep = (torch.rand(a.layers, 8, len(chosen)) >= drop).float() / (1 - drop) if drop > 0 else None
        optimiser.zero_grad(set_to_none=True)
        loss = net.loss(x, y, keep)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        total += float(loss.detach()) * len(chosen)
        steps += 1
    net.eval()
    with torch.no_grad():
        correct = sum(int((net(normalised(test[i:i + 500]).contiguous(memory_format=fmt))[0].argmax(1) == test_labels[i:i + 500]).sum())
                      for i in range(0, len(test), 500))
    print(f"epoch {epoch + 1}/{a.epochs} steps {steps} loss with auxiliary {total / len(order):.4f} "
          f"test accuracy {100 * correct / len(test):.2f} % {time.time() - start:.0f} s", flush=True)
