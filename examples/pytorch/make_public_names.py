"""Writes the names and shapes of the state_dicts of the public evaluation networks, from the public code itself.

usage: python make_public_names.py DARTS_FOLDER OUT.json          (a checkout of quark0/darts; its cnn/model.py is run as it is)
OUT maps NETWORK-auxiliary and NETWORK-plain, NETWORK being NetworkCIFAR or NetworkImageNet, to {name: shape} in the order of
state_dict(): of the genotype `EVERYTHING` of derived_torch.py at 4 channels (ImageNet 8), 3 cells and 10 classes, with and without
the auxiliary head. Checks that derived_torch.py's networks have the same names, shapes and order.
"""
import json
import pathlib
import sys
import types

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here))
from derived_torch import EVERYTHING, DerivedNetwork, parse

sys.path.insert(0, f"{sys.argv[1]}/cnn")
try:
    import torchvision.transforms  # which their utils.py imports for its data
except ImportError:
    sys.modules["torchvision"] = package = types.ModuleType("torchvision")
    sys.modules["torchvision.transforms"] = package.transforms = types.ModuleType("torchvision.transforms")
import model

names = {}
for kind, imagenet, channels in (("NetworkCIFAR", False, 4), ("NetworkImageNet", True, 8)):
    for auxiliary in (True, False):
        genotype = types.SimpleNamespace(**dict(zip(("normal", "normal_concat", "reduce", "reduce_concat"), parse(EVERYTHING))))
        net = getattr(model, kind)(channels, 10, 3, auxiliary, genotype)
        found = {k: list(v.shape) for k, v in net.state_dict().items()}
        own = {k: list(v.shape) for k, v in DerivedNetwork(parse(EVERYTHING), channels, 10, 3, auxiliary, imagenet).state_dict().items()}
        assert found == own, sorted(set(found) ^ set(own))
        if list(found) != list(own): print(kind, auxiliary, "the order differs")
        names[f"{kind}-{'auxiliary' if auxiliary else 'plain'}"] = found
with open(sys.argv[2], "w") as file:
    json.dump(names, file, separators=(",", ":"))
