"""Writes small derived networks with running statistics and what they say of a few images in evaluation mode, in float64.

usage: python make_evaluation_golden.py FOLDER
FOLDER/cifar.safetensors and FOLDER/imagenet.safetensors hold the state_dict of derived_torch.py's network, under the names of the
public `NetworkCIFAR` and `NetworkImageNet` (running_mean, running_var and num_batches_tracked among them; no auxiliary head), and a
data set as `tensors:` reads it: train.images, valid.images (float16, exact), train.labels, valid.labels. Running statistics are those
of training passes over the training images. Of the validation images, float64:
  expect.logits [count, classes], expect.loss             running statistics
  expect.top1, expect.top5                                numbers of images, int64
  expect.batch_logits, expect.batch_loss, expect.batch_top1, expect.batch_top5      the same with the statistics of this batch
Labels are such that top-1 and top-5 counts tell apart. Metadata: genotype, channels, layers, classes, image, and gap: the least
difference between a label's logit and another, which no rounding bridges.
"""
import sys
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from derived_torch import EVERYTHING, DerivedNetwork, parse
from make_weight_hessian_golden import fill, exact

CASES = {"cifar": dict(channels=4, layers=5, classes=10, image=16, count=24), "imagenet": dict(channels=8, layers=3, classes=12, image=64, count=8)}


def counts(logits, labels):
    ranks = (logits > logits.gather(1, labels[:, None])).sum(1)
    return (ranks < 1).sum(), (ranks < 5).sum()


def main():
    torch.set_default_dtype(torch.float64)
    for index, (name, case) in enumerate(CASES.items()):
        random = np.random.default_rng([19, 200 + index])
        net = DerivedNetwork(parse(EVERYTHING), case["channels"], case["classes"], case["layers"], False, name == "imagenet")
        fill(net, random)
        count, side, classes = case["count"], case["image"], case["classes"]
        images = [exact(random.standard_normal((count, 3, side, side)), np.float16) for _ in range(2)]
        net.train()
        with torch.no_grad():
            for _ in range(20): net(images[0])
            for key, value in net.state_dict().items():
                if "running" in key: value.copy_(value.float().double())  # what float32 holds exactly
            state = {k: v.clone() for k, v in net.state_dict().items()}
            net.eval()
            logits, _ = net(images[1])
            order = logits.argsort(1, descending=True)
            # A third of the labels first, a third second to fifth, the rest below.
            places = [0 if i % 3 == 0 else int(random.integers(1, 5)) if i % 3 == 1 else int(random.integers(5, classes)) for i in range(count)]
            labels = order[torch.arange(count), torch.tensor(places)]
            net.train()
            batch_logits, _ = net(images[1])
        save = {k: v.float() if v.is_floating_point() else v for k, v in state.items()}
        save |= {"train.images": images[0].half(), "valid.images": images[1].half(), "valid.labels": labels,
                 "train.labels": torch.tensor(random.integers(0, classes, count))}
        gap = np.inf
        for prefix, found in (("", logits), ("batch_", batch_logits)):
            save[f"expect.{prefix}logits"], save[f"expect.{prefix}loss"] = found, F.cross_entropy(found, labels)
            save[f"expect.{prefix}top1"], save[f"expect.{prefix}top5"] = counts(found, labels)
            apart = (found - found.gather(1, labels[:, None])).abs()
            gap = min(gap, float(apart[apart > 0].min()))
        assert gap > 1e-3 and all(torch.equal(save[k].double(), v) for k, v in state.items() if v.is_floating_point())
        about = dict(case, network="derived", stem=name, genotype=EVERYTHING, gap=gap)
        save_file({k: v.contiguous() for k, v in save.items()}, f"{sys.argv[1]}/{name}.safetensors", metadata={k: str(v) for k, v in about.items()})
        print(name, {k: v.item() for k, v in save.items() if k.startswith("expect") and v.dim() == 0}, "gap", gap)


if __name__ == "__main__":
    main()
