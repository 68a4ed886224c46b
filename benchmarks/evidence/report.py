"""From the studied markets to docs/evidence: a summary as JSON, a page in Markdown, a picture."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.evidence.markets import FAMILIES, OWN
from benchmarks.evidence.scoring import bootstrap

Floats = npt.NDArray[np.float64]
Row = Mapping[str, Any]

# What each market contributes; the gains are over the value of keeping the mix, so that every market counts alike.
COLUMNS: dict[str, Callable[[Row, Row], float]] = {
    "captured": lambda _, s: s["captured"],
    "beats": lambda _, s: s["beats"],
    "prob_better": lambda _, s: s["prob_better"],
    "gain": lambda _, s: s["plan"] / s["keep"] - 1,
    "possible": lambda _, s: s["best"] / s["keep"] - 1,
    "promised_gain": lambda _, s: s["promised_gain"] / s["keep"],
    "value": lambda _, s: s["plan"] / s["keep"],
    "promised": lambda _, s: s["promised"] / s["keep"],
    "promise_ratio": lambda _, s: s["promised"] / s["plan"],
    "total_media": lambda _, s: s["total_media"],
    "share": lambda r, _: r["share"],
    "crps": lambda _, s: s["crps"],
    "error": lambda _, s: s["error"],
    "coverage": lambda _, s: s["coverage"],
}
AT = {name: index for index, name in enumerate(COLUMNS)}


def _mean(name: str) -> Callable[[Floats], float]:
    return lambda table: float(table[:, AT[name]].mean())


def _ratio(above: str, below: str) -> Callable[[Floats], float]:
    return lambda table: float(table[:, AT[above]].sum() / table[:, AT[below]].sum())


def _total_ratio(table: Floats) -> float:
    share = table[:, AT["share"]]
    return float((table[:, AT["total_media"]] * share).sum() / share.sum())


STATISTICS: dict[str, tuple[str, Callable[[Floats], float]]] = {
    "captured": ("share of the possible gain captured, mean of markets", _mean("captured")),
    "captured_pooled": ("the same, gains of all markets added up first", _ratio("gain", "possible")),
    "beats": ("plan beats keeping the mix", _mean("beats")),
    "prob_better": ("... as often as the plan says", _mean("prob_better")),
    "crps": ("mean relative CRPS of ROI", _mean("crps")),
    "error": ("mean relative error of ROI", _mean("error")),
    "coverage": ("90% intervals that hold the true ROI", _mean("coverage")),
    "total_media": ("total media over truth, mean of ratios", _mean("total_media")),
    "total_media_pooled": ("total media over truth, ratio of means", _total_ratio),
    "promise": ("promised over true value of the plan, mean of ratios", _mean("promise_ratio")),
    "promise_pooled": ("promised over true value, ratio of means", _ratio("promised", "value")),
    "promised_gain": ("promised over true gain on keeping the mix, ratio of means", _ratio("promised_gain", "gain")),
}


def table_of(rows: Sequence[Row], who: str) -> Floats:
    """Numbers of every market, array (market, column)."""
    return np.array([[column(row, row[who]) for column in COLUMNS.values()] for row in rows], dtype=np.float64)


def summarise(rows: Sequence[Row]) -> dict[str, Any]:
    """Model and oracle, per family and in all, each statistic with its 90% bootstrap interval."""
    found: dict[str, Any] = {}
    for family in ("all", *FAMILIES, OWN):
        mine = [row for row in rows if family in ("all", row["family"])]
        if not mine:
            continue
        found[family] = {"markets": len(mine)}
        for who in ("model", "oracle"):
            table = table_of(mine, who)
            found[family][who] = {name: bootstrap(table, rule) for name, (_, rule) in STATISTICS.items()}
        both = np.concatenate([table_of(mine, "model"), table_of(mine, "oracle")], axis=1)
        found[family]["of_limit"] = bootstrap(both, _of_limit("captured", "captured"))
        found[family]["of_limit_pooled"] = bootstrap(both, _of_limit("gain", "gain"))
    found["sampling"] = sampling(rows)
    found["versions"] = sorted({row["version"] for row in rows})
    return found


def _of_limit(model: str, oracle: str) -> Callable[[Floats], float]:
    return lambda both: float(both[:, AT[model]].sum() / both[:, len(AT) + AT[oracle]].sum())


def sampling(rows: Sequence[Row]) -> dict[str, float]:
    """How the sampler did."""
    rhat, ess, divergences, seconds = (
        np.array([row["sampling"][name] for row in rows], dtype=np.float64)
        for name in ("max_rhat", "min_ess_bulk", "divergences", "seconds")
    )
    return {
        "largest_rhat": float(rhat.max()),
        "rhat_above_1.01": float((rhat > 1.01).mean()),
        "median_min_ess": float(np.median(ess)),
        "ess_below_400": float((ess < 400).mean()),
        "markets_with_divergences": float((divergences > 0).mean()),
        "divergences": float(divergences.sum()),
        "median_seconds": float(np.median(seconds)),
    }


def page(arms: Mapping[str, Mapping[str, Any]]) -> str:
    """The page in Markdown."""
    parts = [HEAD]
    for arm, found in arms.items():
        parts.append(f"\n## {TITLES.get(arm, arm)}: {found['all']['markets']} markets\n")
        parts.append(_markdown(found))
        s = found["sampling"]
        parts.append(
            f"\nSampling (2 chains x 500 draws): median least ROI ESS {s['median_min_ess']:.0f}; R-hat above 1.01 in "
            f"{s['rhat_above_1.01']:.0%} of markets (largest {s['largest_rhat']:.3f}); {s['divergences']:.0f} "
            f"divergences in {s['markets_with_divergences']:.0%} of markets; median {s['median_seconds']:.1f} s. "
            f"Model: commit {', '.join(found['versions'])}.\n"
        )
    return "".join(parts)


TITLES = {
    "national": "One national series",
    "units": "Eight units instead of one",
    "lift": "National, with lift tests on a third of the channels",
    "own": "The model's own family: what not knowing the shapes costs",
}
HEAD = """# Recovery study

