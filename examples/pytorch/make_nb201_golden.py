"""Writes golden values of the NAS-Bench-201 networks of nb201.py, computed in float64.

usage: python make_nb201_golden.py FOLDER
Keys, as in make_golden.py and variant_golden.py: state_dict without running statistics; arch_parameters and, the same values again,
alphas_cell [6, 5]; train.images / valid.images [batch, 3, side, side], train.labels / valid.labels int64; and the expected values, all
float64 but for expect.omega_grad:
  expect.train_loss, expect.valid_loss, expect.logits   batch statistics; logits are of the validation batch
  expect.omega_grad.NAME             d L_train / d NAME, float32; in the file with 16 channels only the digest below
  expect.omega_digest.NAME [3]       norm of that gradient, and its inner products with mix(count, 3000 + i) and mix(count, 5000 + i), i
                                     being the index of NAME among all weights in the metadata's order
  expect.alpha_grad_first.cell       d L_val / d alpha
  expect.alpha_grad_second.cell      one-step unrolled from zero momentum, central differences with 0.01/||v||
  expect.unrolled_valid_loss         L_val(omega - xi (dL_train + wd omega), alpha)
  expect.inner_train_losses [10], expect.valid_loss_after [3]     10 SGD steps on the training batch; L_val after 1, 5, 10 of them
  expect.nesterov_train_losses, expect.nesterov_valid_loss_after  the same with the benchmark's own nesterov momentum and decay 5e-4
  expect.statistics.NAME             running statistics after one pass over the training batch from mean 0, variance 1
  expect.running_logits, expect.running_loss            of the validation batch with those running statistics
Files of found networks hold no alpha, and of the batches only train. The metadata's relu_margin is the smallest size of a nonzero input
of any ReLU in the passes over the given weights: seeds are such that float32 rounding takes no unit across the kink there.
"""
import json
import sys
import numpy as np
import torch
from safetensors.torch import save_file
from nb201 import Found, Supernet, costs, fill, parse

XI, DECAY, MOMENTUM, CLIP = 0.025, 3e-4, 0.9, 5.0
F16 = np.float16


def mix(count, seed):
    """`count` values in [-0.5, 0.5) that 32-bit integers alone decide."""
    mask = np.uint64(0xFFFFFFFF)
    x = (np.arange(count, dtype=np.uint64) * np.uint64(2654435761) + np.uint64(seed * 97 + 12345)) & mask
    x ^= x >> np.uint64(16)
    x = (x * np.uint64(2246822519)) & mask
    x ^= x >> np.uint64(13)
    return x.astype(np.float64) / 2.0 ** 32 - 0.5


def exact(values, kind=np.float32):
    return torch.tensor(np.asarray(values).astype(kind).astype(np.float64))


def gradients(loss, tensors):
    found = torch.autograd.grad(loss, tensors, allow_unused=True)
    return [torch.zeros_like(t) if g is None else g for t, g in zip(tensors, found)]


class Margin:
    """While it is open, the smallest size of a nonzero input of any ReLU."""

    def __init__(self, net):
        self.net, self.value = net, float("inf")

    def see(self, _, inputs):
        sizes = inputs[0].detach().abs()
        self.value = min(self.value, float(sizes[sizes > 0].min())) if (sizes > 0).any() else self.value

    def __enter__(self):
        self.hooks = [m.register_forward_pre_hook(self.see) for m in self.net.modules() if isinstance(m, torch.nn.ReLU)]
        return self

    def __exit__(self, *_):
        for hook in self.hooks: hook.remove()


class Weights:
    """The weights of a network with their first values, to which `restore` goes back."""

    def __init__(self, net):
        self.net, self.params = net, list(net.parameters())
        self.start = [p.detach().clone() for p in self.params]

    def assign(self, values):
        with torch.no_grad():
            for p, v in zip(self.params, values): p.copy_(v)

    def restore(self):
        self.assign(self.start)

    def second_order(self, train, valid):
        alphas = self.net.alphas()
        step = gradients(self.net.loss(*train), self.params)
        self.assign([p - XI * (g + DECAY * p) for p, g in zip(self.start, step)])
        loss = self.net.loss(*valid)
        unrolled = gradients(loss, alphas + self.params)
        direct, vector = unrolled[0], unrolled[1:]
        eps = 1e-2 / torch.sqrt(sum((v * v).sum() for v in vector))
        sides = []
        for sign in (1, -1):
            self.assign([p + sign * eps * v for p, v in zip(self.start, vector)])
            sides.append(gradients(self.net.loss(*train), alphas)[0])
        self.restore()
        return direct - XI * (sides[0] - sides[1]) / (2 * eps), loss.detach()

    def descend(self, train, valid, decay, nesterov):
        """Training losses of 10 steps from zero momentum, and the validation losses after 1, 5 and 10 of them."""
        optimiser = torch.optim.SGD(self.params, XI, MOMENTUM, weight_decay=decay, nesterov=nesterov)
        losses, after = [], []
        for step in range(1, 11):
            loss = self.net.loss(*train)
            for p, g in zip(self.params, gradients(loss, self.params)): p.grad = g
            torch.nn.utils.clip_grad_norm_(self.params, CLIP)
            optimiser.step()
            losses.append(float(loss.detach()))
            if step in (1, 5, 10): after.append(float(self.net.loss(*valid).detach()))
        self.restore()
        return torch.tensor(losses), torch.tensor(after)


