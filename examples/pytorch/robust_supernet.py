"""The supernet with what the robust family of DARTS changes of it, beside supernet_torch.py.

Of one network, each off unless it is set:
  keep, dropped    drop-path (R-DARTS, arXiv 1909.09656; automl/RobustDARTS a5393d5, src/search/model_search.py 49-61, src/utils.py
                   367-373): keep [cells, 14, N] is 1 where an edge's mixed output stays for an image and 0 where it is dropped, and
                   what stays is divided by 1 - dropped
  beta             auxiliary skip (DARTS-, arXiv 2009.01027; Meituan-AutoML/DARTS- adb81a8, src/search/model_search.py 11-45): every
                   mixed edge adds beta times its input, through a factorised reduction of its own (auxiliary_op) at stride 2
  mixing           [normal, reduce] of [14, operations]: used as they are instead of softmax(alpha), so they need not sum to 1
                   (SDARTS, arXiv 2002.05283; DARTS-PT, arXiv 2108.04392)
"""
import torch
import torch.nn as nn
import torch.nn.functional as F
from supernet_torch import FactorizedReduce, Supernet

SOURCES = [state for node in range(4) for state in range(2 + node)]  # that each edge reads
NODES = [range(0, 2), range(2, 5), range(5, 9), range(9, 14)]  # edges into each node


class RobustSupernet(Supernet):
    """x: [N, 3, H, W]. With `auxiliary` the network has the weights of the auxiliary skips, whatever beta is."""

    def __init__(self, channels=16, classes=10, layers=8, space="s2", auxiliary=False):
        super().__init__(channels, classes, layers, space)
        self.keep, self.dropped, self.beta, self.mixing, self.auxiliary = None, 0.0, 0.0, None, auxiliary
        c = channels
        for cell in self.cells if auxiliary else []:
            c *= 2 if cell.reduction else 1
            for edge, source in enumerate(SOURCES):
                cell._ops[edge].auxiliary_op = FactorizedReduce(c, c) if cell.reduction and source < 2 else nn.Identity()

    def weights(self):
        """What the candidates of each edge are weighed with: [normal, reduce]."""
        return self.mixing if self.mixing is not None else [F.softmax(alpha, -1) for alpha in self.alphas()]

    def forward(self, x):
        weights = self.weights()
        s0 = s1 = self.stem(x)
        for index, cell in enumerate(self.cells):
            states = [cell.preprocess0(s0), cell.preprocess1(s1)]
            for edges in NODES:
                states.append(sum(self.edge(index, edge, states[SOURCES[edge]], weights[cell.reduction][edge]) for edge in edges))
            s0, s1 = s1, torch.cat(states[2:], 1)
        return self.classifier(s1.mean((2, 3)))

    def edge(self, index, edge, x, weights):
        mixed = self.cells[index]._ops[edge]
        y = mixed(x, weights)
        if self.auxiliary:
            y = y + self.beta * mixed.auxiliary_op(x)
        if self.keep is not None and self.training:
            y = y * (self.keep[index, edge].to(y.dtype) / (1 - self.dropped))[:, None, None, None]
        return y


def clip(p):
    """Rows brought back to mixing weights: cut to [0, 1] and divided by their sum; where nothing is left, the largest alone is 1."""
    p = p.clone()
    for row in p:
        largest = row.argmax()
        row.clamp_(0, 1)
        if row.sum() == 0: row[largest] = 1
        row.div_(row.sum())
    return p


def ascend(net, x, y, start, noise, epsilon, steps=7):
    """SDARTS-ADV: the mixing weights after projected gradient ascent on the loss of (x, y) with running statistics, from `start`
    plus noise. Returns them with everything on the way: mixing before each step and after the last, gradients, both losses, and
    whether the ascent was in vain, so that `start` stands.

    The ball is around `start`; clipping comes after the projection and may leave the ball again.
    """
    net.eval()
    before = evaluated(net, x, y, start)
    p, path, gradients = [clip(s + n) for s, n in zip(start, noise)], [], []
    for _ in range(steps):
        net.mixing = [value.detach().requires_grad_() for value in p]
        path.append(p)
        gradients.append(torch.autograd.grad(net.loss(x, y), net.mixing))
        p = [clip(s + (value + 2 * epsilon / steps * g.sign() - s).clamp(-epsilon, epsilon)) for s, value, g in zip(start, p, gradients[-1])]
    path.append(p)
    after = evaluated(net, x, y, p)
    net.mixing = None
    net.train()
    return (start if before > after else p), dict(path=path, gradients=gradients, before=before, after=after, restored=before > after)


def evaluated(net, x, y, mixing):
    with torch.no_grad():
        net.mixing = mixing
        loss = net.loss(x, y)
        net.mixing = None
    return loss
