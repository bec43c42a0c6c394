"""The supernet with merged convolutions (MergeNAS, IJCAI 2020), beside supernet_torch.py, and its golden values.

It is the oracle of this project's own implementation: where an edge has several convolutions they are one, ReLU - depthwise - 1x1 -
batch norm, whose depthwise kernel is the sum over them of the mixing weight times a shared kernel under the mask of their taps.
The sum of the edge adds it with the weight 1. Tensor names are those of the public code (depth_weight1, point_conv1, bn1).

usage: python merged_convolutions.py OUT SPACE CHANNELS LAYERS IMAGE BATCH SEED
The file holds what make_golden.py writes (state_dict, alphas_*, images, labels, expect.*), and running statistics after one
training pass on the training batch as expect.statistics.NAME. Expected values are computed in float64.
"""
import sys
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file
from partial_channels import second_order
from supernet_torch import SPACES, MixedOp, Supernet, alpha_gradient_first_order, bn, build, conv


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
    torch.manual_seed(seed)
    torch.set_default_dtype(torch.float64)
    net = MergedSupernet(channels, 10, layers, space)
    with torch.no_grad():  # start from values that float32 holds exactly
        for t in list(net.parameters()) + net.alphas():
            if any(t is a for a in net.alphas()):
                t.copy_(0.5 * torch.randn_like(t))
            t.copy_(t.float().double())
    net.train()
    images, labels = torch.randn(2 * batch, 3, image, image).float().double(), torch.randint(0, 10, (2 * batch,))
    train, valid = (images[:batch], labels[:batch]), (images[batch:], labels[batch:])
    save = {k: v.detach().clone() for k, v in net.state_dict().items() if "running" not in k and "num_batches" not in k}
    names = ["alphas_normal", "alphas_reduce"]
    save.update({n: a.detach().clone() for n, a in zip(names, net.alphas())})
    save.update({"train.images": train[0], "valid.images": valid[0]})
    params = dict(net.named_parameters())
    save["expect.train_loss"] = loss = net.loss(*train)
    for n, g in zip(params, torch.autograd.grad(loss, list(params.values()))): save[f"expect.omega_grad.{n}"] = g
    for n, v in net.state_dict().items():  # before any other pass moves them
        if "running" in n: save[f"expect.statistics.{n}"] = v.detach().clone()
    save["expect.logits"], save["expect.valid_loss"] = net(valid[0]), net.loss(*valid)
    for order, gradient in (("first", alpha_gradient_first_order(net, valid)), ("second", second_order(net, train, valid, 0.025))):
        for n, g in zip(names, gradient): save[f"expect.alpha_grad_{order}.{n.split('_')[1]}"] = g
    save = {k: v.detach().float().contiguous() for k, v in save.items()}
    save.update({"train.labels": train[1].contiguous(), "valid.labels": valid[1].contiguous()})
    save_file(save, out, metadata={"space": space, "channels": str(channels), "layers": str(layers), "batch": str(batch),
                                   "seed": str(seed), "image": str(image), "merged_convolutions": "true"})
    print(out, float(save["expect.valid_loss"]), float(save["expect.train_loss"]))


if __name__ == "__main__":
    main()
