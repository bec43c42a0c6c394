"""Writes Hessian products of the weights by double backpropagation, computed in float64 with batch statistics.

usage: python make_weight_hessian_golden.py GOLDEN_FOLDER OUT.safetensors
For each network NAME, H being the second derivatives of the mean cross-entropy L of one batch by all weights at fixed alpha:
  NAME/direction.TENSOR    v, standard normal, float16: for every tensor of the weights, under its public name
  NAME/product.TENSOR      H v, float64; float32 where a network has more than `MANY` weights
  NAME/gradient.TENSOR     dL / d TENSOR, float32; not where a network has more than `MANY` weights
  NAME/loss, NAME/slope, NAME/curvature, NAME/gradient_norm       L, its slope g v along v, v H v and |g|, float64 scalars
A network of this file's own (`OWN`) is here whole: NAME/weights.TENSOR (float16), NAME/alphas_normal and NAME/alphas_reduce or
NAME/alphas_cell (float32), NAME/images (float16), NAME/labels (int64). Of the others (`OTHERS`) weights, alphas and the validation
batch are those of the golden file NAME. All values are exact in the type that they are written in.
Metadata, all preceded by NAME/: network (darts, nb201, derived), space or genotype, stem (cifar, imagenet), channels, layers (of
nb201 the cells of a stage), image, batch, seed, count (of weights), margin, float32.

A derived network's auxiliary head is no part of L. Piecewise linear parts (ReLU, maxima) have no second derivative here, as in every
program that differentiates a gradient; but float32 may decide one otherwise than float64, and then a product jumps. `margin` is how
far the nearest input of a ReLU is from 0 and the nearest two candidates of a maximum from each other, over the typical size of the
inputs there; seeds of own networks are the first whose margin is above `SAFE`. `float32` is how far PyTorch's own products in float32
are from these, in norm over all weights.
"""
import copy
import math
import sys
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file
import nb201
from derived_torch import EVERYTHING, DerivedNetwork, parse
from make_hessian_golden import build, product, read
from merged_convolutions import MergedConvolution, MergedSupernet
from partial_channels import PartialMixedOp
from supernet_torch import FactorizedReduce, Supernet

MANY, SAFE = 15_000, 3e-6
FOUND = "|nor_conv_3x3~0|+|nor_conv_1x1~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|"
OWN = {  # name: metadata
    **{space: dict(network="darts", space=space, channels=4, layers=3, image=8, batch=4) for space in ("s1", "s2", "s3", "s6")},
    "nb201": dict(network="nb201", space="nb201", channels=4, layers=1, image=8, batch=4),
    "nb201_found": dict(network="nb201", genotype=FOUND, channels=4, layers=1, image=8, batch=4),
    "cifar": dict(network="derived", genotype=EVERYTHING, stem="cifar", channels=4, layers=3, image=16, batch=4),
    "imagenet": dict(network="derived", genotype=EVERYTHING, stem="imagenet", channels=8, layers=3, image=64, batch=4),
}
OTHERS = ["variants/s1_c4_l4_k2", "variants/s6_c4_l3_merged"]


def make(about):
    """A network of this file's own, and the names of the tensors that its alphas() gives."""
    channels, layers = about["channels"], about["layers"]
    if about["network"] == "derived":
        return DerivedNetwork(parse(about["genotype"]), channels, 10, layers, False, about["stem"] == "imagenet"), []
    if "genotype" in about: return nb201.Found(nb201.parse(about["genotype"]), channels, layers), []
    if about["network"] == "nb201": return nb201.Supernet(channels, layers), ["alphas_cell"]
    return Supernet(channels, 10, layers, about["space"]), ["alphas_normal", "alphas_reduce"]


def exact(values, kind):
    return torch.tensor(np.asarray(values).astype(kind).astype(np.float64))


def fill(net, random):
    """Weights that float16 holds exactly: convolutions and classifier U(+-1/sqrt(fan_in)), gains of batch norm U(0.5, 1.5), offsets
    U(+-0.25), so that no term of a product vanishes; alpha 0.5 N(0, 1)."""
    with torch.no_grad():
        for name, p in net.named_parameters():
            u = random.uniform(-1, 1, tuple(p.shape))
            if p.dim() > 1: u = u / math.sqrt(p[0].numel())
            elif name == "classifier.bias": u = u / math.sqrt(net.classifier.in_features)
            else: u = 1 + 0.5 * u if name.endswith("weight") else 0.25 * u
            p.copy_(exact(u, np.float16))
        for a in net.alphas() if hasattr(net, "alphas") else []:
            a.copy_(exact(0.5 * random.standard_normal(tuple(a.shape)), np.float32))


def images(random, about):
    x = exact(random.standard_normal((about["batch"], 3, about["image"], about["image"])), np.float16)
    return x, torch.tensor(random.integers(0, 10, about["batch"]))


def own(about, seed):
    """The network with weights, alphas, a batch and a direction of this seed."""
    random = np.random.default_rng(seed)
    net, names = make(about)
    fill(net, random)
    batch = images(random, about)
    return net.train(), names, batch


def loss_of(net, x, y):
    out = net(x)
    return F.cross_entropy(out[0] if isinstance(out, tuple) else out, y)


def single(net):
    """The network in float32, alphas and constants too."""
    net = copy.deepcopy(net).float()
    for module in net.modules():
        for name, value in vars(module).items():
            if isinstance(value, torch.Tensor) and value.dtype == torch.float64:
                setattr(module, name, value.detach().float().requires_grad_(value.requires_grad))
    return net


