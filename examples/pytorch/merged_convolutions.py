"""The supernet with merged convolutions (MergeNAS, IJCAI 2020), beside supernet_torch.py, and its golden values.

It is the oracle of this project's own implementation: where an edge has several convolutions they are one, ReLU - depthwise - 1x1 -
batch norm, whose depthwise kernel is the sum over them of the mixing weight times a shared kernel under the mask of their taps.
The sum of the edge adds it with the weight 1. Tensor names are those of the public code (depth_weight1, point_conv1, bn1).

usage: python merged_convolutions.py OUT SPACE CHANNELS LAYERS IMAGE BATCH SEED
variant_golden.py says what the file holds.
"""
import sys
import torch
import torch.nn as nn
import torch.nn.functional as F
from supernet_torch import SPACES, MixedOp, Supernet, bn, build, conv
from variant_golden import write


def taps(name):
    """Offsets from the centre along one side."""
    kind, _, size = name.split("_")
    spacing, k = (1 if kind == "sep" else 2), int(size[0])
    return [spacing * (i - k // 2) for i in range(k)]


class MergedConvolution(nn.Module):
    def __init__(self, c, stride, names):
        super().__init__()
        self.stride, self.reach = stride, (4 if any(max(taps(n)) > 2 for n in names) else 2)
        side = 2 * self.reach + 1
        self.depth_weight1 = nn.Parameter(torch.empty(c, 1, side, side))
        nn.init.kaiming_normal_(self.depth_weight1, mode="fan_in")
        self.point_conv1, self.bn1 = conv(c, c), bn(c)
        self.masks = torch.zeros(len(names), side, side)
        for mask, name in zip(self.masks, names):
            for dy in taps(name):
                for dx in taps(name): mask[self.reach + dy, self.reach + dx] = 1

    def forward(self, x, w):
        kernel = self.depth_weight1 * (w[:, None, None] * self.masks).sum(0)
        x = F.conv2d(F.relu(x), kernel, stride=self.stride, padding=self.reach, groups=x.shape[1])
        return self.bn1(self.point_conv1(x))


class MergedMixedOp(nn.Module):
    def __init__(self, c, stride, names):
        super().__init__()
        merged = [n for n in names if "conv" in n]
        self.own = [i for i, n in enumerate(names) if "conv" not in n]
        self.shared = [i for i, n in enumerate(names) if "conv" in n]
        self._ops = nn.ModuleList([build(names[i], c, stride) for i in self.own] + [MergedConvolution(c, stride, merged)])

    def forward(self, x, w):
        return sum(w[i] * op(x) for i, op in zip(self.own, self._ops)) + self._ops[-1](x, w[self.shared])


class MergedSupernet(Supernet):
    def __init__(self, channels=16, classes=10, layers=8, space="s6"):
        super().__init__(channels, classes, layers, space)
        edges = [(i, j) for i in range(4) for j in range(2 + i)]
        c = channels
        for cell in self.cells:
            c *= 2 if cell.reduction else 1
            for k, ((i, j), names) in enumerate(zip(edges, SPACES[space][cell.reduction])):
                if sum("conv" in n for n in names) > 1:
                    cell._ops[k] = MergedMixedOp(c, 2 if cell.reduction and j < 2 else 1, names)


def main():
    out, space = sys.argv[1:3]
    channels, layers, image, batch, seed = map(int, sys.argv[3:8])
    make = lambda: MergedSupernet(channels, 10, layers, space)
    names = ["alphas_normal", "alphas_reduce"]
    write(out, make, names, space, channels, layers, image, batch, seed, {"merged_convolutions": "true"})


if __name__ == "__main__":
    main()
