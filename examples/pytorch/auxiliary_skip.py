"""The supernet with auxiliary skip connections (DARTS-, arXiv 2009.01027), beside supernet_torch.py, and its golden values.

Every mixed edge adds beta times its input, at stride 2 through a factorised reduction of its own. Tensor names are those of the
public code (Meituan-AutoML/DARTS-, src/search/model_search.py, lines 17-21 and 42-43): cells.N._ops.K.auxiliary_op.conv_1.weight.

usage: python auxiliary_skip.py OUT SPACE CHANNELS LAYERS IMAGE BATCH SEED BETA
variant_golden.py says what the file holds; beta is the tensor auxiliary_skip [1], too. Besides, with v_alpha and v_omega standard normal:
  expect.hessian_{direction,product}.CELL         v_alpha, and the second derivatives of L_valid by alpha times it
  expect.mixing_{direction,product}.CELL          the same by the mixing weights of the candidates, each by itself
"""
import sys
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from safetensors import safe_open
from supernet_torch import FactorizedReduce, Supernet
from variant_golden import write

CELLS = ("normal", "reduce")


class AuxiliaryMixedOp(nn.Module):
    def __init__(self, mixed, c, stride, beta):
        super().__init__()
        self._ops, self.beta = mixed._ops, beta
        self.auxiliary_op = nn.Identity() if stride == 1 else FactorizedReduce(c, c)

    def forward(self, x, w):
        return sum(wi * op(x) for wi, op in zip(w, self._ops)) + self.beta * self.auxiliary_op(x)


class AuxiliarySupernet(Supernet):
    def __init__(self, channels, classes, layers, space, beta):
        super().__init__(channels, classes, layers, space)
        self.mixing = None
        edges = [(i, j) for i in range(4) for j in range(2 + i)]
        c = channels
        for cell in self.cells:
            c *= 2 if cell.reduction else 1
            for k, (i, j) in enumerate(edges):
                cell._ops[k] = AuxiliaryMixedOp(cell._ops[k], c, 2 if cell.reduction and j < 2 else 1, beta)

    def forward(self, x):
        weights = self.mixing or [F.softmax(a, -1) for a in self.alphas()]
        s0 = s1 = self.stem(x)
        for cell in self.cells:
            s0, s1 = s1, cell(s0, s1, weights[cell.reduction])
        return self.classifier(s1.mean((2, 3)))


def products(net, x, y, leaves, directions):
    """Second derivatives of the loss by leaves, times directions."""
    gradients = torch.autograd.grad(net.loss(x, y), leaves, create_graph=True)
    return torch.autograd.grad(sum((g * v).sum() for g, v in zip(gradients, directions)), leaves)


def main():
    out, space = sys.argv[1:3]
    channels, layers, image, batch, seed = map(int, sys.argv[3:8])
    beta = float(torch.tensor(float(sys.argv[8]), dtype=torch.float32))
    make = lambda: AuxiliarySupernet(channels, 10, layers, space, beta)
    names = ["alphas_normal", "alphas_reduce"]
    write(out, make, names, space, channels, layers, image, batch, seed, {"auxiliary_skip": str(beta)})
    save = load_file(out)
    with safe_open(out, "pt") as file: metadata = file.metadata()
    net = make().train()
    net.load_state_dict({k: v.double() for k, v in save.items() if k in net.state_dict()}, strict=False)
    with torch.no_grad():
        for name, alpha in zip(names, net.alphas()): alpha.copy_(save[name].double())
    x, y = save["valid.images"].double(), save["valid.labels"]
    assert abs(float(net.loss(x, y).detach()) - float(save["expect.valid_loss"])) < 1e-6
    random = torch.Generator().manual_seed(seed)
    for kind, leaves in (("hessian", net.alphas()), ("mixing", [F.softmax(a, -1).detach().requires_grad_() for a in net.alphas()])):
        if kind == "mixing": net.mixing = leaves
        directions = [torch.randn(leaf.shape, generator=random).float().double() for leaf in leaves]
        for cell, v, p in zip(CELLS, directions, products(net, x, y, leaves, directions)):
            save |= {f"expect.{kind}_direction.{cell}": v, f"expect.{kind}_product.{cell}": p}
    save["auxiliary_skip"] = torch.tensor([beta], dtype=torch.float32)
    save_file({k: v.contiguous() for k, v in save.items()}, out, metadata=metadata)


if __name__ == "__main__":
    main()
