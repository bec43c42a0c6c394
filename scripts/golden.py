#!/usr/bin/env python3
"""How far `zarts landscape` and `zarts gradients` are from the golden files of the PyTorch reference (float64).

usage: scripts/golden.py [--zarts PATH] [--torch]
Needs numpy and safetensors; with --torch also PyTorch, which then shows how far it is itself when it computes in float32.
Prints relative errors: of losses after 0, 1, 1, 5 and 10 weight steps (the first two are L1 and L2), and in norm, of the
worse of the two matrices, of both gradients with respect to alpha.
"""
import argparse
import csv
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file

ROOT = pathlib.Path(__file__).resolve().parent.parent
GOLDEN = sorted((ROOT / "Tests/TestSupport/Golden").glob("*.safetensors"))
CELLS = ("normal", "reduce")


def expected_losses(golden):
    return [float(golden["expect.valid_loss"]), float(golden["expect.unrolled_valid_loss"]), *map(float, golden["expect.valid_loss_after"])]


def in_norm(found, wanted):
    wanted = np.asarray(wanted, np.float64)
    return np.linalg.norm(np.asarray(found, np.float64) - wanted) / np.linalg.norm(wanted)


def errors(losses, gradients, golden):
    result = [abs(a / b - 1) for a, b in zip(losses, expected_losses(golden), strict=True)]
    for order in ("first", "second"):
        result.append(max(in_norm(gradients[f"{order}.{cell}"], golden[f"expect.alpha_grad_{order}.{cell}"]) for cell in CELLS))
    return result


def ours(zarts, path):
    with tempfile.TemporaryDirectory() as folder:
        source = ["--weights", str(path), "--dataset", f"tensors:{path}"]
        out = ["--out", f"{folder}/landscape"]
        run = lambda *words: subprocess.run([zarts, *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        run("landscape", *source, "--grid", "1", "--objectives", "first,second,true:1,true:5,true:10", *out)
        run("gradients", *source, "--out", f"{folder}/gradients.safetensors")
        with open(f"{folder}/landscape/landscape.csv") as table:
            losses = [float(row["loss"]) for row in csv.DictReader(table)]
        return losses, load_file(f"{folder}/gradients.safetensors")


def pytorch(golden, about):
    """The same quantities from the reference model, computed in float32."""
    import torch
    sys.path.insert(0, str(ROOT / "examples/pytorch"))
    import supernet_torch as reference
    torch.set_default_dtype(torch.float32)
    net = reference.Supernet(int(about["channels"]), 10, int(about["layers"]), about["space"])
    values = {name: torch.from_numpy(np.array(value)) for name, value in golden.items()}
    net.load_state_dict({name: values.get(name, value) for name, value in net.state_dict().items()})
    net.alphas_normal, net.alphas_reduce = (values[f"alphas_{cell}"].requires_grad_() for cell in CELLS)
    train, valid = ((values[f"{split}.images"], values[f"{split}.labels"]) for split in ("train", "valid"))
    gradients = {}
    for order, found in (("first", reference.alpha_gradient_first_order(net, valid)),
                         ("second", reference.alpha_gradient_second_order(net, train, valid, 0.025))):
        gradients.update({f"{order}.{cell}": value.detach().numpy() for cell, value in zip(CELLS, found)})
    start = [p.detach().clone() for p in net.parameters()]

    def loss_after(steps, clip=5.0):
        with torch.no_grad():
            for p, value in zip(net.parameters(), start):
                p.copy_(value)
        reference.sgd_steps(net, [train] * steps, 0.025, clip=clip)
        return float(net.loss(*valid).detach())

    return [loss_after(0), loss_after(1, clip=float("inf")), loss_after(1), loss_after(5), loss_after(10)], gradients


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zarts", default=str(ROOT / ".build/release/zarts"))
    parser.add_argument("--torch", action="store_true")
    options = parser.parse_args()
    print("| file | computed by | L₁ | L₂ | M = 1 | M = 5 | M = 10 | ∇L₁ | ∇L₂ |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for path in GOLDEN:
        golden = load_file(path)
        with safe_open(path, "np") as file:
            about = file.metadata()
        rows = [("zarts", ours(options.zarts, path))]
        if options.torch:
            rows.append(("PyTorch, float32", pytorch(golden, about)))
        for name, found in rows:
            print("|", path.stem, "|", name, "|", " | ".join(f"{e:.1e}" for e in errors(*found, golden)), "|")


if __name__ == "__main__":
    main()
