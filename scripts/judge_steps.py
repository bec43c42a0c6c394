#!/usr/bin/env python3
"""Follows a search step by step with the PyTorch reference model, on the same images, batches, initial weights and settings.

    zarts search --preset paper-rdarts-s1-cifar10 --method darts2 --epochs 1 --checkpoint-every 1 --dataset cifar10:DATA --out RUN
    python3 scripts/judge_steps.py RUN DATA --steps 60 --out free.csv
    python3 scripts/judge_steps.py RUN DATA --steps 60 --restart --out restarted.csv

Needs numpy, safetensors and torch. The search is one of darts1 or darts2, or the warm-up of another; its step checkpoints hold what
is compared, and may be fewer than the steps: `zarts search` may be stopped early. A step is: the update of α (Adam on the gradient
of either order, on the step's validation batch), then the weight step (SGD), as in DARTS. Freely, PyTorch goes its own way
from the first weights, so that the two part as rounding does; with --restart it takes over ω, momentum, α and Adam's moments
before every step, so that a difference is that of one step. With --float64 PyTorch computes in double precision: the distance of
a PyTorch run in single precision from it is what rounding does by itself.
"""
import argparse
import csv
import pathlib
import re
import sys
import time

import numpy as np
import torch
from safetensors import safe_open

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(pathlib.Path(__file__).resolve().parent.parent / "examples/pytorch")]
import supernet_torch as reference  # noqa: E402
from judge_batches import Batches  # noqa: E402

CELLS = ("normal", "reduce")


class Checkpoint:
    def __init__(self, path):
        with safe_open(path, "np") as file:
            self.metadata = file.metadata()
            self.tensors = {name: file.get_tensor(name) for name in file.keys()}

    def setting(self, name):
        return re.search(rf"^{name}: ([^ \n]+)", self.metadata["configuration"], re.M)[1]

    def number(self, name):
        return float(self.setting(name))


class Judge:
    """A search in PyTorch."""

    def __init__(self, start, data, dtype=torch.float32):
        for name, wanted in (("split", "file-order"), ("validation_sampling", "epoch"), ("partial_channels", "1")):
            if start.setting(name) != wanted:
                sys.exit(f"the run's {name} is {start.setting(name)}, this script knows {wanted}")
        limit = start.setting("train_limit")
        self.start, self.dtype = start, dtype
        self.batches = Batches(data, int(start.setting("seed")), int(start.setting("batch")), None if limit == "null" else int(limit))
        self.net = reference.Supernet(int(start.setting("channels")), 10, int(start.setting("layers")), start.setting("space"))
        self.net.to(dtype)
        self.method, self.warmup = start.setting("method"), int(start.setting("warmup"))
        self.parameters = dict(self.net.named_parameters())
        self.take_over(start)

    def take_over(self, checkpoint):
        """ω, momentum, α and Adam's moments, and the running statistics."""
        tensors = {name: torch.from_numpy(value) for name, value in checkpoint.tensors.items()}
        with torch.no_grad():
            for name, value in self.net.state_dict().items():
                if not name.endswith("num_batches_tracked"):
                    value.copy_(tensors[name])
        self.net.alphas_normal, self.net.alphas_reduce = (
            tensors[f"alphas_{cell}"].to(self.dtype).clone().requires_grad_() for cell in CELLS)
        number = checkpoint.number
        self.sgd = torch.optim.SGD(self.parameters.values(), float(checkpoint.metadata["learning_rate"]), number("momentum"),
                                   weight_decay=number("weight_decay"))
        for name, parameter in self.parameters.items():
            self.sgd.state[parameter]["momentum_buffer"] = tensors["momentum." + name].to(self.dtype).clone()
        self.adam = torch.optim.Adam(self.net.alphas(), number("alpha_learning_rate"), (number("alpha_beta1"), number("alpha_beta2")),
                                     number("alpha_epsilon"), number("alpha_weight_decay"))
        if "adam.steps" in tensors and int(tensors["adam.steps"][0]) > 0:
            moments = {key: torch.split(tensors["adam." + key], [a.numel() for a in self.net.alphas()]) for key in ("first", "second")}
            for index, alpha in enumerate(self.net.alphas()):
                shaped = {key: value[index].reshape(alpha.shape).to(self.dtype).clone() for key, value in moments.items()}
                self.adam.state[alpha] = {"step": torch.tensor(float(tensors["adam.steps"][0])), "exp_avg": shaped["first"],
                                          "exp_avg_sq": shaped["second"]}

    def batch(self, split, epoch, step):
        images, labels = self.batches.augmented(split, epoch, step)
        return torch.from_numpy(images).to(self.dtype), torch.from_numpy(labels)

    def alpha_gradient(self, train, valid):
        """Of first order; of second by the central difference of DARTS (cnn/architect.py), momentum and weight decay included."""
        net, omega = self.net, list(self.parameters.values())
        if self.method.startswith("darts1"):
            loss = net.loss(*valid)
            return torch.autograd.grad(loss, net.alphas()), float(loss.detach())
        group = self.sgd.param_groups[0]
        rate, momentum, decay = group["lr"], group["momentum"], group["weight_decay"]
        saved = [p.detach().clone() for p in omega]

        def put(values):
            with torch.no_grad():
                for p, value in zip(omega, values):
                    p.copy_(value)

        slopes = torch.autograd.grad(net.loss(*train), omega)
        put([s - rate * (momentum * self.sgd.state[p]["momentum_buffer"] + g + decay * s) for p, s, g in zip(omega, saved, slopes)])
        loss = net.loss(*valid)
        ahead = torch.autograd.grad(loss, net.alphas() + omega)
        direct, vector = ahead[:2], ahead[2:]
        length = 0.01 / float(torch.sqrt(sum((v.double() ** 2).sum() for v in vector)))
        sides = []
        for sign in (1, -1):
            put([s + sign * length * v for s, v in zip(saved, vector)])
            sides.append(torch.autograd.grad(net.loss(*train), net.alphas()))
        put(saved)
        return [d - rate * (a - b) / (2 * length) for d, a, b in zip(direct, *sides)], float(loss.detach())

    def step(self, epoch, step):
        """Losses before the step: of training, and of validation where α was updated."""
        train, validation_loss = self.batch("train", epoch, step), None
        if epoch >= self.warmup:
            if not self.method.startswith("darts"):
                sys.exit(f"epoch {epoch + 1} of {self.method} is past its warm-up, which is as far as this script follows it")
            gradient, validation_loss = self.alpha_gradient(train, self.batch("valid", epoch, step))
            for alpha, slope in zip(self.net.alphas(), gradient):
                alpha.grad = slope
            self.adam.step()
        self.sgd.zero_grad()
        logits = self.net(train[0])
        loss = torch.nn.functional.cross_entropy(logits, train[1])
        loss.backward()
        for alpha in self.net.alphas():
            alpha.grad = None
        torch.nn.utils.clip_grad_norm_(self.parameters.values(), self.start.number("gradient_clip"))
        self.sgd.step()
        return float(loss.detach()), int((logits.argmax(1) == train[1]).sum()), validation_loss

    def distance(self, checkpoint):
        """‖ω − ω'‖/‖ω'‖ and ‖α − α'‖ to a checkpoint's."""
        def apart(pairs):
            return np.sqrt(sum(float(((a.detach().double() - torch.from_numpy(b).double()) ** 2).sum()) for a, b in pairs))
        size = np.sqrt(sum(float((checkpoint.tensors[name].astype(np.float64) ** 2).sum()) for name in self.parameters))
        return (apart((p, checkpoint.tensors[name]) for name, p in self.parameters.items()) / size,
                apart((alpha, checkpoint.tensors[f"alphas_{cell}"]) for cell, alpha in zip(CELLS, self.net.alphas())))


