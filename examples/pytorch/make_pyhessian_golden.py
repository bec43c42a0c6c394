"""Writes what PyHessian finds of the Hessian of a small supernet's weights, run in float64.

usage: python make_pyhessian_golden.py PYHESSIAN_FOLDER OUT.safetensors          (a checkout of amirgholami/PyHessian, run as it is)
The file is a network and its data as `--weights` and `--dataset tensors:` read them: weights under public names (float16, which holds
them exactly), alphas_normal, alphas_reduce, train.images, valid.images [4, 3, 8, 8], train.labels, valid.labels. It is the network
`s3` of make_weight_hessian_golden.py. The Hessian is that of the mean cross-entropy of the validation batch by all weights at fixed
alpha. What PyHessian is given and finds (hessian.py), float64:
  eigenvalues [2]                 `eigenvalues(maxIter=5000, tol=1e-12, top_n=2)`: by power iteration, the largest by magnitude
  trace_starts.TENSOR [8, ...]    the random signs of `trace`, as 0 for -1 and 1 for 1, uint8
  trace_samples [8]               v H v of each
  density_starts.TENSOR [2, ...]  the random signs that `density` starts from, uint8
  nodes, node_weights [2, 20]     eigenvalues of the tridiagonal matrix of `density(iter=20, n_v=2)`, ascending, and squares of the
                                  first entries of its eigenvectors
  grid, curve [200]               `density_generate(nodes, node_weights, num_bins=200, sigma_squared=1e-3)` of density_plot.py
and what PyHessian does not give, by Lanczos' iteration with full reorthogonalisation in float64:
  extreme_eigenvalues [4]         the two smallest and the two largest, ascending

PyHessian puts the network into evaluation mode (hessian.py, line 31), so its own examples have the Hessian with running statistics.
Here the norms keep none (track_running_stats off), so that they use those of the batch in that mode too: what search and training
minimise. It divides by norms to which it adds 1e-6 (utils.py, line 57), so that its vectors are too short: eigenvalues by
power iteration come out 2e-6 of themselves too small, and nodes are off by up to about 1e-6 of the spectrum's width.
"""
import sys
import types
import numpy as np
import torch
import torch.nn as nn
from safetensors.torch import save_file
from make_weight_hessian_golden import OWN, images, margin, safe

EIGENVALUES, TRACE, STARTS, STEPS = 2, 8, 2, 20


def recorded(call):
    """What `call` gives, and the integers that it drew meanwhile."""
    draws, draw = [], torch.randint_like

    def drawing(*args, **options):
        draws.append(draw(*args, **options))
        return draws[-1].clone()
    torch.randint_like = drawing
    try:
        return call(), draws
    finally:
        torch.randint_like = draw


def lanczos(product, count, steps=300):
    """Ritz values and bounds of their residuals."""
    basis, diagonal, off = [torch.randn(count)], [], []
    basis[0] /= basis[0].norm()
    for _ in range(steps):
        w = product(basis[-1])
        diagonal.append(float(w @ basis[-1]))
        for _ in range(2):
            for v in basis: w = w - (w @ v) * v
        off.append(float(w.norm()))
        basis.append(w / off[-1])
    values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(off[:-1], 1) + np.diag(off[:-1], -1))
    return values, off[-1] * np.abs(vectors[-1])


def main():
    folder, out = sys.argv[1:3]
    sys.path.insert(0, folder)
    from pyhessian import hessian
    try:
        import matplotlib  # which density_plot.py draws with
    except ImportError:
        for name in ("matplotlib", "matplotlib.pyplot"): sys.modules[name] = types.SimpleNamespace(use=lambda _: None, pyplot=None)
    from density_plot import density_generate
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(19)
    about = OWN["s3"]
    seed, net, names, valid = safe(about)
    train = images(np.random.default_rng([19, 100]), about)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.track_running_stats, module.running_mean, module.running_var, module.num_batches_tracked = False, None, None, None
    params = dict(net.named_parameters())
    save = {k: p.detach().half() for k, p in params.items()} | {k: a.detach().float() for k, a in zip(names, net.alphas())}
    save |= {"train.images": train[0].half(), "valid.images": valid[0].half(), "train.labels": train[1], "valid.labels": valid[1]}
    batch_loss = float(net.loss(*valid).detach())
    study = hessian(net, nn.CrossEntropyLoss(), data=valid, cuda=False)
    assert float(net.loss(*valid).detach()) == batch_loss and not net.training  # batch statistics in evaluation mode too
    values, _ = study.eigenvalues(maxIter=5000, tol=1e-12, top_n=EIGENVALUES)
    samples, trace_starts = recorded(lambda: study.trace(maxIter=TRACE, tol=0.0))
    (nodes, weights), density_starts = recorded(lambda: study.density(iter=STEPS, n_v=STARTS))
    nodes, weights = np.array(nodes), np.array(weights)
    assert nodes.shape == (STARTS, STEPS) and np.abs(weights.imag).max() < 1e-12 and abs(weights.real.sum(1) - 1).max() < 1e-9
    order = nodes.argsort(1)
    nodes, weights = np.take_along_axis(nodes, order, 1), np.take_along_axis(weights.real, order, 1)
    curve, grid = density_generate(nodes, weights, num_bins=200, sigma_squared=1e-3)
    for kind, draws, runs in (("trace", trace_starts, TRACE), ("density", density_starts, STARTS)):
        assert len(draws) == runs * len(params)
        for i, name in enumerate(params):
            save[f"{kind}_starts.{name}"] = torch.stack(draws[i::len(params)]).to(torch.uint8)
    tensors = list(params.values())
    gradient = torch.cat([g.flatten() for g in torch.autograd.grad(net.loss(*valid), tensors, create_graph=True)])
    product = lambda v: torch.cat([h.flatten() for h in torch.autograd.grad(gradient, tensors, v, retain_graph=True)])
    count = gradient.numel()
    ritz, bounds = lanczos(product, count)
    ends = [0, 1, -2, -1]
    save |= {"eigenvalues": values, "trace_samples": samples, "nodes": nodes, "node_weights": weights, "grid": grid, "curve": curve,
             "extreme_eigenvalues": ritz[ends]}
    save = {k: v.detach() if isinstance(v, torch.Tensor) else torch.tensor(np.asarray(v, np.float64)) for k, v in save.items()}
    metadata = {k: str(v) for k, v in about.items()} | {
        "seed": str(seed), "count": str(count), "margin": str(margin(net, valid[0])), "loss": str(batch_loss)}
    save_file({k: v.contiguous() for k, v in save.items()}, out, metadata=metadata)
    print(count, "weights, loss", batch_loss, "eigenvalues", values, "Lanczos", ritz[ends], "+-", bounds[ends])
    print("trace", np.mean(samples), "+-", np.std(samples, ddof=1) / TRACE ** 0.5, "nodes", nodes, "weights", weights)


if __name__ == "__main__":
    main()