def margin(net, x):
    """The least distance from a kink, as the head of this file has it."""
    least = [math.inf]

    def see(distances, inputs):
        distances = distances[distances > 0]
        if len(distances): least[0] = min(least[0], float(distances.min() / inputs.square().mean().sqrt()))

    def rectified(module, inputs):
        see(inputs[0].detach().abs(), inputs[0].detach())

    def maximum(values, kernel, stride, padding):
        padded = F.pad(values, [padding] * 4, value=-math.inf)
        patches = padded.unfold(2, kernel, stride).unfold(3, kernel, stride).flatten(-2)
        top = patches.topk(2, -1).values
        see(top[..., 0] - top[..., 1], values)

    def pooled(module, inputs):
        maximum(inputs[0].detach(), module.kernel_size, module.stride, module.padding)

    def around(module, inputs):
        x = inputs[0].detach()
        if module.stride == 2: maximum(x[:, x.shape[1] // module.ways:], 2, 2, 0)

    hooks = []
    for module in net.modules():
        if isinstance(module, (nn.ReLU, FactorizedReduce, MergedConvolution)): hook = rectified
        elif isinstance(module, nn.MaxPool2d): hook = pooled
        elif isinstance(module, PartialMixedOp): hook = around
        else: continue
        hooks.append(module.register_forward_pre_hook(hook))
    with torch.no_grad(): net(x)
    for hook in hooks: hook.remove()
    return least[0]


def safe(about):
    """The first seed whose network stays away from kinks, with it."""
    for seed in range(1000):
        net, names, batch = own(about, seed)
        distance = margin(net, batch[0])
        if distance > SAFE: return seed, net, names, batch
    raise SystemExit(f"no seed keeps {about} away from kinks")


def other(folder, name):
    tensors, about = read(f"{folder}/{name}.safetensors")
    if "merged_convolutions" in about:
        net, names = MergedSupernet(int(about["channels"]), 10, int(about["layers"]), about["space"]), ["alphas_normal", "alphas_reduce"]
    else:
        net, names = build(about)
    with torch.no_grad():
        for key, p in net.named_parameters(): p.copy_(tensors[key])
        for key, a in zip(names, net.alphas()): a.copy_(tensors[key])
    return net.train(), (tensors["valid.images"], tensors["valid.labels"])


def values(prefix, net, batch, random):
    """What the file says of a network, and how far float32 is off."""
    names, params = zip(*net.named_parameters())
    count = sum(p.numel() for p in params)
    v = [exact(random.standard_normal(tuple(p.shape)), np.float16) for p in params]
    loss = loss_of(net, *batch)
    gradient = torch.autograd.grad(loss, params, create_graph=True, materialize_grads=True)
    found = product(loss_of(net, *batch), params, v)
    inner = lambda a, b: sum((s * t).sum() for s, t in zip(a, b))
    save = {f"{prefix}/loss": loss, f"{prefix}/slope": inner(gradient, v), f"{prefix}/curvature": inner(found, v),
            f"{prefix}/gradient_norm": inner(gradient, gradient).sqrt()}
    for name, d, h, g in zip(names, v, found, gradient):
        save[f"{prefix}/direction.{name}"] = d.half()
        save[f"{prefix}/product.{name}"] = h.float() if count > MANY else h
        if count <= MANY: save[f"{prefix}/gradient.{name}"] = g.float()
    short = single(net)
    rounded = product(loss_of(short, batch[0].float(), batch[1]), list(short.parameters()), [d.float() for d in v])
    size = inner(found, found).sqrt()
    apart = lambda other: float(sum((s.double() - t).square().sum() for s, t in zip(other, found)).sqrt() / size)
    # A check of the oracle itself: the slope of its gradient, which has kinks between its two ends at most.
    step, ends = 1e-6 / math.sqrt(count), []
    for sign in (1, -2, 1):
        with torch.no_grad():
            for p, d in zip(params, v): p.add_(d, alpha=sign * step)
        ends.append(torch.autograd.grad(loss_of(net, *batch), params, materialize_grads=True))
    slope = apart([(a - b) / (2 * step) for a, b in zip(*ends[:2])])
    return save, count, dict(count=count, margin=margin(net, batch[0]), float32=apart(rounded)), slope


def main():
    folder, out = sys.argv[1:3]
    torch.set_default_dtype(torch.float64)
    save, metadata = {}, {}
    for index, prefix in enumerate([*OWN, *OTHERS]):
        about = dict(OWN.get(prefix, {}))
        if prefix in OWN:
            about["seed"], net, names, batch = safe(about)
            save |= {f"{prefix}/weights.{k}": p.detach().half() for k, p in net.named_parameters()}
            if names: save |= {f"{prefix}/{k}": a.detach().float() for k, a in zip(names, net.alphas())}
            save |= {f"{prefix}/images": batch[0].half(), f"{prefix}/labels": batch[1]}
        else:
            net, batch = other(folder, prefix)
        found, count, numbers, slope = values(prefix, net, batch, np.random.default_rng([19, index]))
        save |= found
        metadata |= {f"{prefix}/{k}": str(v) for k, v in (about | numbers).items()}
        print(prefix, {k: v for k, v in about.items() if k == "seed"}, numbers, "from a slope:", slope,
              "loss, slope, curvature:", *(float(found[f"{prefix}/{k}"].detach()) for k in ("loss", "slope", "curvature")))
    save_file({k: t.detach().contiguous() for k, t in save.items()}, out, metadata=metadata)


if __name__ == "__main__":
    main()
