"""Writes golden values of the derived networks, computed in float64, as JSON.

usage: python make_derived_golden.py OUT.json
Weights, images, labels and kept paths come from a formula (`mix`) that the tests repeat, so that files stay small. For each
case: losses, logits with batch and with running statistics, and for every weight tensor three numbers of its gradient: its
norm and its inner products with two vectors of the same formula.
"""
import json
import math
import sys
import numpy as np
import torch
from derived_torch import EVERYTHING, ODD, DerivedNetwork, parse

CASES = [dict(name="cifar", genotype=EVERYTHING, channels=12, layers=5, size=32, batch=3, auxiliary=True, imagenet=False),
         dict(name="odd", genotype=ODD, channels=20, layers=4, size=16, batch=4, auxiliary=False, imagenet=False),
         dict(name="imagenet", genotype=EVERYTHING, channels=8, layers=3, size=224, batch=2, auxiliary=True, imagenet=True)]
DROP, SMOOTHING, AUXILIARY, CLASSES = 0.25, 0.1, 0.4, 7


def mix(count, seed):
    """`count` values in [-0.5, 0.5) that 32-bit integers alone decide."""
    mask = np.uint64(0xFFFFFFFF)
    x = (np.arange(count, dtype=np.uint64) * np.uint64(2654435761) + np.uint64(seed * 97 + 12345)) & mask
    x ^= x >> np.uint64(16)
    x = (x * np.uint64(2246822519)) & mask
    x ^= x >> np.uint64(13)
    return x.astype(np.float64) / 2.0 ** 32 - 0.5


def fill(network):
    for index, (name, tensor) in enumerate(network.named_parameters()):
        values = torch.tensor(mix(tensor.numel(), index)).view_as(tensor)
        if tensor.dim() == 1:
            values = (1 if name.endswith(".weight") else 0) + 0.5 * values
        else:
            values = values * (2 / math.sqrt(tensor[0].numel()))
        tensor.data.copy_(values.float().double())


torch.set_default_dtype(torch.float64)
results = []
for case in CASES:
    network = DerivedNetwork(parse(case["genotype"]), case["channels"], CLASSES, case["layers"], case["auxiliary"], case["imagenet"])
    fill(network)
    batch, size = case["batch"], case["size"]
    images = torch.tensor(mix(batch * 3 * size * size, 1000) * 3).float().double().view(batch, 3, size, size)
    labels = torch.tensor([(5 * i + 2) % CLASSES for i in range(batch)])
    kept = mix(case["layers"] * 8 * batch, 2000) + 0.5 >= DROP
    keep = torch.tensor(kept / (1 - DROP)).view(case["layers"], 8, batch)
    network.train()
    logits, auxiliary = network(images, keep)
    loss = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=SMOOTHING)
    total, auxiliary_loss = loss, None
    if auxiliary is not None:
        auxiliary_loss = torch.nn.functional.cross_entropy(auxiliary, labels, label_smoothing=SMOOTHING)
        total = loss + AUXILIARY * auxiliary_loss
        auxiliary_loss = float(auxiliary_loss.detach())
    total.backward()
    gradients = {}
    for index, (name, tensor) in enumerate(network.named_parameters()):
        g = np.zeros(tensor.numel()) if tensor.grad is None else tensor.grad.flatten().numpy()
        gradients[name] = [float(np.linalg.norm(g))] + [float(g @ mix(g.size, seed)) for seed in (3000 + index, 5000 + index)]
    network.eval()
    with torch.no_grad():
        running, _ = network(images)
    results.append(dict(case, classes=CLASSES, logits=logits.flatten().tolist(), loss=float(loss.detach()), auxiliaryLoss=auxiliary_loss,
                        runningLogits=running.flatten().tolist(), gradients=gradients, parameterOrder=list(gradients), drop=DROP, smoothing=SMOOTHING,
                        auxiliaryWeight=AUXILIARY, parameters=sum(p.numel() for p in network.parameters())))
    print(case["name"], float(loss.detach()), auxiliary_loss)
with open(sys.argv[1], "w") as file:
    json.dump(results, file)
