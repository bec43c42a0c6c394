"""A small PyTorch reference of NAS-Bench-201: the search network and the network of one architecture.

Source: Dong and Yang 2020, arXiv 2001.00326. Tensor names are those of the public networks' state_dict, so weights travel between
PyTorch and this project as safetensors without renaming. Run it with `pip install torch numpy safetensors`.

A cell has nodes 0..3; node 0 is its input, node 3 its output, and every node is the sum of one edge from each node before it. The six
edges, in the order of the rows of alpha and of the text form, are 1<-0, 2<-0, 2<-1, 3<-0, 3<-1, 3<-2.
"""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

OPERATIONS = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"]  # the columns of alpha
EDGES = [(target, source) for target in range(1, 4) for source in range(target)]


class Rectified(nn.Module):
    """ReLU, convolution, batch norm; `affine` belongs to the batch norm, `bias` to the convolution."""

    def __init__(self, inputs, outputs, kernel, stride=1, affine=True, bias=False):
        super().__init__()
        self.op = nn.Sequential(nn.ReLU(), nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=bias),
                                nn.BatchNorm2d(outputs, affine=affine))

    def forward(self, x):
        return self.op(x)


class Nothing(nn.Module):
    def forward(self, x):  # a product, so that what leads here alone gets a gradient of zero, as the public network gives it
        return 0 * x


class AveragePool(nn.Module):
    def forward(self, x):  # padding is not counted, and no batch norm follows
        return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)


def operation(name, channels, affine, bias=False):
    if name == "none": return Nothing()
    if name == "skip_connect": return nn.Identity()
    if name == "avg_pool_3x3": return AveragePool()
    if name in ("nor_conv_1x1", "nor_conv_3x3"): return Rectified(channels, channels, int(name[-1]), 1, affine, bias)
    raise ValueError(f"unknown operation {name}")


class Reduction(nn.Module):
    """The residual block between stages: halves the sides, doubles the channels; always affine, in the search network too."""

    def __init__(self, channels):
        super().__init__()
        self.conv_a = Rectified(channels, 2 * channels, 3, 2)
        self.conv_b = Rectified(2 * channels, 2 * channels, 3)
        self.downsample = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(channels, 2 * channels, 1, bias=False))

    def forward(self, x):
        return self.downsample(x) + self.conv_b(self.conv_a(x))


class SearchCell(nn.Module):
    def __init__(self, channels, bias):
        super().__init__()
        self.edges = nn.ModuleDict({f"{t}<-{s}": nn.ModuleList(operation(n, channels, False, bias) for n in OPERATIONS)
                                    for t, s in EDGES})

    def forward(self, x, weights):
        nodes = [x, 0, 0, 0]
        for (t, s), candidates, row in zip(EDGES, self.edges.values(), weights):
            nodes[t] = nodes[t] + sum(w * candidate(nodes[s]) for w, candidate in zip(row, candidates))
        return nodes[3]


class FoundCell(nn.Module):
    def __init__(self, channels, names):
        super().__init__()
        self.layers = nn.ModuleList(operation(n, channels, True) for n in names)

    def forward(self, x):
        nodes = [x, 0, 0, 0]
        for (t, s), layer in zip(EDGES, self.layers):
            nodes[t] = nodes[t] + layer(nodes[s])
        return nodes[3]


class Network(nn.Module):
    """Three stages of `cells` cells with C, 2C and 4C channels. x: [N, 3, H, W], H and W multiples of 4. Gives logits [N, classes]."""

    def __init__(self, cell, channels, cells, classes):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))
        layers = []
        for stage in range(3):
            if stage > 0: layers.append(Reduction(channels << (stage - 1)))
            layers += [cell(channels << stage) for _ in range(cells)]
        self.cells = nn.ModuleList(layers)
        self.lastact = nn.Sequential(nn.BatchNorm2d(4 * channels), nn.ReLU())
        self.classifier = nn.Linear(4 * channels, classes)

    def through(self, x, *mixing):
        x = self.stem(x)
        for layer in self.cells:
            x = layer(x) if isinstance(layer, Reduction) else layer(x, *mixing)
        return self.classifier(self.lastact(x).mean((2, 3)))

    def loss(self, x, y):
        return F.cross_entropy(self(x), y)


