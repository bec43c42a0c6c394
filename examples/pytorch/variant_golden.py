"""Golden values of the variants of the supernet: of any network with loss(x, y), alphas() and the names of these tensors.

The file holds what make_golden.py writes (state_dict, architecture tensors, images, labels, expect.*), the gradients of all
architecture tensors as expect.alpha_grad_{first,second}.CELL and expect.beta_grad_{first,second}.CELL, and running statistics after one
training pass on the training batch as expect.statistics.NAME. Expected values are computed in float64.
"""
import torch
from safetensors.torch import save_file
from supernet_torch import alpha_gradient_first_order


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


def write(out, make, names, space, channels, layers, image, batch, seed, variant):
    """names: those of make().alphas(). variant: what the metadata say besides."""
    torch.manual_seed(seed)
    torch.set_default_dtype(torch.float64)
    net = make()
    with torch.no_grad():  # start from values that float32 holds exactly
        for t in list(net.parameters()) + net.alphas():
            if any(t is a for a in net.alphas()):
                t.copy_(0.5 * torch.randn_like(t))
            t.copy_(t.float().double())
    net.train()
    images, labels = torch.randn(2 * batch, 3, image, image).float().double(), torch.randint(0, 10, (2 * batch,))
    train, valid = (images[:batch], labels[:batch]), (images[batch:], labels[batch:])
    state = {k: v.detach().clone() for k, v in net.state_dict().items() if "running" not in k and "num_batches" not in k}
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
                                   "seed": str(seed), "image": str(image), **variant})
    print(out, float(save["expect.valid_loss"]), float(save["expect.train_loss"]))
