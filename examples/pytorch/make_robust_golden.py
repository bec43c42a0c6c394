"""Writes golden values of the robust family's parts of a search, computed in float64, on networks of robust_supernet.py.

usage: python make_robust_golden.py FOLDER [KIND...]           (KIND: drop, auxiliary, running, perturbation, vain, selection; all by default)
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
  expect.train_logits, expect.train_loss, expect.omega_grad.NAME (of L_train, rounded to float32)
  expect.mixing_grad.CELL                     d L_train / d p at p = softmax(α), every entry of p a variable of its own
  expect.alpha_grad.CELL                      d L_train / d α
  expect.batch.train_loss, expect.batch.mixing_grad.CELL      the same with the statistics of the batch
perturbation_SPACE, perturbation_SPACE_vain: SDARTS on the training batch from p = softmax(α) (expect.start.CELL).
  adversarial: epsilon scalar float64, exact in float32; seven steps of 2ε/7; noise.CELL float32 [14, operations], uniform in ±ε,
  which is added to p before p is clipped. Running statistics of the file.
  expect.path.CELL [8, 14, operations]        p before each step and after the last
  expect.gradients.CELL [7, 14, operations]   d L_train / d p there
  expect.loss_before, expect.loss_after       L_train at start and after the last step
  expect.perturbed.CELL                       what comes out: the path's last, or start where loss_before > loss_after (…_vain)
  expect.perturbed_train_loss, expect.omega_grad.NAME     L_train there and its gradient (float32), statistics of the batch
  metadata sign_margin: the least |gradient| over the largest of its step, `none` left out, which has no gradient
  random: random.epsilon, random.noise.CELL as above; expect.random.CELL the clipped p, among whose rows are such in which no entry
  stays above 0 (metadata empty_rows); expect.random.train_loss, expect.random.gradient_norm (of ω), statistics of the batch
selection_SPACE: DARTS-PT on two batches, train and valid, as one held-out set: losses are means over both, counts are of images whose
    largest logit is the label's. Statistics of each batch. p = softmax(α); what is left of a row is not scaled up.
  expect.loss, expect.correct (int64)                         nothing removed
  expect.operations.loss.CELL, expect.operations.correct.CELL (int64) [14, operations]      that entry of p set to 0
  expect.edges.loss.CELL, expect.edges.correct.CELL [14]      that row of p set to 0
  A whole selection without training between: order.CELL int64 [14] edges and node_order.CELL int64 [3] of nodes 1 to 3 in the order of
  their turn; the normal cell's turn is before the reduction cell's. An edge keeps the operation whose removal leaves the largest loss
  (loss) or the least accuracy (accuracy), the first of equals; then a node loses, until two are left, the edge whose removal leaves
  the least loss or the largest accuracy, the last of equals, each removed alone from all edges of the node.
  Under expect.by_loss. and expect.by_accuracy.:
    chosen.CELL int64 [14]                    operations by edge
    operation_values.CELL [14, operations]    losses or counts (float64 too) after the removals at the edge's turn, by edge
    kept.CELL int64 [4, 2]                    edges that stay, by node, ascending
    edge_values.CELL [14]                     losses or counts after the removals of nodes 1 to 3 at their turn; -1 for those of node 0
    loss, correct                             in the end
  metadata loss_margin: the least difference between a choice by loss and the next best; logit_margin: between a label's logit and the
  largest other one, over all evaluations
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
    save = {k: v.detach().clone().contiguous() for k, v in save.items()}
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


def running(folder, space):
    def good(case):
        case.net.eval()
        least = margin(case.net, case.train[0])
        case.net.train()
        least = min(least, margin(case.net, case.train[0]))
        return least if least > SAFE else None

    case, least = first(lambda seed: Case("running", space, seed).settle(), good)
    save = case.start() | by_cell("expect.batch.mixing_grad.", case.mixing_gradient(case.train)) | {"expect.batch.train_loss": case.net.loss(*case.train)}
    case.rewind()
    case.net.eval()
    save |= {"expect.train_logits": case.net(case.train[0]), "expect.train_loss": case.net.loss(*case.train)}
    save |= case.omega_gradient(case.net.loss(*case.train)) | by_cell("expect.mixing_grad.", case.mixing_gradient(case.train))
    save |= by_cell("expect.alpha_grad.", torch.autograd.grad(case.net.loss(*case.train), case.net.alphas()))
    write(folder, f"running_{space}", save, case.about | dict(margin=least))


def perturbation(folder, space, vain=False):
    epsilon, wide = (0.5 if vain else 0.25), 0.875

    def noise(case, size):
        return [exact(case.random.uniform(-size, size, alpha.shape), np.float32) for alpha in case.net.alphas()]

    def good(case):
        start, noises = case.softmax(), [noise(case, epsilon), noise(case, wide)]
        p, found = ascend(case.net, *case.train, start, noises[0], epsilon)
        signs, empty = min(float(g.abs()[g != 0].min() / max(h.abs().max() for h in step)) for step in found["gradients"] for g in step), \
            int(sum((s + n <= 0).all(1).sum() for s, n in zip(start, noises[1])))
        if signs < 1e-4 or empty == 0 or bool(found["restored"]) != vain or abs(found["before"] - found["after"]) < 1e-3: return None
        case.net.mixing, least = p, 0
        least = margin(case.net, case.train[0])
        case.net.mixing = None
        return (start, noises, p, found, dict(sign_margin=signs, empty_rows=empty, margin=least)) if least > SAFE else None

    case, (start, noises, p, found, numbers) = first(lambda seed: Case("perturbation", space, seed).settle(), good)
    save = case.start() | {"epsilon": torch.tensor(epsilon), "random.epsilon": torch.tensor(wide)}
    save |= {k: v.float() for k, v in (by_cell("noise.", noises[0]) | by_cell("random.noise.", noises[1])).items()}
    save |= by_cell("expect.start.", start) | by_cell("expect.perturbed.", p)
    save |= {"expect.loss_before": found["before"], "expect.loss_after": found["after"]}
    for name in ("path", "gradients"): save |= by_cell(f"expect.{name}.", [torch.stack(values) for values in zip(*found[name])])
    case.net.mixing = p
    loss = case.net.loss(*case.train)
    save |= {"expect.perturbed_train_loss": loss} | case.omega_gradient(loss)
    case.net.mixing = [clip(s + n) for s, n in zip(start, noises[1])]
    save |= by_cell("expect.random.", case.net.mixing)
    loss = case.net.loss(*case.train)
    squares = sum((g * g).sum() for g in torch.autograd.grad(loss, list(case.net.parameters()), materialize_grads=True))
    save |= {"expect.random.train_loss": loss, "expect.random.gradient_norm": squares.sqrt()}
    write(folder, f"perturbation_{space}" + ("_vain" if vain else ""), save, case.about | numbers | dict(restored=vain))


class Selection:
    """Removals in a network, by p without softmax, and how close they were."""

    def __init__(self, case):
        self.net, self.batches, self.p = case.net, (case.train, case.valid), case.softmax()
        self.loss_margin = self.logit_margin = np.inf

    def values(self, cell=None, edge=None, operation=None):
        """Mean loss and correct images; of p without an operation or an edge, where one is named."""
        p = [matrix.clone() for matrix in self.p]
        if operation is not None: p[cell][edge, operation] = 0
        elif edge is not None: p[cell][edge] = 0
        loss, correct = 0, 0
        with torch.no_grad():
            self.net.mixing = p
            for x, y in self.batches:
                logits = self.net(x)
                loss += F.cross_entropy(logits, y) / len(self.batches)
                correct += int((logits.argmax(1) == y).sum())
                own = logits.gather(1, y[:, None])
                self.logit_margin = min(self.logit_margin, float((own - logits.scatter(1, y[:, None], -np.inf).max(1, keepdim=True).values).abs().min()))
            self.net.mixing = None
        return float(loss), correct

    def removals(self):
        """By cell: of every operation, of every edge."""
        operations = [np.array([[self.values(c, e, o) for o in range(m.shape[1])] for e in range(14)]) for c, m in enumerate(self.p)]
        return operations, [np.array([self.values(c, e) for e in range(14)]) for c in range(2)]

    def whole(self, orders, node_orders, by_accuracy):
        start, self.p = self.p, [matrix.clone() for matrix in self.p]
        worse = (lambda pair: -pair[1]) if by_accuracy else (lambda pair: pair[0])
        value = 1 if by_accuracy else 0
        chosen, seen = [np.zeros(14, np.int64) for _ in range(2)], [np.zeros(m.shape) for m in self.p]
        for turn in zip(*orders):
            for cell, edge in enumerate(turn):
                found = [self.values(cell, edge, o) for o in range(self.p[cell].shape[1])]
                chosen[cell][edge] = best = max(range(len(found)), key=lambda o: (worse(found[o]), -o))
                seen[cell][edge] = [pair[value] for pair in found]
                if not by_accuracy: self.loss_margin = min([self.loss_margin] + [found[best][0] - f[0] for o, f in enumerate(found) if o != best])
                self.p[cell][edge] = 0
                self.p[cell][edge, best] = 1
        kept, edge_seen = [np.array([[0, 1]] * 4, np.int64) for _ in range(2)], [np.full(14, -1.0) for _ in range(2)]
        for turn in zip(*node_orders):
            for cell, node in enumerate(turn):
                found = {edge: self.values(cell, edge) for edge in NODES[node]}
                ranked = sorted(found, key=lambda edge: (-worse(found[edge]), edge))  # of equals the last goes first
                if not by_accuracy: self.loss_margin = min(self.loss_margin, found[ranked[1]][0] - found[ranked[2]][0])
                kept[cell][node] = sorted(ranked[:2])
                for edge in found:
                    edge_seen[cell][edge] = found[edge][value]
                    if edge not in ranked[:2]: self.p[cell][edge] = 0
        end, self.p = self.values(), start
        return dict(chosen=chosen, operation_values=seen, kept=kept, edge_values=edge_seen), end


def selection(folder, space):
    def good(case):
        selection = Selection(case)
        orders, node_orders = ([case.random.permutation(items) for _ in range(2)] for items in (range(14), range(1, 4)))
        found = selection.values(), selection.removals(), [selection.whole(orders, node_orders, flag) for flag in (False, True)]
        if selection.loss_margin < 1e-4 or selection.logit_margin < 1e-4: return None
        return orders, node_orders, found, dict(loss_margin=selection.loss_margin, logit_margin=selection.logit_margin)

    case, (orders, node_orders, (plain, removals, wholes), numbers) = first(lambda seed: Case("selection", space, seed, batch=8).settle(), good)
    save = case.start() | by_cell("order.", orders) | by_cell("node_order.", node_orders)
    save |= {"expect.loss": plain[0], "expect.correct": plain[1]}
    for what, values in zip(("operations", "edges"), removals):
        save |= by_cell(f"expect.{what}.loss.", [v[..., 0] for v in values]) | by_cell(f"expect.{what}.correct.", [v[..., 1].astype(np.int64) for v in values])
    for rule, (found, end) in zip(("loss", "accuracy"), wholes):
        for name, values in found.items(): save |= by_cell(f"expect.by_{rule}.{name}.", values)
        save |= {f"expect.by_{rule}.loss": end[0], f"expect.by_{rule}.correct": end[1]}
    write(folder, f"selection_{space}", {k: torch.as_tensor(v) for k, v in save.items()}, case.about | numbers)


def main():
    folder, kinds = sys.argv[1], sys.argv[2:]
    torch.set_default_dtype(torch.float64)
    for kind, (make, spaces) in KINDS.items():
        if kinds and kind not in kinds: continue
        for space in spaces: make(folder, space)


KINDS = {"drop": (drop, ("s1", "s2")), "auxiliary": (auxiliary, ("s1", "s2")), "running": (running, ("s1", "s3")),
         "perturbation": (perturbation, ("s1", "s3")), "vain": (lambda folder, space: perturbation(folder, space, vain=True), ("s1",)),
         "selection": (selection, ("s1", "s3"))}
if __name__ == "__main__":
    main()
