#!/usr/bin/env python3
"""Follows a search step by step with the PyTorch reference model, on the same images, batches, initial weights and settings.

    zarts search --preset paper-rdarts-s1-cifar10 --method darts2 --epochs 1 --checkpoint-every 1 --dataset cifar10:DATA --out RUN
    python3 scripts/judge_steps.py RUN DATA --steps 60 --out free.csv
    python3 scripts/judge_steps.py RUN DATA --steps 60 --restart --out restarted.csv

Needs numpy, safetensors and torch. The search is one by a gradient (darts1, darts2, darts-minus, sdarts-rs, sdarts-adv, rdarts-l2,
rdarts-dp, darts-ada until it goes back), with any of drop_path, cutout, auxiliary_skip and perturbation, or the warm-up of another;
its step checkpoints hold what is compared, and may be fewer than the steps: `zarts search` may be stopped early. With --epoch the
steps are those of a later epoch, for what there is none of in the first (drop_path). A step is: the update of α (Adam on the gradient
of either order, on the step's validation batch), then the weight step (SGD), as in DARTS. Freely, PyTorch goes its own way
from the first weights, so that the two part as rounding does; with --restart it takes over ω, momentum, α and Adam's moments
before every step, so that a difference is that of one step. With --float64 PyTorch computes in double precision: the distance of
a PyTorch run in single precision from it is what rounding does by itself.
"""
import argparse
import contextlib
import csv
import math
import pathlib
import re
import sys
import time

import numpy as np
import torch
from safetensors import safe_open

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(pathlib.Path(__file__).resolve().parent.parent / "examples/pytorch")]
from judge_batches import Batches  # noqa: E402
from robust_supernet import RobustSupernet, ascend, clip  # noqa: E402

CELLS = ("normal", "reduce")
FIRST_ORDER = ("darts1", "darts1-es", "darts-minus", "sdarts-rs", "sdarts-adv")
SECOND_ORDER = ("darts2", "darts2-es", "rdarts-l2", "rdarts-dp", "darts-ada")


class Batch:
    def __init__(self, images, labels, keep):
        self.images, self.labels, self.keep = images, labels, keep


class Checkpoint:
    def __init__(self, path):
        with safe_open(path, "np") as file:
            self.metadata = file.metadata()
            self.tensors = {name: file.get_tensor(name) for name in file.keys()}

    def setting(self, name, absent=None):
        """absent: of a program that did not know it."""
        found = re.search(rf"^{name}: ([^ \n]+)", self.metadata["configuration"], re.M)
        return absent if found is None and absent is not None else found[1]

    def number(self, name, absent=None):
        return float(self.setting(name, absent))


