"""The supernet with partial channels and edge normalisation (PC-DARTS, ICLR 2020), beside supernet_torch.py, and its golden values.

It is the oracle of this project's own implementation: a state's first 1/K channels go through the candidates of an edge, the
rest goes around them (through 2x2 maxima where the edge halves the resolution), the two are concatenated and shuffled, and
beta weighs the edges into a node. Tensor names are those of the public code, whose candidates have C/K channels.

usage: python partial_channels.py OUT SPACE CHANNELS LAYERS IMAGE BATCH WAYS EDGES SEED     (EDGES: 1 with beta, 0 without)
The file holds what make_golden.py writes (state_dict, alphas_*, images, labels, expect.*), and besides betas_normal and
betas_reduce [14], their gradients expect.beta_grad_{first,second}.*, and running statistics after one training pass on the
training batch as expect.statistics.NAME. Expected values are computed in float64.
"""
import sys
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file
from supernet_torch import SPACES, Cell, MixedOp, Supernet, alpha_gradient_first_order

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


def second_order(net, train, valid, xi):
    """alpha_gradient_second_order for any number of architecture tensors."""
    params = list(net.parameters())
    saved = [p.detach().clone() for p in params]

    def assign(values):
        with torch.no_grad():
            for p, v in zip(params, values): p.copy_(v)

    grads = torch.autograd.grad(net.loss(*train), params)
    assign([p - xi * (g + 3e-4 * p) for p, g in zip(saved, grads)])
    count = len(net.alphas())
    unrolled = torch.autograd.grad(net.loss(*valid), net.alphas() + params)
    eps = 1e-2 / torch.sqrt(sum((v * v).sum() for v in unrolled[count:]))
    sides = []
    for sign in (+1, -1):
        assign([s + sign * eps * v for s, v in zip(saved, unrolled[count:])])
        sides.append(torch.autograd.grad(net.loss(*train), net.alphas()))
    assign(saved)
    return [d - xi * (a - b) / (2 * eps) for d, a, b in zip(unrolled[:count], *sides)]


def main():
    out, space = sys.argv[1:3]
    channels, layers, image, batch, ways, edges, seed = map(int, sys.argv[3:10])
    torch.manual_seed(seed)
    torch.set_default_dtype(torch.float64)
    net = PartialSupernet(channels, 10, layers, space, ways, edges == 1)
    with torch.no_grad():  # start from values that float32 holds exactly
        for t in list(net.parameters()) + net.alphas():
            if any(t is a for a in net.alphas()):
                t.copy_(0.5 * torch.randn_like(t))
            t.copy_(t.float().double())
    net.train()
    images, labels = torch.randn(2 * batch, 3, image, image).float().double(), torch.randint(0, 10, (2 * batch,))
    train, valid = (images[:batch], labels[:batch]), (images[batch:], labels[batch:])
    state = {k: v.detach().clone() for k, v in net.state_dict().items() if "running" not in k and "num_batches" not in k}
    names = ["alphas_normal", "alphas_reduce", "betas_normal", "betas_reduce"][:len(net.alphas())]
    save = dict(state)
    save.update({n: a.detach().clone() for n, a in zip(names, net.alphas())})
    save.update({"train.images": train[0], "valid.images": valid[0]})
    params = dict(net.named_parameters())
    save["expect.train_loss"] = loss = net.loss(*train)
    for n, g in zip(params, torch.autograd.grad(loss, list(params.values()))): save[f"expect.omega_grad.{n}"] = g
    for n, v in net.state_dict().items():  # before any other pass moves them
        if "running" in n: save[f"expect.statistics.{n}"] = v.detach().clone()
    save["expect.logits"], save["expect.valid_loss"] = net(valid[0]), net.loss(*valid)
    for order, gradient in (("first", alpha_gradient_first_order(net, valid)), ("second", second_order(net, train, valid, 0.025))):
        for n, g in zip(names, gradient):
            kind, cell = n.split("_")
            save[f"expect.{kind[:-1]}_grad_{order}.{cell}"] = g
    save = {k: v.detach().float().contiguous() for k, v in save.items()}
    save.update({"train.labels": train[1].contiguous(), "valid.labels": valid[1].contiguous()})
    save_file(save, out, metadata={"space": space, "channels": str(channels), "layers": str(layers), "batch": str(batch),
                                   "seed": str(seed), "image": str(image), "partial_channels": str(ways), "edge_normalisation": str(edges == 1).lower()})
    print(out, float(save["expect.valid_loss"]), float(save["expect.train_loss"]))


if __name__ == "__main__":
    main()
