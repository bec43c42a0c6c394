"""Writes small files of torch.save, in the zip and the legacy format, and what they hold.

usage: python make_torch_saves.py OUT.safetensors [FOLDER]      (FOLDER: the files themselves too, FORMAT-NAME.pth)
  file/FORMAT/NAME          bytes of the file, uint8; FORMAT is zip or legacy (_use_new_zipfile_serialization=False)
  expect/NAME/TENSOR        its tensors: floating point of any type as float32 (float64 rounded to nearest), integers and bool as
                            int64, under the names by which they are found in the file (below)
NAME:
  plain         the state_dict of a small network: float32, and num_batches_tracked int64 with no dimensions
  nested        {epoch, state_dict, best_acc_top1, optimizer} after a step of SGD with momentum
  adam          {epoch, model, optimizer} with Adam's state, step among it
  parallel      the state_dict of DataParallel: `module.` before every name, which `expect` has not
  types         tensors of float64, float32, float16, bfloat16, int64, int32, int16, int8, uint8, bool
  views         views of one storage: transposed, every second value, an offset, two rows of the same matrix, a row repeated by
                stride 0, no dimensions, no values
  parameters    dict(named_parameters()), whose values are nn.Parameter
  alphas        {epoch, state_dict, alphas_normal, alphas_reduce}: the latter with requires_grad
  arch_list     {state_dict, arch_parameters: [normal, reduce]}
  wrapped       {net: {state_dict: ...}}
  subnormal     the least and largest values of each floating point type, and -0
In zip alone: protocol4, protocol5      `plain` by other pickle protocols; module.
To be refused (no `expect`):
  two           {model, ema}, two state_dicts of which none is chosen by its name
  infinite      a state_dict with an infinite value and a nan
  module        a whole network, pickled (the legacy format would hold PyTorch's source text beside it)
  scalar        {state_dict, acc} where acc is a numpy scalar
  code          a pickle that calls os.getcwd
"""
import collections
import io
import os
import sys
import numpy as np
import torch
import torch.nn as nn
from safetensors.torch import save_file


class Call:
    def __reduce__(self):
        return os.getcwd, ()


def network():
    torch.manual_seed(19)
    return nn.Sequential(collections.OrderedDict(
        stem=nn.Sequential(nn.Conv2d(3, 2, 2, bias=False), nn.BatchNorm2d(2)), pool=nn.AdaptiveAvgPool2d(1), flat=nn.Flatten(),
        classifier=nn.Linear(2, 3)))


def trained(net, optimiser):
    for _ in range(2):
        optimiser.zero_grad()
        net(torch.randn(4, 3, 5, 5)).square().sum().backward()
        optimiser.step()
    return {k: v.clone() for k, v in net.state_dict().items()}


def main():
    save, folder = {}, sys.argv[2] if len(sys.argv) > 2 else None

    def expect(name, tensors):
        for key, value in tensors.items():
            save[f"expect/{name}/{key}"] = value.detach().to(torch.float32 if value.is_floating_point() else torch.int64)

    def file(name, content, tensors=None, formats=("zip", "legacy"), **options):
        for kind in formats:
            out = io.BytesIO()
            torch.save(content, out, _use_new_zipfile_serialization=kind == "zip", **options)
            keep(kind, name, out)
        if tensors is not None: expect(name, tensors)

    def keep(kind, name, out):
        save[f"file/{kind}/{name}"] = torch.tensor(np.frombuffer(out.getvalue(), np.uint8).copy())
        if folder:
            with open(f"{folder}/{kind}-{name}.pth", "wb") as copy: copy.write(out.getvalue())

    net = network()
    state = net.state_dict()
    file("plain", state, state)
    for protocol in (4, 5): file(f"protocol{protocol}", state, state, ("zip",), pickle_protocol=protocol)
    torch.manual_seed(20)
    momentum = network()
    sgd = torch.optim.SGD(momentum.parameters(), 0.025, momentum=0.9, weight_decay=3e-4)
    weights = trained(momentum, sgd)
    file("nested", {"epoch": 3, "state_dict": momentum.state_dict(), "best_acc_top1": 0.97, "optimizer": sgd.state_dict()}, weights)
    second = network()
    adam = torch.optim.Adam(second.parameters(), 3e-4)
    weights = trained(second, adam)
    file("adam", {"epoch": 3, "model": second.state_dict(), "optimizer": adam.state_dict()}, weights)
    file("parallel", nn.DataParallel(net).state_dict(), state)
    line = torch.linspace(-3, 3, 7, dtype=torch.float64) / 7
    kinds = {str(t).split(".")[1]: line.to(t) for t in (torch.float64, torch.float32, torch.float16, torch.bfloat16)}
    kinds |= {str(t).split(".")[1]: torch.tensor([-2, 0, 3]).to(t) for t in (torch.int64, torch.int32, torch.int16, torch.int8, torch.bool)}
    kinds["uint8"] = torch.tensor([0, 3, 255], dtype=torch.uint8)
    file("types", kinds, kinds)
    whole = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 8
    views = collections.OrderedDict(
        transposed=whole.t(), second=whole[:, ::2], offset=whole[1:3, 2:5], row0=whole[0], row1=whole[1], repeated=whole[2].expand(3, 6),
        permuted=torch.arange(24, dtype=torch.float16).reshape(2, 3, 4).permute(2, 0, 1), scalar=torch.tensor(2.5), empty=torch.zeros(0, 3),
        last_channels=torch.arange(16, dtype=torch.float32).reshape(1, 4, 2, 2).contiguous(memory_format=torch.channels_last))
    file("views", views, views)
    file("parameters", dict(net.named_parameters()), dict(net.named_parameters()))
    normal, reduce = (torch.randn(14, 8, requires_grad=True) for _ in range(2))
    file("alphas", {"epoch": 1, "state_dict": state, "alphas_normal": normal, "alphas_reduce": reduce},
         {**state, "alphas_normal": normal, "alphas_reduce": reduce})
    file("arch_list", {"state_dict": state, "arch_parameters": [normal, reduce]}, {**state, "alphas_normal": normal, "alphas_reduce": reduce})
    file("wrapped", {"net": {"state_dict": state}}, state)
    limits = {}
    for kind in (torch.float64, torch.float32, torch.float16, torch.bfloat16):
        about = torch.finfo(kind)
        largest = torch.finfo(torch.float32).max if kind == torch.float64 else about.max
        limits[str(kind).split(".")[1]] = torch.tensor([about.smallest_normal, about.smallest_normal * about.eps, largest, about.min if
                                                        kind != torch.float64 else -largest, 0.0, -0.0], dtype=kind)
    file("subnormal", limits, limits)
    file("two", {"model": state, "ema": {k: 2 * v for k, v in state.items()}})
    file("infinite", {**state, "classifier.bias": torch.tensor([1.0, float("inf"), float("nan")])})
    file("module", net, formats=("zip",))
    file("scalar", {"state_dict": state, "acc": np.float64(0.5)})
    file("code", {"state_dict": state, "where": Call()})
    save_file({k: v.contiguous().clone() for k, v in save.items()}, sys.argv[1], metadata={"torch": torch.__version__})
    for k, v in save.items():
        if k.startswith("file"): print(k, v.numel())


if __name__ == "__main__":
    main()