class Judge:
    """A search in PyTorch."""

    def __init__(self, start, data, dtype=torch.float32):
        for name, wanted in (("split", "file-order"), ("validation_sampling", "epoch"), ("partial_channels", "1")):
            if start.setting(name) != wanted:
                sys.exit(f"the run's {name} is {start.setting(name)}, this script knows {wanted}")
        limit = start.setting("train_limit")
        self.start, self.dtype = start, dtype
        self.batches = Batches(data, int(start.setting("seed")), int(start.setting("batch")), None if limit == "null" else int(limit),
                               int(start.setting("cutout", "0")))
        self.net = RobustSupernet(int(start.setting("channels")), 10, int(start.setting("layers")), start.setting("space"),
                                  start.number("auxiliary_skip", "0") > 0)
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
        self.net.beta = float(tensors["auxiliary_skip"][0]) if "auxiliary_skip" in tensors else 0.0
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

    def part(self, epoch):
        """Of the way from the first epoch to the last."""
        last = int(self.start.setting("epochs")) - 1
        return min(1, epoch / last) if last > 0 else 0

    def batch(self, split, epoch, step):
        number = self.start.number
        chance = number("cutout_probability", "1") * (self.part(epoch) if self.start.setting("cutout_ramp", "false") == "true" else 1)
        images, labels = self.batches.augmented(split, epoch, step, chance)
        self.net.dropped, keep = number("drop_path", "0") * self.part(epoch), None
        if self.net.dropped > 0:
            cells = len(self.net.cells)
            keep = torch.from_numpy(self.batches.kept(split, epoch, step, 14 * cells, len(labels), self.net.dropped).reshape(cells, 14, -1))
        return Batch(torch.from_numpy(images).to(self.dtype), torch.from_numpy(labels), keep)

    def loss(self, batch):
        self.net.keep = batch.keep
        return self.net.loss(batch.images, batch.labels)

    def fade(self, epoch):
        """β of the auxiliary skip connections in an epoch."""
        place = epoch / int(self.start.setting("epochs"))
        left = {"linear": 1 - place, "cosine": (1 + math.cos(math.pi * place)) / 2, "slow-cosine": math.cos(math.pi / 2 * place), "constant": 1}
        self.net.beta = float(np.float32(self.start.number("auxiliary_skip", "0") * left[self.start.setting("auxiliary_decay", "constant")]))

    def perturb(self, epoch, step, batch):
        """Sets the mixing weights that the weights are trained at, where they are others than those of α."""
        kind, number = self.start.setting("perturbation", "none"), self.start.number
        if kind == "none" or epoch < self.warmup:
            return
        small = number("perturbation_start")
        size = small + (number("perturbation_size") - small) * epoch / int(self.start.setting("epochs"))
        start = [torch.softmax(alpha.detach(), -1) for alpha in self.net.alphas()]
        drawn = torch.from_numpy(size * self.batches.perturbation(epoch, step, sum(p.numel() for p in start))).to(self.dtype)
        noise = [part.reshape(p.shape) for part, p in zip(torch.split(drawn, [p.numel() for p in start]), start)]
        if kind == "random":
            self.net.mixing = [clip(p + n) for p, n in zip(start, noise)]
        else:
            self.net.mixing = ascend(self.net, batch.images, batch.labels, start, noise, size, int(number("perturbation_steps")))[0]

    @contextlib.contextmanager
    def still(self):
        """Passes within do not move running statistics: weight steps alone do."""
        moving = [(value, value.clone()) for name, value in self.net.state_dict().items() if "running" in name]
        yield
        for value, kept in moving:
            value.copy_(kept)

    def alpha_gradient(self, train, valid):
        """Of first order; of second by the central difference of DARTS (cnn/architect.py), momentum and weight decay included."""
        net, omega = self.net, list(self.parameters.values())
        if self.method in FIRST_ORDER:
            loss = self.loss(valid)
            return torch.autograd.grad(loss, net.alphas()), float(loss.detach())
        group = self.sgd.param_groups[0]
        rate, momentum, decay = group["lr"], group["momentum"], group["weight_decay"]
        saved = [p.detach().clone() for p in omega]

        def put(values):
            with torch.no_grad():
                for p, value in zip(omega, values):
                    p.copy_(value)

        slopes = torch.autograd.grad(self.loss(train), omega)
        put([s - rate * (momentum * self.sgd.state[p]["momentum_buffer"] + g + decay * s) for p, s, g in zip(omega, saved, slopes)])
        loss = self.loss(valid)
        ahead = torch.autograd.grad(loss, net.alphas() + omega)
        direct, vector = ahead[:2], ahead[2:]
        length = 0.01 / float(torch.sqrt(sum((v.double() ** 2).sum() for v in vector)))
        sides = []
        for sign in (1, -1):
            put([s + sign * length * v for s, v in zip(saved, vector)])
            sides.append(torch.autograd.grad(self.loss(train), net.alphas()))
        put(saved)
        return [d - rate * (a - b) / (2 * length) for d, a, b in zip(direct, *sides)], float(loss.detach())

    def step(self, epoch, step):
        """Losses before the step: of training, and of validation where α was updated."""
        train, validation_loss = self.batch("train", epoch, step), None
        self.fade(epoch)
        if epoch >= self.warmup:
            if self.method not in FIRST_ORDER + SECOND_ORDER:
                sys.exit(f"epoch {epoch + 1} of {self.method} is past its warm-up, which is as far as this script follows it")
            with self.still():
                gradient, validation_loss = self.alpha_gradient(train, self.batch("valid", epoch, step))
            for alpha, slope in zip(self.net.alphas(), gradient):
                alpha.grad = slope
            self.adam.step()
        self.perturb(epoch, step, train)
        self.sgd.zero_grad()
        self.net.keep = train.keep
        logits = self.net(train.images)
        loss = torch.nn.functional.cross_entropy(logits, train.labels)
        loss.backward()
        self.net.mixing = self.net.keep = None
        for alpha in self.net.alphas():
            alpha.grad = None
        torch.nn.utils.clip_grad_norm_(self.parameters.values(), self.start.number("gradient_clip"))
        self.sgd.step()
        return float(loss.detach()), int((logits.argmax(1) == train.labels).sum()), validation_loss

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
    parser.add_argument("--epoch", type=int, default=0, help="epoch whose steps are judged, from 0")
    parser.add_argument("--first", type=int, default=0, help="step of that epoch at which to begin, from 0")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--restart", action="store_true", help="take over the search's state before every step")
    parser.add_argument("--every", type=int, default=1, help="with --restart: judge every so many steps")
    parser.add_argument("--float64", action="store_true", help="compute in double precision")
    parser.add_argument("--out", type=pathlib.Path, help="a table of the steps")
    arguments = parser.parse_args()
    known = checkpoints(arguments.run)
    begin, epoch = arguments.first, arguments.epoch
    judge = Judge(Checkpoint(known[epoch, begin]), arguments.data, torch.float64 if arguments.float64 else torch.float32)
    rows, columns = [], ["step", "loss", "loss_torch", "difference", "correct", "correct_torch", "weights_apart", "alphas_apart", "seconds"]
    before = Checkpoint(known[epoch, begin])
    for step in range(begin, begin + arguments.steps, arguments.every if arguments.restart else 1):
        here, there = known.get((epoch, step)), known.get((epoch, step + 1), known.get((epoch + 1, 0)) if step + 1 == judge.batches.steps else None)
        if here is None or there is None:
            break
        if arguments.restart:
            before = Checkpoint(here)
            judge.take_over(before)
        began = time.time()
        loss_torch, correct_torch, _ = judge.step(epoch, step)
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
