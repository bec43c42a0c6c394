"""The networks that a genotype is retrained as, in PyTorch: the CIFAR and the ImageNet network of the DARTS family.

Oracle for `zarts retrain` and the peer of its speed. Tensor names are those of the public repositories' evaluation
networks (cells.3._ops.5.op.2.weight, auxiliary_head.features.2.weight, ...). Batch norm has a scale and a shift
everywhere, pools have none, and a cell has two operations a node, listed flat in the order of the genotype.
Which path a sample drops is an input here (`keep`), so that both sides can be given the same.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F
from supernet_torch import FactorizedReduce, Noise, ReLUConvBN, SeparableConv, bn, conv

# Genotypes of golden files: every operation in both kinds of cell, and
EVERYTHING = ("Genotype(normal=[('sep_conv_3x3', 0), ('dil_conv_5x5', 1), ('max_pool_3x3', 0), ('skip_connect', 2), "
              "('sep_conv_5x5', 1), ('avg_pool_3x3', 3), ('dil_conv_3x3', 2), ('skip_connect', 0)], "
              "normal_concat=range(2, 6), reduce=[('max_pool_3x3', 0), ('skip_connect', 1), ('sep_conv_5x5', 0), "
              "('avg_pool_3x3', 1), ('dil_conv_3x3', 0), ('dil_conv_5x5', 2), ('skip_connect', 3), ('sep_conv_3x3', 1)], "
              "reduce_concat=range(2, 6))")
# both edges of a node from one state, nodes that the output leaves out, a node that nothing reads.
ODD = ("Genotype(normal=[('sep_conv_3x3', 1), ('sep_conv_5x5', 1), ('max_pool_3x3', 0), ('max_pool_3x3', 1), "
       "('skip_connect', 0), ('avg_pool_3x3', 2), ('dil_conv_3x3', 2), ('skip_connect', 2)], normal_concat=[3, 4, 5], "
       "reduce=[('max_pool_3x3', 1), ('avg_pool_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), "
       "('sep_conv_3x3', 2), ('skip_connect', 3), ('dil_conv_5x5', 0), ('max_pool_3x3', 2)], reduce_concat=[2, 4])")


def operation(name, c, stride):
    if name == "noise": return Noise(stride)
    if name == "skip_connect": return nn.Identity() if stride == 1 else FactorizedReduce(c, c, True)
    if name == "max_pool_3x3": return nn.MaxPool2d(3, stride, 1)
    if name == "avg_pool_3x3": return nn.AvgPool2d(3, stride, 1, count_include_pad=False)
    kind, _, size = name.split("_")
    return SeparableConv(c, int(size[0]), stride, 1 if kind == "sep" else 2, 2 if kind == "sep" else 1, True)


class DerivedCell(nn.Module):
    def __init__(self, cpp, cp, c, reduction, reduction_prev, edges, concat):
        super().__init__()
        self.preprocess0 = FactorizedReduce(cpp, c, True) if reduction_prev else ReLUConvBN(cpp, c, True)
        self.preprocess1 = ReLUConvBN(cp, c, True)
        self.sources, self.concat = [source for _, source in edges], concat
        self._ops = nn.ModuleList(operation(name, c, 2 if reduction and source < 2 else 1) for name, source in edges)

    def forward(self, s0, s1, keep):
        """keep: [edges, samples], 0 for a dropped path and 1 / (1 - p) for a kept one; None drops nothing."""
        states = [self.preprocess0(s0), self.preprocess1(s1)]
        for node in range(4):
            total = 0
            for k in (2 * node, 2 * node + 1):
                h = self._ops[k](states[self.sources[k]])
                if keep is not None and not isinstance(self._ops[k], nn.Identity):
                    h = h * keep[k].view(-1, 1, 1, 1)
                total = total + h
            states.append(total)
        return torch.cat([states[i] for i in self.concat], 1)


class AuxiliaryHead(nn.Module):
    """A second classifier on 8x8 (CIFAR, stride 3) or 7x7 (ImageNet, stride 2) features. The ImageNet one of the public code has no norm after its last convolution."""

    def __init__(self, c, classes, stride, last_norm):
        super().__init__()
        layers = [nn.ReLU(), nn.AvgPool2d(5, stride, 0, count_include_pad=False), conv(c, 128), bn(128, True), nn.ReLU(),
                  conv(128, 768, 2)] + ([bn(768, True)] if last_norm else []) + [nn.ReLU()]
        self.features, self.classifier = nn.Sequential(*layers), nn.Linear(768, classes)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


class DerivedNetwork(nn.Module):
    """genotype: (normal edges, normal concat, reduction edges, reduction concat), an edge being (operation, source)."""

    def __init__(self, genotype, channels=36, classes=10, layers=20, auxiliary=True, imagenet=False):
        super().__init__()
        normal, normal_concat, reduce, reduce_concat = genotype
        c, self.imagenet, self.auxiliary_cell = channels, imagenet, 2 * layers // 3
        if imagenet:
            self.stem0 = nn.Sequential(conv(3, c // 2, 3, 2, 1), bn(c // 2, True), nn.ReLU(), conv(c // 2, c, 3, 2, 1), bn(c, True))
            self.stem1 = nn.Sequential(nn.ReLU(), conv(c, c, 3, 2, 1), bn(c, True))
            cpp, cp, reduction_prev = c, c, True
        else:
            self.stem = nn.Sequential(conv(3, 3 * c, 3, 1, 1), bn(3 * c, True))
            cpp, cp, reduction_prev = 3 * c, 3 * c, False
        self.cells = nn.ModuleList()
        for i in range(layers):
            reduction = i in (layers // 3, 2 * layers // 3)
            c *= 2 if reduction else 1
            edges, concat = (reduce, reduce_concat) if reduction else (normal, normal_concat)
            self.cells.append(DerivedCell(cpp, cp, c, reduction, reduction_prev, edges, concat))
            reduction_prev, cpp, cp = reduction, cp, len(concat) * c
            if i == self.auxiliary_cell: c_auxiliary = cp
        if auxiliary:
            self.auxiliary_head = AuxiliaryHead(c_auxiliary, classes, 2 if imagenet else 3, not imagenet)
        self.classifier = nn.Linear(cp, classes)

    def forward(self, x, keep=None):
        """Logits, and in training those of the auxiliary head (None without one). keep: [cells, edges, samples]."""
        if self.imagenet:
            s0 = self.stem0(x)
            s1 = self.stem1(s0)
        else:
            s0 = s1 = self.stem(x)
        auxiliary = None
        for i, cell in enumerate(self.cells):
            s0, s1 = s1, cell(s0, s1, None if keep is None else keep[i])
            if i == self.auxiliary_cell and self.training and hasattr(self, "auxiliary_head"):
                auxiliary = self.auxiliary_head(s1)
        return self.classifier(s1.mean((2, 3))), auxiliary

    def loss(self, x, y, keep=None, smoothing=0.0, auxiliary_weight=0.4):
        logits, auxiliary = self(x, keep)
        loss = F.cross_entropy(logits, y, label_smoothing=smoothing)
        return loss if auxiliary is None else loss + auxiliary_weight * F.cross_entropy(auxiliary, y, label_smoothing=smoothing)


def parse(line):
    """The arguments of DerivedNetwork's genotype from the usual `Genotype(normal=[...], ...)` line."""
    from collections import namedtuple
    fields = namedtuple("Genotype", "normal normal_concat reduce reduce_concat")
    genotype = eval(line, {"__builtins__": {}, "Genotype": fields, "range": range})
    return genotype.normal, list(genotype.normal_concat), genotype.reduce, list(genotype.reduce_concat)
