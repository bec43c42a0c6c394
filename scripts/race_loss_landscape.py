#!/usr/bin/env python3
"""The other side of scripts/race-loss-landscape.sh: plot_surface.py of loss-landscape, run as it is on a network of this project.

usage: race_loss_landscape.py prepare OUT LOSS_LANDSCAPE --channels C --layers L
       race_loss_landscape.py theirs OUT LOSS_LANDSCAPE --cifar FOLDER --grid G --round R ...
       race_loss_landscape.py table OUT --rounds R --grid G
`prepare` writes OUT/plane/model.t7 from the checkpoint of OUT/network, has loss-landscape draw its directions (filter-normalised,
biases and batch norm left out) and writes them for zarts too. `theirs` runs plot_surface.py, without MPI, on the CPU.

Nothing of theirs is changed in its files. What its surroundings are given, since it is of 2018 and made for its own networks:
  - the network: an entry of `models` in cifar10/model_loader.py, this repository's PyTorch network, whose logits it returns;
  - the images: `dataloader.load_dataset` gives a DataLoader over normalised tensors without worker processes, less work than its own
    transforms of single images, which also come by download;
  - `numpy.linspace` takes a number of points that is a float, which numpy refuses since 1.18;
  - modules that only figures, downloads and MPI need (matplotlib, seaborn, mpi4py, torchvision, sklearn) are empty where absent.
"""
import argparse
import csv
import os
import pathlib
import re
import runpy
import statistics
import sys
import types

ROOT = pathlib.Path(__file__).resolve().parent.parent


def network(a):
    import torch
    sys.path.insert(0, str(ROOT / "examples/pytorch"))
    from derived_torch import DerivedNetwork, parse
    genotype = parse((a.out / "plane/genotype.txt").read_text().strip())

    class Logits(DerivedNetwork):
        def forward(self, x):
            return super().forward(x)[0]
    return Logits(genotype, a.channels, 10, a.layers, auxiliary=False), torch


def absent(attribute):
    """An attribute of a module that is not there."""
    if attribute.startswith("__"): raise AttributeError(attribute)
    return None


def surroundings(a):
    """What loss-landscape imports, and the network and data that it is to draw."""
    for name in ("mpi4py", "matplotlib", "matplotlib.pyplot", "mpl_toolkits", "mpl_toolkits.mplot3d", "seaborn", "sklearn",
                 "sklearn.decomposition", "torchvision"):
        try:
            __import__(name)
        except ImportError:
            sys.modules[name] = module = types.ModuleType(name)
            module.__getattr__ = absent
    sys.path.insert(0, str(a.repository))
    os.chdir(a.out / "plane")
    import numpy
    linspace = numpy.linspace
    numpy.linspace = lambda start, stop, num=50, **options: linspace(start, stop, int(num), **options)
    import torchvision
    torchvision.datasets = types.SimpleNamespace(CIFAR10=lambda **_: None)
    import cifar10.model_loader
    cifar10.model_loader.models["derived"] = lambda: network(a)[0]


def prepare(a):
    from safetensors.torch import load_file, save_file
    net, torch = network(a)
    found = load_file(a.out / "network/checkpoints/epoch-001.safetensors")
    missing = net.load_state_dict({k: v for k, v in found.items() if k in net.state_dict()}, strict=False).missing_keys
    assert all(k.endswith("num_batches_tracked") for k in missing), missing
    torch.save({"state_dict": net.state_dict()}, a.out / "plane/model.t7")
    surroundings(a)
    import net_plotter
    torch.manual_seed(123)  # as plot_surface.py
    options = argparse.Namespace(y=True, dir_file="", model_file2="", same_dir=False, model_file3="", dir_type="weights",
                                 xignore="biasbn", yignore="biasbn", xnorm="filter", ynorm="filter")
    net_plotter.setup_direction(options, str(a.out / "plane/directions.h5"), net)
    names = [name for name, _ in net.named_parameters()]
    directions = {}
    for axis, tensors in zip("xy", net_plotter.load_directions(str(a.out / "plane/directions.h5"))):
        directions |= {f"{axis}.{name}": torch.tensor(tensor[()]) for name, tensor in zip(names, tensors)}
    save_file(directions, a.out / "plane/directions.safetensors")