Simulated markets of three families that are not the fitted one (`benchmarks/evidence/markets.py`), fitted with the
defaults; a 13-week plan within 0.5 to 1.5 times each line's recent spend, scored by what it truly earns. *Limit*: an
oracle that knows every shape and the priors and learns only scales, noise and baseline from the same data. Brackets:
90% bootstrap intervals over markets. A calibrated posterior of an uncertain total has a mean of *ratios* above one (the
limit's column shows by how much); the ratio of means is the fair measure. Where little can be gained, a market's
captured share is a small number over a small number: the pooled share is steadier.

Made by `make evidence` (or `python -m benchmarks.evidence.recovery run --arm ARM`, then `... report`).

![captured share](recovery.png)
"""


def _markdown(found: Mapping[str, Any]) -> str:
    families = [name for name in (*FAMILIES, OWN) if name in found]
    families = ["all", *families] if len(families) > 1 else families
    head = (
        "| | "
        + " | ".join(f"{f}: model | limit" for f in families)
        + " |\n|---|"
        + "---:|" * (2 * len(families))
        + "\n"
    )
    lines = []
    for name, (words, _) in STATISTICS.items():
        cells = [_cell(found[f][who][name]) for f in families for who in ("model", "oracle")]
        lines.append(f"| {words} | " + " | ".join(cells) + " |\n")
    for name, words in (("of_limit", "captured over what the limit captures"), ("of_limit_pooled", "the same, pooled")):
        cells = [f"{_cell(found[f][name])} | " for f in families]
        lines.append(f"| {words} | " + " | ".join(cells) + " |\n")
    return head + "".join(lines)


def _cell(numbers: Sequence[float]) -> str:
    value, low, high = numbers
    return f"{value:.2f} [{low:.2f}, {high:.2f}]"


def picture(arms: Mapping[str, Sequence[Row]], path: Path) -> None:
    """Captured share of the model against the limit's, and total media against truth, market by market."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, len(arms), figsize=(5 * len(arms), 9), squeeze=False)
    for column, (arm, rows) in enumerate(arms.items()):
        for family in dict.fromkeys(row["family"] for row in rows):
            mine = [row for row in rows if row["family"] == family]
            clipped = [[max(row[who]["captured"], -1.0) for row in mine] for who in ("oracle", "model")]
            axes[0, column].scatter(*clipped, s=18, label=family)
            share = np.array([row["share"] for row in mine])
            axes[1, column].scatter(share, share * [row["model"]["total_media"] for row in mine], s=18)
        axes[0, column].plot([-1, 1], [-1, 1], color="grey", linewidth=0.8)
        axes[0, column].set(
            title=TITLES.get(arm, arm), xlabel="captured by the limit (cut at -1)", ylabel="by the model"
        )
        axes[1, column].plot([0, 0.4], [0, 0.4], color="grey", linewidth=0.8)
        axes[1, column].set(xlabel="true media share of KPI", ylabel="posterior mean")
    axes[0, 0].legend()
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def write(arms: Mapping[str, Sequence[Row]], folder: Path) -> None:
    """Write recovery.json, recovery.md and recovery.png."""
    found = {arm: summarise(rows) for arm, rows in arms.items()}
    (folder / "recovery.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (folder / "recovery.md").write_text(page(found), encoding="utf-8")
    picture(arms, folder / "recovery.png")