class Supernet(Network):
    """Every edge mixes its candidates with softmax(alpha). alpha [6, 5] is kept out of the parameters.

    `bias`: since July 2020 the public search network gives the convolutions of its cells a bias (bias = not affine); that of the paper has
    none. Batch statistics take it out again: it changes neither losses nor other gradients.
    """

    def __init__(self, channels=16, cells=5, classes=10, bias=False):
        super().__init__(lambda c: SearchCell(c, bias), channels, cells, classes)
        self.alpha = torch.zeros(6, 5, requires_grad=True)

    def alphas(self):
        return [self.alpha]

    def forward(self, x):
        return self.through(x, F.softmax(self.alpha, -1))

    def architecture(self):
        """The strongest operation of every edge, `none` included."""
        return text([OPERATIONS[i] for i in self.alpha.argmax(-1).tolist()])


class Found(Network):
    def __init__(self, names, channels=16, cells=5, classes=10):
        super().__init__(lambda c: FoundCell(c, names), channels, cells, classes)

    def forward(self, x):
        return self.through(x)


def text(names):
    """Operation names in the order of EDGES as |a~0|+|b~0|c~1|+|d~0|e~1|f~2|."""
    nodes = [[], [], []]
    for (t, s), name in zip(EDGES, names): nodes[t - 1].append(f"{name}~{s}")
    return "+".join("|" + "|".join(node) + "|" for node in nodes)


def parse(string):
    """The inverse of text, strict: three nodes, every edge once and in order, known operations."""
    names = []
    for target, node in enumerate(string.split("+"), 1):
        if not (node.startswith("|") and node.endswith("|")): raise ValueError(f"node {target}: {node}")
        for source, item in enumerate(node[1:-1].split("|")):
            name, _, index = item.partition("~")
            if name not in OPERATIONS or index != str(source) or source >= target: raise ValueError(f"node {target}: {item}")
            names.append(name)
    if text(names) != string: raise ValueError(string)
    return names


def fill(network, seed, dtype=np.float32):
    """Weights that `dtype` holds exactly, from numpy's PCG64: convolutions and classifier U(+-1/sqrt(fan_in)), gains of batch norm
    U(0.5, 1.5), offsets U(+-0.25), so that no term of a gradient vanishes; alpha 0.5 N(0, 1)."""
    random = np.random.default_rng(seed)
    with torch.no_grad():
        for name, p in network.named_parameters():
            u = random.uniform(-1, 1, tuple(p.shape))
            if p.dim() > 1: u = u / np.sqrt(p[0].numel())
            elif name == "classifier.bias": u = u / np.sqrt(network.classifier.in_features)
            elif name.endswith("weight"): u = 1 + 0.5 * u
            else: u = 0.25 * u
            p.copy_(torch.tensor(u.astype(dtype).astype(np.float64)))
        if isinstance(network, Supernet):
            network.alpha.copy_(torch.tensor((0.5 * random.standard_normal((6, 5))).astype(np.float32).astype(np.float64)))
    return random


def base_costs(channels=16, classes=10, side=32):
    """Parameters and multiply-adds of what all architectures share."""
    parameters = 27 * channels + 2 * channels
    work = 27 * channels * side ** 2
    for stage in (1, 2):
        i, o, area = channels << (stage - 1), channels << stage, (side >> stage) ** 2
        weights = 9 * i * o + 9 * o * o + i * o
        parameters += weights + 4 * o
        work += weights * area
    last = 4 * channels
    return parameters + 2 * last + last * classes + classes, work + last * classes + classes


def edge_costs(name, channels=16, cells=5, side=32):
    """Parameters and multiply-adds that one edge with this operation adds over all cells."""
    if name not in ("nor_conv_1x1", "nor_conv_3x3"): return 0, 0
    kernel, parameters, work = int(name[-1]) ** 2, 0, 0
    for stage in range(3):
        c = channels << stage
        parameters += kernel * c * c + 2 * c
        work += kernel * c * c * (side >> stage) ** 2
    return cells * parameters, cells * work


def costs(names, channels=16, cells=5, classes=10, side=32):
    """(parameters, multiply-adds) as the public table has them: convolutions and the classifier with its bias; batch norm, pooling,
    activations and sums count nothing, and an edge whose value nobody reads counts as any other."""
    terms = [base_costs(channels, classes, side)] + [edge_costs(n, channels, cells, side) for n in names]
    return tuple(map(sum, zip(*terms)))


def counted(network, side=32):
    """The same by running the network and asking every layer."""
    total = 0

    def hook(layer, inputs, output):
        nonlocal total
        if isinstance(layer, nn.Conv2d): total += output[0].numel() * layer.weight[0].numel()
        else: total += layer.weight.numel() + layer.bias.numel()

    handles = [m.register_forward_hook(hook) for m in network.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    with torch.no_grad(): network.eval()(torch.zeros(1, 3, side, side, dtype=network.classifier.weight.dtype))
    for handle in handles: handle.remove()
    return sum(p.numel() for p in network.parameters()), total