def theirs(a):
    import numpy as np
    import torch
    torch.set_num_threads(a.threads)
    records = np.fromfile(a.cifar / "test_batch.bin", np.uint8).reshape(-1, 3073)
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in ([0.49139968, 0.48215827, 0.44653124], [0.24703233, 0.24348505, 0.26158768]))
    images = (torch.tensor(records[:, 1:].reshape(-1, 3, 32, 32)).float() / 255 - mean) / std
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(images, torch.tensor(records[:, 0]).long()), a.batch)
    surroundings(a)
    import dataloader
    dataloader.load_dataset = lambda *_: (loader, loader)
    surface = str(a.out / f"plane/theirs-{a.round}.h5")
    pathlib.Path(surface).unlink(missing_ok=True)
    side = f"-1:1:{a.grid}"
    sys.argv = ["plot_surface.py", f"--x={side}", f"--y={side}", "--model", "derived", "--model_file", "model.t7", "--dir_file",
                "directions.h5", "--surf_file", surface, "--threads", str(a.threads)]
    runpy.run_path(str(a.repository / "plot_surface.py"), run_name="__main__")
    import h5py
    with h5py.File(surface) as file: np.savez(a.out / f"plane/theirs-{a.round}.npz", loss=file["train_loss"][:])


def table(a):
    import numpy as np
    with open(a.out / "plane/seconds.csv") as file: rows = list(csv.DictReader(file))
    points, ratios, lines = a.grid ** 2, [], []
    for number in range(1, a.rounds + 1):
        whole = {row["who"]: float(row["seconds"]) for row in rows if int(row["round"]) == number}
        log = (a.out / f"plane/theirs-{number}.log").read_text()
        # Without the start of Python: the loop over points alone, by their own clock. Ours is the whole command.
        loop = float(re.search(r"Rank 0 done!  Total time: ([0-9.]+)", log)[1])
        ratios.append(loop / whole["ours"])
        lines.append([number, a.grid, whole["ours"] / points, loop / points, whole["theirs"] / points, ratios[-1]])
    with open(a.out / "race.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["round", "grid", "zarts_seconds_a_point", "loss_landscape_seconds_a_point", "with_its_start", "times_faster"])
        writer.writerows(lines)
    print("| round | zarts, s a point | loss-landscape, s a point | with its start | times faster |\n| --- | --- | --- | --- | --- |")
    for number, _, *values, ratio in lines: print(f"| {number} | " + " | ".join(f"{v:.4f}" for v in values) + f" | {ratio:.1f} |")
    ours, loop = (statistics.median(line[k] for line in lines) for k in (2, 3))
    print(f"{a.grid}x{a.grid} points: median {statistics.median(ratios):.1f} times, worst {min(ratios):.1f}; 51x51 points at the medians: "
          f"{2601 * ours:.0f} s and {2601 * loop:.0f} s")
    with open(a.out / "plane/ours-1/landscape.csv") as file:
        rows = list(csv.DictReader(file))
    found = np.load(a.out / "plane/theirs-1.npz")["loss"]
    # Theirs at [i, j] has the i-th coordinate of the second direction and the j-th of the first (scheduler.py, meshgrid).
    axis = np.linspace(-1, 1, a.grid)
    differences = []
    for row in rows:
        x, y = (float(row[k]) for k in ("x", "y"))
        i, j = (int(abs(axis - v).argmin()) for v in (y, x))
        differences.append(abs(float(row["loss"]) / found[i, j] - 1))
    apart = np.max(differences)  # NaN where one is
    print(f"largest relative difference of {len(differences)} losses: {apart:.1e}")
    # float32 on both sides: more is another network, other images or other directions, and no race.
    if len(differences) != points or not apart < 1e-3: sys.exit("race: the two are not of the same plane")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("what", choices=["prepare", "theirs", "table"])
    p.add_argument("out", type=pathlib.Path)
    p.add_argument("repository", type=pathlib.Path, nargs="?")
    p.add_argument("--cifar", type=pathlib.Path)
    for name, default in (("channels", 16), ("layers", 8), ("batch", 100), ("grid", 9), ("threads", 2), ("round", 1), ("rounds", 3)):
        p.add_argument(f"--{name}", type=int, default=default)
    a = p.parse_args()
    a.out = a.out.resolve()
    {"prepare": prepare, "theirs": theirs, "table": table}[a.what](a)


if __name__ == "__main__":
    main()
