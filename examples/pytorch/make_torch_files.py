"""Small files that torch.save writes, in both of its formats, with what they hold as safetensors, for Tests/TestSupport/Golden/torch.

usage: python make_torch_files.py OUT

Values are made by a formula and by their bits, so that every version of PyTorch writes the same ones.

`pip install torch numpy`
"""
import collections
import io
import json
import pathlib
import struct
import sys
import zipfile

import numpy as np
import torch

KINDS = {torch.float64: "F64", torch.float32: "F32", torch.float16: "F32", torch.bfloat16: "F32", torch.int64: "I64",
         torch.int32: "I64", torch.int16: "I64", torch.int8: "I64", torch.uint8: "U8", torch.bool: "U8"}
NUMPY = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "U8": "u1"}


def write_safetensors(path, tensors):
    """Values as a reader gives them: 16-bit floats as float32, integers as int64, truth values as bytes."""
    header, data = {}, b""
    for name, tensor in tensors.items():
        kind = KINDS[tensor.dtype]
        tensor = tensor.detach()
        tensor = tensor.float() if kind == "F32" else tensor
        values = np.ascontiguousarray(tensor.contiguous().numpy().astype(NUMPY[kind]).reshape(tuple(tensor.shape))).tobytes()
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def tensors():
    """Every type, and views of every kind."""
    base = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4) / 7
    bits16 = torch.tensor([0x0001, 0x03FF, 0x3C00, -0x8000, 0x7BFF, 0x2E66], dtype=torch.int32).to(torch.int16)
    return collections.OrderedDict([
        ("t.float", base), ("t.transposed", base.transpose(0, 2)), ("t.slice", base[1, 1:]), ("t.strided", base[:, ::2, 1::2]),
        ("t.double", torch.arange(5, dtype=torch.float64) / 3 - 1e-300),
        ("t.half", bits16.view(torch.float16).clone()), ("t.brain", bits16.view(torch.bfloat16).clone()),
        ("t.long", torch.tensor([-2 ** 63, -1, 2 ** 62 + 1])), ("t.int", torch.tensor([-2 ** 31, 7], dtype=torch.int32)),
        ("t.short", torch.tensor([-2 ** 15, 300], dtype=torch.int16)), ("t.char", torch.tensor([-128, 127], dtype=torch.int8)),
        ("t.byte", torch.tensor([0, 255], dtype=torch.uint8)), ("t.bool", torch.tensor([True, False, True])),
        ("t.scalar", torch.tensor(0.1)), ("t.count", torch.tensor(12)), ("t.empty", torch.zeros(0, 3)),
        ("t.expanded", torch.tensor([[1.5], [2.5]]).expand(2, 3)), ("t.parameter", torch.nn.Parameter(base[0, :2].clone())),
        ("t.subnormal", torch.tensor([1e-45, -1e-40])),
    ])


def network():
    torch.manual_seed(0)
    layers = torch.nn.Sequential(torch.nn.Conv2d(2, 2, 1, bias=False), torch.nn.BatchNorm2d(2), torch.nn.Linear(2, 2))
    for index, value in enumerate(layers.parameters()):
        value.data = torch.arange(value.numel(), dtype=torch.float32).reshape(value.shape) / 4 + index
    return layers


Genotype = collections.namedtuple("Genotype", "normal reduce")


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    held = tensors()
    write_safetensors(out / "types.safetensors", held)
    torch.save(held, out / "types.pt")
    torch.save(held, out / "types.protocol4.pt", pickle_protocol=4)
    torch.save(held, out / "types.legacy.pt", _use_new_zipfile_serialization=False)
    torch.save(held, out / "types.legacy4.pt", _use_new_zipfile_serialization=False, pickle_protocol=4)
    # A checkpoint as training scripts write it.
    layers = torch.nn.DataParallel(network())
    optimiser = torch.optim.SGD(layers.parameters(), 0.025, momentum=0.9, weight_decay=3e-4)
    for value in layers.parameters():
        value.grad = torch.ones_like(value)
    optimiser.step()
    alphas = [torch.nn.Parameter(torch.arange(28, dtype=torch.float32).reshape(14, 2) / 8 + shift) for shift in (0, 10)]
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 50.0, eta_min=0.001)
    state = {"epoch": 50, "state_dict": layers.state_dict(), "optimizer": optimiser.state_dict(), "lr": 0.025,
             "best_acc_top1": torch.tensor(97.5), "scheduler": schedule.state_dict(), "device": torch.device("cpu"),
             "shape": torch.Size([3, 4])}
    write_safetensors(out / "checkpoint.safetensors", {
        **{name: value for name, value in layers.state_dict().items()}, "alphas_normal": alphas[0], "alphas_reduce": alphas[1]})
    named = {**state, "alphas_normal": alphas[0].data, "alphas_reduce": alphas[1].data}
    torch.save(named, out / "checkpoint.pth.tar")
    torch.save(named, out / "checkpoint.legacy.pth.tar", _use_new_zipfile_serialization=False)
    torch.save({**state, "alpha": alphas}, out / "checkpoint.list.pth.tar")
    # What is refused.
    torch.save(network(), out / "module.pt")
    torch.save({**state, "genotypes": [Genotype(["skip_connect"], [])]}, out / "genotype.pt")
    torch.save({**state, "model_ema": network().state_dict()}, out / "two.pt")
    torch.save({"epoch": 1, "lr": np.float64(0.1), "state_dict": network().state_dict()}, out / "numpy.pt")
    script = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), script)
    # Its code holds the paths of the machine that wrote it.
    with zipfile.ZipFile(script) as whole, zipfile.ZipFile(out / "script.pt", "w") as plain:
        for member in whole.infolist():
            if "/code/" not in member.filename:
                plain.writestr(zipfile.ZipInfo(member.filename), whole.read(member))


if __name__ == "__main__":
    main()
