"""Writes Hessian products of the golden networks by double backpropagation, computed in float64.

usage: python make_hessian_golden.py GOLDEN_FOLDER OUT.safetensors
For each network of `NETWORKS`, with the weights, alphas and validation batch of its own golden file and batch statistics:
  NETWORK/direction.TENSOR        v, float32: for each architecture tensor (alphas_normal, ..., betas_reduce, alphas_cell)
  NETWORK/product.TENSOR          H v of H, the second derivatives of L_val by all architecture tensors, float64
  NETWORK/mixing_direction.KIND   v for the mixing weights softmax(alpha) of a kind of cell (normal, reduce, cell), float32
  NETWORK/mixing_product.KIND     H v of H, the second derivatives of L_val by the mixing weights themselves, float64
The last two are not there for partial channels. Piecewise linear parts (ReLU, maxima) have no second derivative here, as in every
program that differentiates a gradient.
"""
import sys
import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import save_file
import nb201
from partial_channels import PartialSupernet
from supernet_torch import Supernet

NETWORKS = ["s1_c16_l3_b4", "s3_c8_l5_b4", "s6_c16_l3_b8", "variants/s5_c8_l3_k4", "nb201/nb201_c8_n1_b4"]


def read(path):
    with safe_open(path, "pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}
        return {k: v.double() if v.is_floating_point() else v for k, v in tensors.items()}, file.metadata()


def build(metadata):
    """The network, and the names of the tensors that its alphas() gives."""
    number = {k: int(v) for k, v in metadata.items() if v.isdigit()}
    if metadata["space"] == "nb201": return nb201.Supernet(number["channels"], number["cells"]), ["alphas_cell"]
    names = ["alphas_normal", "alphas_reduce"]
    if "partial_channels" in metadata:
        edges = metadata["edge_normalisation"] == "true"
        net = PartialSupernet(number["channels"], 10, number["layers"], metadata["space"], number["partial_channels"], edges)
        return net, names + ["betas_normal", "betas_reduce"] * edges
    return Supernet(number["channels"], 10, number["layers"], metadata["space"]), names


def mixed(net, x, weights):
    """The logits where the mixing weights are these."""
    if isinstance(net, nb201.Supernet): return net.through(x, weights[0])
    s0 = s1 = net.stem(x)
    for cell in net.cells: s0, s1 = s1, cell(s0, s1, weights[1 if cell.reduction else 0])
    return net.classifier(s1.mean((2, 3)))


def product(loss, tensors, direction):
    gradient = torch.autograd.grad(loss, tensors, create_graph=True)
    slope = sum((g * v).sum() for g, v in zip(gradient, direction))
    found = torch.autograd.grad(slope, tensors, allow_unused=True)
    return [torch.zeros_like(t) if h is None else h for t, h in zip(tensors, found)]


def main():
    folder, out = sys.argv[1:3]
    torch.set_default_dtype(torch.float64)
    random, save = np.random.default_rng(16), {}

    def directions(tensors):
        return [torch.tensor(random.standard_normal(tuple(t.shape)).astype(np.float32).astype(np.float64)) for t in tensors]

    for network in NETWORKS:
        tensors, metadata = read(f"{folder}/{network}.safetensors")
        net, names = build(metadata)
        with torch.no_grad():
            for name, p in net.named_parameters(): p.copy_(tensors[name])
            for name, a in zip(names, net.alphas()): a.copy_(tensors[name])
        net.train()
        valid = tensors["valid.images"], tensors["valid.labels"]
        alphas = net.alphas()
        v = directions(alphas)
        found = product(net.loss(*valid), alphas, v)
        for name, d, h in zip(names, v, found):
            save[f"{network}/direction.{name}"], save[f"{network}/product.{name}"] = d.float(), h
        # A check of the oracle itself: the slope of its gradient, which has kinks between its two ends at most.
        with torch.no_grad():
            for a, d in zip(alphas, v): a += 1e-7 * d
        ahead = torch.autograd.grad(net.loss(*valid), alphas)
        with torch.no_grad():
            for a, d in zip(alphas, v): a -= 2e-7 * d
        behind = torch.autograd.grad(net.loss(*valid), alphas)
        with torch.no_grad():
            for a, d in zip(alphas, v): a += 1e-7 * d
        apart = sum(((f - b) / 2e-7 - h).square().sum() for f, b, h in zip(ahead, behind, found)).sqrt()
        print(network, "relative difference from a slope:", float(apart / sum(h.square().sum() for h in found).sqrt()))
        if "partial_channels" in metadata: continue
        weights = [F.softmax(a, -1).detach().requires_grad_() for a in alphas]
        v = directions(weights)
        found = product(F.cross_entropy(mixed(net, valid[0], weights), valid[1]), weights, v)
        for name, d, h in zip(names, v, found):
            kind = name.split("_")[1]
            save[f"{network}/mixing_direction.{kind}"], save[f"{network}/mixing_product.{kind}"] = d.float(), h
    save_file({k: t.detach().contiguous() for k, t in save.items()}, out)


if __name__ == "__main__":
    main()
