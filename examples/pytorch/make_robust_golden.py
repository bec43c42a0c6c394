"""Writes golden values of the robust family's parts of a search, computed in float64, on networks of robust_supernet.py.

usage: python make_robust_golden.py FOLDER [KIND...]           (KIND: drop, auxiliary, running, perturbation, selection; all by default)
Each FOLDER/NAME.safetensors is whole: the supernet's state_dict under its public names (values that float16 holds exactly, but running
statistics, which float32 does), alphas_normal and alphas_reduce [14, operations], train.images and valid.images [batch, 3, 8, 8],
all float32; train.labels, valid.labels int64; and what is expected, float64 unless said. Metadata, as text: kind, space, channels,
layers, image, batch, seed, margin (how far inputs of ReLU and maximum stay from ties, as make_weight_hessian_golden.py has it) and
what else is said below. CELL is normal and reduce; gradients of the mixing weights are [14, operations], those of ω have the shape
of their tensor. Statistics are those of the batch where nothing else is said.

drop_SPACE: drop-path. keep.train, keep.valid uint8 [cells, 14, batch], 1: the edge's output stays for the image, and is divided by
    1 - drop_path (scalar float64, exact in float32). The edges are the cell's, in their order.
  expect.train_loss, expect.valid_loss, expect.train_logits, expect.valid_logits     each with its own mask
  expect.omega_grad.NAME                      d L_train / d NAME, rounded to float32
  expect.alpha_grad_first.CELL                d L_val / d α
  expect.alpha_grad_second.CELL               one-step unrolled, ξ = 0.025, no momentum, decay 3e-4, central difference with 0.01/|v|:
                                              every pass on the training batch has its mask, that on the validation batch has its own
  expect.running_train_loss                   running statistics: nothing is dropped; the tensors running_mean and running_var of the file
auxiliary_SPACE: auxiliary skip. beta scalar float64, exact in float32. The state_dict has cells.N._ops.K.auxiliary_op.…
  what drop_SPACE has, without masks; and expect.without.train_loss, beta = 0
running_SPACE: gradients with running statistics, taken as constants (running_mean and running_var of the file).
  expect.train_logits, expect.train_loss, expect.omega_grad.NAME (of L_train; running_s5: norms alone, expect.omega_norm.NAME, and the
  tensors of the stem, the classifier and the first edge of each cell)
  expect.mixing_grad.CELL                     d L_train / d p at p = softmax(α), every entry of p a variable of its own
  expect.alpha_grad.CELL                      d L_train / d α
  expect.batch.mixing_grad.CELL               the same as expect.mixing_grad with the statistics of the batch
perturbation_SPACE: SDARTS on the training batch from p = softmax(α) (expect.start.CELL).
  adversarial: epsilon scalar float64, exact in float32, seven steps of 2ε/7, noise.CELL float32 [14, operations] (added to p, then
  clipped; uniform in ±ε). Running statistics.
  expect.path.CELL [8, 14, operations]        p before each step and after the last
  expect.gradients.CELL [7, 14, operations]   d L_train / d p there
  expect.loss_before, expect.loss_after       L_train(start), L_train(after the last step)
  expect.perturbed.CELL                       what comes out: path's last, or start where loss_before > loss_after (metadata restored)
  expect.perturbed_train_loss, expect.omega_grad.NAME     L_train there and its gradient, statistics of the batch
  metadata sign_margin: the least |gradient| over the largest of its step, but for candidates without any (none)
  random: random.epsilon, random.noise.CELL as above; expect.random.CELL the clipped p; expect.random_train_loss and
  expect.random_gradient_norm (of ω, batch statistics). Rows in which nothing is left above 0 are among them (metadata empty_rows).
selection_SPACE: DARTS-PT on two batches, train and valid, of the same size; losses are means over both, counts are of images whose
    largest logit is the label's. Statistics of each batch. p = softmax(α), not divided by what is left.
  expect.loss, expect.correct (int64)                         nothing removed
  expect.operations.loss.CELL, expect.operations.correct.CELL (int64) [14, operations]      that entry of p set to 0
  expect.edges.loss.CELL, expect.edges.correct.CELL [14]      that row of p set to 0
  A whole selection by loss without training between: order.CELL int64 [14] edges, node_order.CELL int64 [3] nodes 1 to 3, in the
  order of their turn, the normal cell's before the reduction cell's; an edge keeps the operation whose removal makes the loss
  largest (p becomes 1 there, 0 elsewhere); then each node the two edges whose removal, one at a time from the state in which all of
  the node's edges are there, makes it largest.
  expect.chosen.CELL int64 [14]               operations by edge
  expect.chosen_losses.CELL [14, operations]  removal losses at the edge's turn, by edge
  expect.kept.CELL int64 [4, 2]               edges that stay, by node, ascending
  expect.edge_losses.CELL [14]                removal losses of the edges of nodes 1 to 3 at their turn; NaN for those of node 0
  expect.projected_loss, expect.projected_correct             in the end
  metadata loss_margin: the least difference between a choice and the next best
"""
import sys
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from make_weight_hessian_golden import exact, fill, margin
from robust_supernet import NODES, RobustSupernet, ascend, clip, evaluated
from variant_golden import second_order

