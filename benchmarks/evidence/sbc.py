"""Simulation-based calibration: data drawn from the model's own prior, ranks of ROI and marginal ROI among the draws.

If prior, likelihood, collapsed baseline, sampler and extraction all agree, the rank of the truth among the posterior
draws is uniform, for every quantity. Run from the project's root; finished runs are kept, so a stopped study goes on::

    python -m benchmarks.evidence.sbc run --runs 250
    python -m benchmarks.evidence.sbc report

The prior is sampled by the model's own code (:func:`mmm.media.media_parameters` on standard normals). The guard on the
total media share multiplies the prior by a factor of at most one, so accepting draws with that probability is exact.

Source: Talts et al. 2018, "Validating Bayesian Inference Algorithms with Simulation-Based Calibration"; Modrak et al.
2023; simultaneous bands of the ECDF after Säilynoja, Bürkner & Vehtari 2022, "Graphical Test for Discrete Uniformity".
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import binom

from benchmarks.cases import channels_of, panel_of
from benchmarks.evidence.recovery import RESULTS, rows, version
from mmm.calendar import read_calendar
from mmm.extract import contribution_draws
from mmm.media import media_parameters, parameter_shapes
from mmm.model import MediaModel, prepare
from mmm.refit import CompiledModels, stacked
from mmm.settings import ModelSettings
from mmm.simulate import random_market

Floats = npt.NDArray[np.float64]

WEEKS, CHANNELS = 78, 3
SETTINGS = ModelSettings(draws=500, tune=500, chains=2, cores=1)
RANKED = 99  # thinned draws that the truth is ranked among: ranks 0 to 99
STEP = 0.01  # of marginal ROI, as in fit.json
LEVELS = (0.95, 0.99)


def small_model(seed: int) -> MediaModel:
    """The model of a small market with peaks; its own KPI only sets the scales and is then thrown away."""
    panel = panel_of(random_market(seed, WEEKS, CHANNELS, read_calendar("china-ecommerce", Path())))
    return prepare(panel, channels_of(panel), read_calendar("china-ecommerce", Path()), (), SETTINGS)


def prior_draw(model: MediaModel, rng: np.random.Generator) -> dict[str, Floats]:
    """Standard normals from the prior, the guard on total media included, each (1, ...)."""
    while True:
        z = {name: rng.standard_normal((1, *shape)) for name, shape in parameter_shapes(model.form).items()}
        if model.prior.total is None:
            return z
        centre, sd = model.prior.total
        share = (media_parameters(z, model.form, np)["roi"][0] * model.spend_share).sum(axis=1) @ model.value_weight
        if rng.random() < np.exp(-0.5 * ((np.log(share) - centre) / sd) ** 2):
            return z


def simulated(model: MediaModel, z: Mapping[str, Floats], rng: np.random.Generator) -> MediaModel:
    """The same market with a KPI drawn from the model at these parameters, baseline and noise included."""
    parameters, media = contribution_draws(z, model)
    sigma, walk = parameters["sigma"][0], float(parameters["walk"][0, 0])
    baseline = model.baseline
    kpi = media[0].sum(axis=2)
    for unit, noise in enumerate(sigma):
        weights = noise * baseline.fixed_sd * rng.standard_normal(len(baseline.fixed_sd))
        steps = walk * rng.standard_normal(baseline.slow.shape[1])
        white = noise * rng.standard_normal(kpi.shape[1])
        kpi[unit] += baseline.fixed[unit] @ weights + baseline.slow @ steps + white
    return replace(model, scaled_kpi=kpi)


def quantities(z: Mapping[str, Floats], model: MediaModel) -> dict[str, Floats]:
    """What is ranked, each (draw,): ROI, marginal ROI and carry-over per channel, total media share, noise."""
    parameters, media = contribution_draws(z, model)
    money = model.spend_share[0] * media.shape[2]  # a channel's spend over the mean KPI value
    marginal = (_more(z, parameters, model) - media[:, 0].sum(axis=1)) / STEP / money
    roi = media[:, 0].sum(axis=1) / money
    found = {f"roi_{c + 1}": roi[:, c] for c in range(CHANNELS)}
    found |= {f"mroi_{c + 1}": marginal[:, c] for c in range(CHANNELS)}
    found |= {f"retention_{c + 1}": parameters["retention"][:, c] for c in range(CHANNELS)}
    found |= {f"kappa_{c + 1}": parameters["kappa"][:, c] for c in range(CHANNELS)}
    return found | {"media_share": media[:, 0].sum(axis=2).mean(axis=1), "sigma": parameters["sigma"][:, 0]}


def _more(z: Mapping[str, Floats], parameters: Mapping[str, Floats], model: MediaModel) -> Floats:
    """Contribution of each channel with one per cent more spend in every week, array (draw, channel)."""
    raised, media = contribution_draws(z, replace(model, stock_lags=model.stock_lags * (1 + STEP)))
    # The raised spend would be given the same ROI; its own scale is taken out and the true one put in.
    return np.asarray(media[:, 0].sum(axis=1) * (parameters["scale"] / raised["scale"])[:, 0])


def run(runs: int, seconds: float, out: Path) -> None:
    """Draw, simulate, fit, rank: the runs that are not in the file yet, until the time is up."""
    ends, done, commit = time.monotonic() + seconds, {row["seed"] for row in rows(out)}, version()
    compiled = CompiledModels()
    out.parent.mkdir(parents=True, exist_ok=True)
    for seed in sorted(set(range(runs)) - done):
        if time.monotonic() > ends:
            print("Time is up; the same command goes on.")
            return
        row = {"seed": seed, "version": commit, **_ranked(seed, compiled)}
        with out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
    print(f"{runs} runs are kept in {out}.")


def _ranked(seed: int, compiled: CompiledModels) -> dict[str, Any]:
    rng = np.random.default_rng([seed, 23])
    model = small_model(seed)
    truth = prior_draw(model, rng)
    model = simulated(model, truth, rng)
    trace = compiled.trace(model, SETTINGS.model_copy(update={"seed": seed}))
    z = stacked(trace, model)
    count = len(z["roi_z"])
    thin = np.linspace(0, count - 1, RANKED).astype(int)
    drawn = quantities({name: values[thin] for name, values in z.items()}, model)
    real = quantities(truth, model)
    return {
        "ranks": {name: int((values < real[name][0]).sum()) for name, values in drawn.items()},
        "divergences": int(np.asarray(trace.sample_stats["diverging"].values).sum()),
    }


# The report -----------------------------------------------------------------------------------------------------------


def band(count: int, level: float, seed: int = 1) -> tuple[Floats, Floats]:
    """Simultaneous band of ``count`` uniform ranks' ECDF at each rank, arrays (rank,): low, high."""
    places = np.arange(1, RANKED + 1) / (RANKED + 1)
    ranks = np.random.default_rng(seed).integers(0, RANKED + 1, (4000, count))
    below = np.stack([np.bincount(one, minlength=RANKED + 1).cumsum()[:-1] for one in ranks])
    tail = np.minimum(binom.cdf(below, count, places), binom.sf(below - 1, count, places)).min(axis=1)
    each = np.quantile(tail, 1 - level)
    return binom.ppf(each, count, places) / count, binom.isf(each, count, places) / count


