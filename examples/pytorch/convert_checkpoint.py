"""Turns a PyTorch checkpoint of a DARTS supernet into a safetensors file for `zarts ... --weights`.

usage: python convert_checkpoint.py CHECKPOINT OUT.safetensors [--trust] [KEY=VALUE ...]

`zarts` reads checkpoints of tensors and plain data itself; this is for momentum, for metadata, and for checkpoints that hold more.

Takes what `torch.save` wrote: a state_dict (quark0/darts, PC-DARTS), a dictionary with one under `state_dict` or `model`
(RobustDARTS, SmoothDARTS, DARTS-PT), or a whole model whose code is on PYTHONPATH. From it come
  - weights and running statistics, without the `module.` of DataParallel;
  - alpha and beta, which most repositories keep out of the state_dict: as alphas_normal, alphas_reduce (betas_normal,
    betas_reduce), in the state_dict or beside it, or as a list under `alpha`, `alphas` or `arch_parameters`;
  - momentum.NAME, from the state of the SGD optimiser under `optimizer`, and its learning rate.
KEY=VALUE goes into the metadata: space=s5, channels=16. None is needed where the tensors show what the network is.

Checkpoints that hold objects of the authors' own classes (RobustDARTS: its Genotype) are refused by torch.load since 2.6, and
before that need their code. --trust reads them with placeholders for classes that cannot be imported. Like any unpickling it
can run code that the file brings: use it for files whose origin you trust.

`pip install torch numpy safetensors`
"""
import pickle
import re
import sys
import types

import torch
from safetensors.torch import save_file

ALPHAS = ["alphas_normal", "alphas_reduce", "betas_normal", "betas_reduce"]
BUFFERS = ("running_mean", "running_var", "num_batches_tracked")


class Placeholder:
    """Stands for an object of a class that is not at hand; nothing of it is used."""

    def __new__(cls, *arguments, **named):
        return object.__new__(cls)

    def __init__(self, *arguments, **named):
        pass

    def __setstate__(self, state):
        pass


class LenientUnpickler(pickle.Unpickler):
    def find_class(self, module, name):
        try:
            return super().find_class(module, name)
        except (ImportError, AttributeError):
            return type(name, (Placeholder,), {"__module__": module})


def load(path, trust):
    if not trust:
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError as error:
            found = re.search(r"GLOBAL (\S+)", str(error))
            what = f"an object of {found[1]}" if found else "objects of other classes"
            sys.exit(f"{path}: holds {what} beside tensors; --trust reads it with placeholders for them, "
                     "which can run code that the file brings")
    lenient = types.ModuleType("lenient_pickle")
    lenient.Unpickler, lenient.load, lenient.UnpicklingError = LenientUnpickler, pickle.load, pickle.UnpicklingError
    return torch.load(path, map_location="cpu", weights_only=False, pickle_module=lenient)


def plain(name):
    return name.removeprefix("module.")


def tensor(value):
    value = value.detach().clone().contiguous()
    return value.float() if value.is_floating_point() else value


def alphas(checkpoint, state):
    """alpha and beta by name, wherever they are."""
    for key in ("alpha", "alphas", "arch_parameters"):
        values = checkpoint.get(key)
        if isinstance(values, (list, tuple)) and all(isinstance(value, torch.Tensor) for value in values):
            return dict(zip(ALPHAS, values))
    return {name: place[name] for name in ALPHAS for place in (state, checkpoint) if isinstance(place.get(name), torch.Tensor)}


def momentum(optimizer, names, state):
    """Momentum buffers by name: an optimiser numbers parameters in the order in which a state_dict lists them."""
    numbers = [number for group in optimizer.get("param_groups", []) for number in group["params"]]
    for candidates in (names, [name for name in names if name not in ALPHAS]):
        if len(candidates) != len(numbers):
            continue
        buffers = {name: optimizer["state"].get(number, {}).get("momentum_buffer")
                   for name, number in zip(candidates, numbers)}
        if all(value is not None and value.shape == state[name].shape for name, value in buffers.items()):
            return {f"momentum.{name}": tensor(value) for name, value in buffers.items() if name not in ALPHAS}
    print("note: no momentum: the optimiser's state is not that of SGD with momentum on these parameters", file=sys.stderr)
    return {}


def main():
    flags = [word for word in sys.argv[1:] if word.startswith("--")]
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    if len(words) < 2 or set(flags) - {"--trust"} or any("=" not in word for word in words[2:]):
        sys.exit(__doc__)
    checkpoint = load(words[0], "--trust" in flags)
    if isinstance(checkpoint, torch.nn.Module):
        # alpha are attributes of the model in DARTS.
        checkpoint = {"state_dict": checkpoint.state_dict(), **{name: getattr(checkpoint, name, None) for name in ALPHAS}}
    if not isinstance(checkpoint, dict):
        sys.exit(f"{words[0]}: holds an object of {type(checkpoint).__module__}.{type(checkpoint).__name__}, no dictionary; "
                 "for a whole model put the authors' code on PYTHONPATH")
    state = next((checkpoint[key] for key in ("state_dict", "model") if isinstance(checkpoint.get(key), dict)), checkpoint)
    state = {plain(name): value for name, value in state.items() if isinstance(value, torch.Tensor)}
    if "stem.0.weight" not in state:
        sys.exit(f"{words[0]}: no stem.0.weight in its state_dict: found {', '.join(list(state)[:5]) or 'no tensors'}")
    tensors = {name: tensor(value) for name, value in state.items()}
    found = alphas(checkpoint, state)
    tensors.update({name: tensor(value) for name, value in found.items()})
    metadata = dict(word.split("=", 1) for word in words[2:])
    optimizer = checkpoint.get("optimizer")
    if isinstance(optimizer, dict):
        names = [name for name in state if not name.endswith(BUFFERS)]
        tensors.update(momentum(optimizer, names, state))
        for group in optimizer.get("param_groups", [])[:1]:
            metadata.setdefault("learning_rate", repr(float(group["lr"])))
    save_file(tensors, words[1], metadata=metadata)
    moving = sum(name.startswith("momentum.") for name in tensors)
    print(f"{words[1]}: {len(state)} tensors, {', '.join(found) or 'no alphas'}, momentum of {moving}")


if __name__ == "__main__":
    main()