def margin_of(net, *batches):
    """The margin over training passes on the batches; running statistics are back at mean 0, variance 1 afterwards."""
    with Margin(net) as margin, torch.no_grad():
        for images, _ in batches: net(images)
    for m in net.modules():
        if isinstance(m, torch.nn.BatchNorm2d): m.reset_running_stats()
    return margin.value


def batch(random, count, side, classes, kind):
    return exact(random.standard_normal((count, 3, side, side)), kind), torch.tensor(random.integers(0, classes, count))


def weight_gradients(save, net, loss, full):
    names = [n for n, _ in net.named_parameters()]
    for index, (name, g) in enumerate(zip(names, gradients(loss, list(net.parameters())))):
        flat = g.numpy().ravel()
        save[f"expect.omega_digest.{name}"] = torch.tensor(
            [np.linalg.norm(flat), flat @ mix(flat.size, 3000 + index), flat @ mix(flat.size, 5000 + index)])
        if full: save[f"expect.omega_grad.{name}"] = g.float()
    return names


def state(net):
    return {k: v.detach().clone() for k, v in net.state_dict().items() if "running" not in k and "num_batches" not in k}


def statistics(net):
    return {f"expect.statistics.{k}": v.detach().clone() for k, v in net.state_dict().items() if "running" in k}


def write(path, save, weights, half, **metadata):
    """float32 for what the networks read (float16 where `half`: the values are exact in it), float64 for what they should give."""
    kind = torch.float16 if half else torch.float32
    for k in list(weights) + [k for k in save if k.endswith(".images")]:
        cast = save[k].to(kind)
        assert torch.equal(cast.double(), save[k]), k
        save[k] = cast
    save_file({k: v.detach().contiguous() for k, v in save.items()}, path, metadata={k: str(v) for k, v in metadata.items()})
    print(path, {k: float(v.detach()) for k, v in save.items() if k.startswith("expect") and v.dim() == 0})


def supernet(path, channels, cells, side, count, seed, half=False):
    net = Supernet(channels, cells)
    kind = F16 if half else np.float32
    random = fill(net, seed, kind)
    train, valid = batch(random, count, side, 10, kind), batch(random, count, side, 10, kind)
    weights, net = state(net), net.train()
    margin = margin_of(net, train, valid)
    save = dict(weights)
    save["arch_parameters"] = save["alphas_cell"] = None
    save |= {"train.images": train[0], "valid.images": valid[0], "train.labels": train[1], "valid.labels": valid[1]}
    save["expect.train_loss"] = loss = net.loss(*train)
    order = weight_gradients(save, net, loss, not half)
    save |= statistics(net)
    with torch.no_grad():
        net.eval()
        save["expect.running_logits"], save["expect.running_loss"] = net(valid[0]), net.loss(*valid)
        net.train()
        save["expect.logits"] = net(valid[0])
    save["expect.valid_loss"] = loss = net.loss(*valid)
    save["expect.alpha_grad_first.cell"] = torch.autograd.grad(loss, net.alpha)[0]
    values = Weights(net)
    save["expect.alpha_grad_second.cell"], save["expect.unrolled_valid_loss"] = values.second_order(train, valid)
    save["expect.inner_train_losses"], save["expect.valid_loss_after"] = values.descend(train, valid, DECAY, False)
    save["expect.nesterov_train_losses"], save["expect.nesterov_valid_loss_after"] = values.descend(train, valid, 5e-4, True)
    save["arch_parameters"] = net.alpha.detach().float()
    save["alphas_cell"] = save["arch_parameters"].clone()
    write(path, save, weights, half, space="nb201", channels=channels, cells=cells, batch=count, image=side, seed=seed, xi=XI,
          weight_decay=DECAY, momentum=MOMENTUM, clip=CLIP, architecture=net.architecture(), relu_margin=margin, order=json.dumps(order))


def found(path, string, channels, cells, side, count, seed):
    names = parse(string)
    net = Found(names, channels, cells)
    train = batch(fill(net, seed), count, side, 10, np.float32)
    weights, net = state(net), net.train()
    margin = margin_of(net, train)
    save = weights | {"train.images": train[0], "train.labels": train[1]}
    save["expect.train_loss"] = loss = net.loss(*train)
    order = weight_gradients(save, net, loss, True)
    save |= statistics(net)
    with torch.no_grad():
        net.eval()
        save["expect.running_logits"], save["expect.running_loss"] = net(train[0]), net.loss(*train)
        net.train()
        save["expect.logits"] = net(train[0])
    parameters, work = costs(names, channels, cells, 10, side)
    write(path, save, weights, False, architecture=string, channels=channels, cells=cells, batch=count, image=side, seed=seed,
          parameters=parameters, flops=work, relu_margin=margin, order=json.dumps(order))


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    folder = sys.argv[1]
    supernet(f"{folder}/nb201_c8_n1_b4.safetensors", 8, 1, 16, 4, 206)
    supernet(f"{folder}/nb201_c16_n1_b4.safetensors", 16, 1, 32, 4, 213, half=True)
    found(f"{folder}/nb201_derived_best.safetensors",
          "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|", 8, 1, 16, 4, 227)
    # Every operation, and a convolution (2<-0) that nothing reads: its gradient is zero, its running statistics still move.
    found(f"{folder}/nb201_derived_mixed.safetensors",
          "|avg_pool_3x3~0|+|nor_conv_1x1~0|none~1|+|skip_connect~0|nor_conv_3x3~1|none~2|", 8, 2, 16, 4, 213)
    # No path from input to output: cells give zero.
    found(f"{folder}/nb201_derived_cut.safetensors",
          "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|", 4, 1, 32, 4, 239)
