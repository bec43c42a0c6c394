"""The supernet with partial channels and edge normalisation (PC-DARTS, ICLR 2020), beside supernet_torch.py, and its golden values.

It is the oracle of this project's own implementation: a state's first 1/K channels go through the candidates of an edge, the
rest goes around them (through 2x2 maxima where the edge halves the resolution), the two are concatenated and shuffled, and
beta weighs the edges into a node. Tensor names are those of the public code, whose candidates have C/K channels.

usage: python partial_channels.py OUT SPACE CHANNELS LAYERS IMAGE BATCH WAYS EDGES SEED     (EDGES: 1 with beta, 0 without)
variant_golden.py says what the file holds, betas_normal and betas_reduce [14] among the rest.
"""
import sys
import torch
import torch.nn as nn
import torch.nn.functional as F
from supernet_torch import SPACES, Cell, MixedOp, Supernet
from variant_golden import write

NODES = [slice(0, 2), slice(2, 5), slice(5, 9), slice(9, 14)]  # edges into each node


class PartialMixedOp(MixedOp):
    def __init__(self, c, stride, names, ways):
        super().__init__(c // ways, stride, names)
        self.ways, self.stride = ways, stride

    def forward(self, x, w):
        part = x.shape[1] // self.ways
        rest = x[:, part:]
        if self.stride == 2:
            rest = F.max_pool2d(rest, 2, 2)
        y = torch.cat([super().forward(x[:, :part], w), rest], 1)
        n, c, height, width = y.shape
        return y.reshape(n, self.ways, c // self.ways, height, width).transpose(1, 2).reshape(n, c, height, width)


class PartialCell(Cell):
    def __init__(self, cpp, cp, c, reduction, reduction_prev, candidates, ways):
        super().__init__(cpp, cp, c, reduction, reduction_prev, candidates)
        edges = [(i, j) for i in range(4) for j in range(2 + i)]
        self._ops = nn.ModuleList(PartialMixedOp(c, 2 if reduction and j < 2 else 1, names, ways)
                                  for (i, j), names in zip(edges, candidates))

    def forward(self, s0, s1, weights):
        mixing, beta = weights
        states, edge = [self.preprocess0(s0), self.preprocess1(s1)], 0
        for _ in range(4):
            states.append(sum(beta[edge + j] * self._ops[edge + j](h, mixing[edge + j]) for j, h in enumerate(states)))
            edge += len(states) - 1
        return torch.cat(states[2:], 1)


class PartialSupernet(Supernet):
    """x: [N, 3, H, W]. betas_normal / betas_reduce: [14]; without edge normalisation every edge has the weight 1."""

    def __init__(self, channels=16, classes=10, layers=8, space="s5", ways=4, edge_normalisation=True):
        super().__init__(channels, classes, layers, space)
        normal, reduce = SPACES[space]
        c, cpp, cp, before = channels, 3 * channels, 3 * channels, False
        for i in range(layers):
            reduction = i in (layers // 3, 2 * layers // 3)
            c *= 2 if reduction else 1
            self.cells[i] = PartialCell(cpp, cp, c, reduction, before, reduce if reduction else normal, ways)
            before, cpp, cp = reduction, cp, 4 * c
        self.edge_normalisation = edge_normalisation
        self.betas_normal = torch.zeros(14, requires_grad=True)
        self.betas_reduce = torch.zeros(14, requires_grad=True)

    def alphas(self):
        own = [self.alphas_normal, self.alphas_reduce]
        return own + [self.betas_normal, self.betas_reduce] if self.edge_normalisation else own

    def forward(self, x):
        def weights(alphas, betas):
            if not self.edge_normalisation:
                return F.softmax(alphas, -1), torch.ones(14, dtype=x.dtype)
            return F.softmax(alphas, -1), torch.cat([F.softmax(betas[node], 0) for node in NODES])
        normal, reduce = weights(self.alphas_normal, self.betas_normal), weights(self.alphas_reduce, self.betas_reduce)
        s0 = s1 = self.stem(x)
        for cell in self.cells:
            s0, s1 = s1, cell(s0, s1, reduce if cell.reduction else normal)
        return self.classifier(s1.mean((2, 3)))


def main():
    out, space = sys.argv[1:3]
    channels, layers, image, batch, ways, edges, seed = map(int, sys.argv[3:10])
    variant = {"partial_channels": str(ways), "edge_normalisation": str(edges == 1).lower()}
    make = lambda: PartialSupernet(channels, 10, layers, space, ways, edges == 1)
    names = ["alphas_normal", "alphas_reduce"] + ["betas_normal", "betas_reduce"] * (edges == 1)
    write(out, make, names, space, channels, layers, image, batch, seed, variant)


if __name__ == "__main__":
    main()