CELLS = ("normal", "reduce")
CHANNELS, LAYERS, IMAGE, BATCH, SAFE = 4, 3, 8, 4, 1e-5


class Case:
    """A network with running statistics and two batches, all of one seed."""

    def __init__(self, kind, space, seed, auxiliary=False, batch=BATCH):
        self.about = dict(kind=kind, space=space, channels=CHANNELS, layers=LAYERS, image=IMAGE, batch=batch, seed=seed)
        self.random = np.random.default_rng([20, seed])
        self.net = RobustSupernet(CHANNELS, 10, LAYERS, space, auxiliary).train()
        fill(self.net, self.random)
        draw = lambda: (exact(self.random.standard_normal((batch, 3, IMAGE, IMAGE)), np.float16), torch.tensor(self.random.integers(0, 10, batch)))
        self.train, self.valid = draw(), draw()

    def settle(self):
        """Running statistics of passes over the training batch, as float32 holds them. Whatever is set of the network takes part."""
        with torch.no_grad():
            for _ in range(10): self.net(self.train[0])
            for value in self.statistics(): value.copy_(value.float().double())
        self.settled = [value.clone() for value in self.statistics()]
        return self

    def statistics(self):
        return [value for name, value in self.net.state_dict().items() if "running" in name]

    def rewind(self):
        """Statistics as they were settled: every pass in training moves them."""
        for value, settled in zip(self.statistics(), self.settled): value.copy_(settled)

    def start(self):
        """What the file holds of the network and the data."""
        self.rewind()
        state = {k: v.detach().clone() for k, v in self.net.state_dict().items() if "num_batches" not in k}
        state |= {f"alphas_{cell}": alpha.detach().clone() for cell, alpha in zip(CELLS, self.net.alphas())}
        state |= {"train.images": self.train[0], "valid.images": self.valid[0]}
        assert all(torch.equal(v.float().double(), v) for v in state.values())
        return {k: v.float() for k, v in state.items()} | {"train.labels": self.train[1], "valid.labels": self.valid[1]}

    def running_loss(self):
        """L_train with running statistics."""
        self.rewind()
        self.net.eval()
        loss = self.net.loss(*self.train).detach()
        self.net.train()
        return loss

    def softmax(self):
        return [F.softmax(alpha, -1).detach() for alpha in self.net.alphas()]

    def omega_gradient(self, loss, prefix="expect.omega_grad."):
        names, parameters = zip(*self.net.named_parameters())
        return {prefix + n: g.float() for n, g in zip(names, torch.autograd.grad(loss, parameters, materialize_grads=True))}

    def mixing_gradient(self, batch):
        """d L / d p at p = softmax(α)."""
        self.net.mixing = [p.requires_grad_() for p in self.softmax()]
        gradient = torch.autograd.grad(self.net.loss(*batch), self.net.mixing, materialize_grads=True)
        self.net.mixing = None
        return gradient