def summarise(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Per quantity: mean rank over its expectation, and whether the ECDF stays inside each band."""
    bands = {level: band(len(found), level) for level in LEVELS}
    result: dict[str, Any] = {}
    for name in found[0]["ranks"]:
        ecdf = ecdf_of(found, name)
        inside = {f"inside_{level:.0%}": bool(_inside(ecdf, bands[level])) for level in LEVELS}
        result[name] = {"mean_rank": float(np.mean([row["ranks"][name] for row in found]) / RANKED), **inside}
    return {
        "runs": len(found),
        "quantities": result,
        "divergences": sum(row["divergences"] for row in found),
        "versions": sorted({row["version"] for row in found}),
    }


def ecdf_of(found: list[dict[str, Any]], name: str) -> Floats:
    """Share of runs at or below each rank but the last, array (rank,)."""
    ranks = np.array([row["ranks"][name] for row in found])
    return np.bincount(ranks, minlength=RANKED + 1).cumsum()[:-1] / len(ranks)


def _inside(ecdf: Floats, limits: tuple[Floats, Floats]) -> bool:
    return bool(((ecdf >= limits[0]) & (ecdf <= limits[1])).all())


def report(folder: Path) -> None:
    """Write sbc.json, sbc.md and sbc.png."""
    found = list(rows(folder / "sbc.jsonl"))
    summary = summarise(found)
    (folder / "sbc.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    (folder / "sbc.md").write_text(_page(summary), encoding="utf-8")
    _picture(found, folder / "sbc.png")


def _page(summary: dict[str, Any]) -> str:
    lines = [
        f"| {name} | {one['mean_rank']:.3f} | {'yes' if one['inside_95%'] else 'no'} | "
        f"{'yes' if one['inside_99%'] else 'no'} |\n"
        for name, one in summary["quantities"].items()
    ]
    return (
        "# Simulation-based calibration\n\n"
        f"{summary['runs']} markets of {WEEKS} weeks and {CHANNELS} channels, drawn from the model's own prior (the "
        f"guard on total media included), fitted with 2 chains x 500 draws, thinned to {RANKED}. Where everything "
        "agrees, the truth's rank is uniform: its mean is 0.5 and its ECDF stays inside the simultaneous band (of "
        f"{len(summary['quantities'])} quantities about one in twenty leaves the 95% band by chance). "
        f"{summary['divergences']} divergences in all. Model: commit {', '.join(summary['versions'])}.\n\n"
        "Made by `python -m benchmarks.evidence.sbc run --runs 250` and `python -m benchmarks.evidence.sbc report`.\n\n"
        "![ECDF differences](sbc.png)\n\n"
        "| quantity | mean rank | inside the 95% band | inside the 99% band |\n|---|---:|---|---|\n" + "".join(lines)
    )


def _picture(found: list[dict[str, Any]], path: Path) -> None:
    """ECDF minus uniform for every quantity, in its bands."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    names, places = list(found[0]["ranks"]), np.arange(1, RANKED + 1) / (RANKED + 1)
    figure, axes = plt.subplots(
        -(-len(names) // 3), 3, figsize=(11, 2.2 * -(-len(names) // 3)), sharex=True, sharey=True
    )
    for axis, name in zip(axes.ravel(), names, strict=False):
        for level, shade in zip(LEVELS, ("#9ecae1", "#deebf7"), strict=True):
            low, high = band(len(found), level)
            axis.fill_between(places, low - places, high - places, color=shade, zorder=-level)
        axis.step(places, ecdf_of(found, name) - places, color="black", linewidth=1)
        axis.set_title(name, fontsize=9)
    for axis in axes.ravel()[len(names) :]:
        axis.set_visible(False)
    figure.suptitle("ECDF of ranks minus uniform, with 95% and 99% simultaneous bands", fontsize=10)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    runs = commands.add_parser("run", help="study markets, appending to the results")
    runs.add_argument("--runs", type=int, default=250)
    runs.add_argument("--seconds", type=float, default=1e9, help="stop after this many")
    runs.add_argument("--out", type=Path, default=RESULTS / "sbc.jsonl")
    reports = commands.add_parser("report", help="summarise the results")
    reports.add_argument("--folder", type=Path, default=RESULTS)
    given = parser.parse_args()
    if given.command == "report":
        report(given.folder)
    else:
        run(given.runs, given.seconds, given.out)


if __name__ == "__main__":
    main()
