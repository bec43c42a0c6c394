"""The supernet with the stem that search networks for ImageNet have (PC-DARTS, ICLR 2020), beside partial_channels.py, and its golden
values.

Three convolutions of stride 2 (to 3C/2, 3C and 3C channels) stand in place of one; the outputs of the second and the third are the
inputs of the first cell, which reads the farther one through a factorised reduction. Tensor names are those of the public code.

usage: python imagenet_stem.py OUT SPACE CHANNELS LAYERS IMAGE BATCH WAYS EDGES SEED     (as partial_channels.py)
"""
import sys
import torch
import torch.nn as nn
import torch.nn.functional as F
from partial_channels import NODES, PartialSupernet
from supernet_torch import FactorizedReduce, bn, conv
from variant_golden import write


class ImageNetSupernet(PartialSupernet):
    """x: [N, 3, H, W], H and W multiples of 32."""

    def __init__(self, channels=16, classes=1000, layers=8, space="s5", ways=2, edge_normalisation=True):
        super().__init__(channels, classes, layers, space, ways, edge_normalisation)
        wide = 3 * channels
        del self.stem
        self.stem0 = nn.Sequential(conv(3, wide // 2, 3, 2, 1), bn(wide // 2, True), nn.ReLU(), conv(wide // 2, wide, 3, 2, 1),
                                   bn(wide, True))
        self.stem1 = nn.Sequential(nn.ReLU(), conv(wide, wide, 3, 2, 1), bn(wide, True))
        self.cells[0].preprocess0 = FactorizedReduce(wide, channels)

    def forward(self, x):
        def weights(alphas, betas):
            ones = torch.ones(14, dtype=x.dtype)
            beta = torch.cat([F.softmax(betas[node], 0) for node in NODES]) if self.edge_normalisation else ones
            return F.softmax(alphas, -1), beta
        normal, reduce = weights(self.alphas_normal, self.betas_normal), weights(self.alphas_reduce, self.betas_reduce)
        s0 = self.stem0(x)
        s1 = self.stem1(s0)
        for cell in self.cells:
            s0, s1 = s1, cell(s0, s1, reduce if cell.reduction else normal)
        return self.classifier(s1.mean((2, 3)))


def main():
    out, space = sys.argv[1:3]
    channels, layers, image, batch, ways, edges, seed = map(int, sys.argv[3:10])
    variant = {"partial_channels": str(ways), "edge_normalisation": str(edges == 1).lower(), "scale": "imagenet"}
    make = lambda: ImageNetSupernet(channels, 10, layers, space, ways, edges == 1)
    names = ["alphas_normal", "alphas_reduce"] + ["betas_normal", "betas_reduce"] * (edges == 1)
    write(out, make, names, space, channels, layers, image, batch, seed, variant)


if __name__ == "__main__":
    main()