def by_cell(prefix, values):
    return {prefix + cell: value for cell, value in zip(CELLS, values)}


def first(make, good):
    """The first seed with a case that is good enough, and what `good` says of it."""
    for seed in range(3000):
        case = make(seed)
        found = good(case)
        if found is not None: return case, found
    raise SystemExit("no seed is good enough")


def write(folder, name, save, about):
    save = {k: v.detach().contiguous() for k, v in save.items()}
    save_file(save, f"{folder}/{name}.safetensors", metadata={k: str(v) for k, v in about.items()})
    size = sum(v.numel() * v.element_size() for v in save.values())
    print(name, about, f"{size / 1000:.0f} kB", {k: v.item() for k, v in save.items() if k.startswith("expect") and v.numel() == 1})


def gradients(case, masks=None):
    """Losses, logits and gradients of a network in training, by batch with its mask."""
    net, (x, y), (vx, vy) = case.net, case.train, case.valid

    class Masked:
        """The network, which takes the mask of the batch that it is given."""
        loss = staticmethod(lambda images, labels: masked(images, labels))
        parameters, named_parameters, alphas = net.parameters, net.named_parameters, net.alphas

    def masked(images, labels):
        net.keep = None if masks is None else masks[0 if images is x else 1]
        return net.loss(images, labels)

    save = {"expect.train_loss": masked(x, y), "expect.train_logits": net(x)}
    save |= {"expect.valid_loss": masked(vx, vy), "expect.valid_logits": net(vx)}
    save |= case.omega_gradient(masked(x, y))
    save |= by_cell("expect.alpha_grad_first.", torch.autograd.grad(masked(vx, vy), net.alphas()))
    save |= by_cell("expect.alpha_grad_second.", second_order(Masked, case.train, case.valid, 0.025))
    return save


def drop(folder, space):
    def good(case):
        masks = [torch.tensor(case.random.random((LAYERS, 14, BATCH)) >= 0.25) for _ in range(2)]
        case.net.dropped, least = 0.25, np.inf
        for case.net.keep, batch in zip(masks, (case.train, case.valid)): least = min(least, margin(case.net, batch[0]))
        return (masks, least) if least > SAFE else None

    case, (masks, least) = first(lambda seed: Case("drop", space, seed).settle(), good)
    save = case.start() | {"keep.train": masks[0].byte(), "keep.valid": masks[1].byte(), "drop_path": torch.tensor(0.25)}
    save |= {"expect.running_train_loss": case.running_loss()} | gradients(case, masks)
    write(folder, f"drop_{space}", save, case.about | dict(margin=least))


def auxiliary(folder, space):
    def make(seed):
        case = Case("auxiliary", space, seed, auxiliary=True)
        case.net.beta = 0.75
        return case.settle()

    def good(case):
        least = min(margin(case.net, batch[0]) for batch in (case.train, case.valid))
        return least if least > SAFE else None

    case, least = first(make, good)
    save = case.start() | {"beta": torch.tensor(case.net.beta), "expect.running_train_loss": case.running_loss()} | gradients(case)
    case.net.beta = 0
    save["expect.without.train_loss"] = case.net.loss(*case.train)
    write(folder, f"auxiliary_{space}", save, case.about | dict(margin=least))


def main():
    folder, kinds = sys.argv[1], sys.argv[2:]
    torch.set_default_dtype(torch.float64)
    for kind, (make, spaces) in KINDS.items():
        if kinds and kind not in kinds: continue
        for space in spaces: make(folder, space)


KINDS = {"drop": (drop, ("s1", "s2")), "auxiliary": (auxiliary, ("s1", "s2"))}
if __name__ == "__main__":
    main()