def checkpoints(run):
    """Paths by (epoch, step)."""
    found = {}
    for path in (run / "checkpoints").glob("epoch-*.safetensors"):
        numbers = [int(number) for number in re.findall(r"\d+", path.stem)]
        found[numbers[0], numbers[1] if len(numbers) > 1 else 0] = path
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=pathlib.Path, help="folder of a search with --checkpoint-every 1")
    parser.add_argument("data", help="folder of CIFAR-10 in the binary layout")
    parser.add_argument("--first", type=int, default=0, help="step of the first epoch at which to begin, from 0")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--restart", action="store_true", help="take over the search's state before every step")
    parser.add_argument("--every", type=int, default=1, help="with --restart: judge every so many steps")
    parser.add_argument("--float64", action="store_true", help="compute in double precision")
    parser.add_argument("--out", type=pathlib.Path, help="a table of the steps")
    arguments = parser.parse_args()
    known = checkpoints(arguments.run)
    begin = arguments.first
    judge = Judge(Checkpoint(known[0, begin]), arguments.data, torch.float64 if arguments.float64 else torch.float32)
    rows, columns = [], ["step", "loss", "loss_torch", "difference", "correct", "correct_torch", "weights_apart", "alphas_apart", "seconds"]
    before = Checkpoint(known[0, begin])
    for step in range(begin, begin + arguments.steps, arguments.every if arguments.restart else 1):
        here, there = known.get((0, step)), known.get((0, step + 1), known.get((1, 0)) if step + 1 == judge.batches.steps else None)
        if here is None or there is None:
            break
        if arguments.restart:
            before = Checkpoint(here)
            judge.take_over(before)
        began = time.time()
        loss_torch, correct_torch, _ = judge.step(0, step)
        after = Checkpoint(there)
        weights, alphas = judge.distance(after)
        row = {"step": step + 1, "loss_torch": loss_torch, "correct_torch": correct_torch, "weights_apart": weights, "alphas_apart": alphas,
               "seconds": round(time.time() - began, 1)}
        # The last step of an epoch closes its sums.
        if int(after.metadata["step"]) > 0:
            sums = [{key: float(c.metadata["tally." + key]) for key in ("training_loss", "count", "correct")} for c in (before, after)]
            row["loss"] = (sums[1]["training_loss"] - sums[0]["training_loss"]) / (sums[1]["count"] - sums[0]["count"])
            row["difference"] = loss_torch - row["loss"]
            row["correct"] = int(sums[1]["correct"] - sums[0]["correct"])
        rows.append(row)
        before = after
        print("step {step}: loss {0}, PyTorch {loss_torch:.7f}, difference {1}; weights apart {weights_apart:.2e}, alphas {alphas_apart:.2e}; {seconds} s".format(
            *(f"{row[key]:{form}}" if key in row else "-" for key, form in (("loss", ".7f"), ("difference", "+.1e"))), **row), flush=True)
        if arguments.out:
            with open(arguments.out, "w", newline="") as file:
                writer = csv.DictWriter(file, columns, lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
    measured = [row for row in rows if "loss" in row]
    if measured:
        mean = {key: np.mean([row[key] for row in measured]) for key in ("loss", "loss_torch", "correct", "correct_torch")}
        size = judge.batches.batch
        print(f"{len(measured)} steps: mean loss {mean['loss']:.5f}, PyTorch {mean['loss_torch']:.5f}; accuracy {100 * mean['correct'] / size:.2f} %, "
              f"PyTorch {100 * mean['correct_torch'] / size:.2f} %; largest difference of a loss {max(abs(row['difference']) for row in measured):.1e}")


if __name__ == "__main__":
    main()
