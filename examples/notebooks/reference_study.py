"""Reads notebooks-data/ with numpy and pandas and draws it with matplotlib: a start for figures of your own.

usage: python reference_study.py [NOTEBOOKS_DATA [OUT.png]]   (../../notebooks-data, reference_study.png)

The cells below (# %%) also run one by one in an editor that knows notebooks.
"""
# %%
import pathlib
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

here = pathlib.Path(__file__).resolve().parent
data = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here.parents[1] / "notebooks-data"
target = sys.argv[2] if len(sys.argv) > 2 else "reference_study.png"

# %% Landscapes: arrays are [i, j], i along direction 1 (x), j along direction 2 (y); imshow wants rows along y.
grid = np.load(data / "landscape" / "landscape.npz")
names = ["first", "second", "true10"]
titles = ["$L_1$", "$L_2$", "$L_{M=10}$"]
losses = [grid[f"loss_{name}"].T for name in names]
extent = [grid["x"][0], grid["x"][-1], grid["y"][0], grid["y"][-1]]
low, high = min(map(np.nanmin, losses)), max(map(np.nanmax, losses))

figure, axes = plt.subplots(2, 3, figsize=(11, 7), constrained_layout=True)
for axis, loss, title in zip(axes[0], losses, titles):
    image = axis.imshow(loss, origin="lower", extent=extent, vmin=low, vmax=high)
    axis.contour(grid["x"], grid["y"], loss, colors="white", linewidths=0.6)
    axis.set(title=title, xlabel="direction 1", ylabel="direction 2")
figure.colorbar(image, ax=axes[0], label="validation loss (nats)")

# %% Fidelity: one row a statistic; rows without a radius are over all radii.
fidelity = pd.concat([pd.read_csv(data / f"fidelity-{epoch}" / "fidelity.csv").assign(epoch=epoch) for epoch in (2, 8, 16)])
ranks = fidelity[(fidelity.name == "spearman") & fidelity.radius.isna()]
for (objective, steps), rows in ranks.groupby(["objective", "inner_steps"]):
    label = {"first": "$L_1$", "second": "$L_2$"}.get(objective, f"$L_{{M={steps}}}$")
    axes[1, 0].errorbar(rows.epoch, rows.value, [rows.value - rows.lower, rows.upper - rows.value], capsize=3, label=label)
axes[1, 0].set(xlabel="epoch", ylabel=r"Spearman's $\rho$ with $L_{M=10}$", xticks=[2, 8, 16])
axes[1, 0].legend()

# %% Estimators: every row has a value and, where there were units enough, an interval.
estimators = pd.read_csv(data / "estimators" / "estimators.csv")
most = estimators.candidates.max()
shown = estimators[(estimators.statistic == "cosine") & (estimators.candidates.isna() | (estimators.candidates == most))]
labels = [
    " ".join(str(part) for part in (row.estimator, f"M={row.inner_steps:.0f}" if pd.notna(row.inner_steps) else "",
                                    f"σ={row.sigma:g}" if pd.notna(row.sigma) else "") if part)
    for row in shown.itertuples()
]
axes[1, 1].barh(labels, shown.value, color="tab:blue")
axes[1, 1].set(xlabel=f"cosine with the gradient of $L_{{M=10}}$ ({most:.0f} candidates)")
axes[1, 1].invert_yaxis()
axes[1, 1].tick_params(axis="y", labelsize=7)

# %% Paths of two searches in the plane of their principal components.
plane = np.load(data / "plane" / "landscape.npz")
paths = pd.read_csv(data / "plane" / "trajectory.csv")
axis = axes[1, 2]
axis.contourf(plane["x"], plane["y"], plane["loss_true10"].T, levels=20)
for run, path in paths.groupby("run"):
    axis.plot(path.x, path.y, marker="o", markersize=3, label=run)
axis.set(xlabel="component 1", ylabel="component 2", title="paths of α")
axis.legend()

figure.savefig(target, dpi=150)
print(target)
