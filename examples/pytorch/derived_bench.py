"""Times the derived network in PyTorch: the peer of `zarts bench --genotype`.

usage: python derived_bench.py --genotype FILE [--threads 2] [--channels 36] [--layers 20] [--batch 96] [--repeats 3]
                               [--layout nhwc|nchw|both]
FILE's last line is a genotype. Prints one JSON object a line: quantity train_step (forward with a tenth of the paths dropped
and the auxiliary head, backward, clip, SGD) or forward (running statistics, no gradient), and the best of `repeats` seconds.
"""
import argparse
import json
import time
import torch
from derived_torch import DerivedNetwork, parse

p = argparse.ArgumentParser()
for name, default in (("threads", 2), ("channels", 36), ("layers", 20), ("batch", 96), ("repeats", 3)):
    p.add_argument(f"--{name}", type=int, default=default)
p.add_argument("--genotype", required=True)
p.add_argument("--layout", default="nhwc", choices=["both", "nchw", "nhwc"])
a = p.parse_args()
torch.set_num_threads(a.threads)
genotype = parse(open(a.genotype).read().strip().splitlines()[-1])
for layout in (["nchw", "nhwc"] if a.layout == "both" else [a.layout]):
    torch.manual_seed(0)
    fmt = torch.channels_last if layout == "nhwc" else torch.contiguous_format
    net = DerivedNetwork(genotype, a.channels, 10, a.layers).to(memory_format=fmt)
    optimiser = torch.optim.SGD(net.parameters(), 0.025, momentum=0.9, weight_decay=3e-4)
    x = torch.randn(a.batch, 3, 32, 32).contiguous(memory_format=fmt)
    y = torch.randint(0, 10, (a.batch,))
    keep = (torch.rand(a.layers, 8, a.batch) >= 0.1).float() / 0.9

    def train_step():
        net.train()
        optimiser.zero_grad(set_to_none=True)
        net.loss(x, y, keep).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()

    def forward():
        net.eval()
        with torch.no_grad():
            net.loss(x, y)

    for quantity, f in (("train_step", train_step), ("forward", forward)):
        times = []
        for _ in range(a.repeats + 1):
            start = time.perf_counter()
            f()
            times.append(time.perf_counter() - start)
        print(json.dumps({"engine": "pytorch", "torch": torch.__version__, "threads": a.threads, "layout": layout,
                          "quantity": quantity, "batch": a.batch, "seconds": min(times[1:])}), flush=True)
