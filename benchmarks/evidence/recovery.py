"""Recovery study: foreign markets with known truth, the model's plan against what anybody could know.

Run from the project's root; finished markets are kept and skipped, so a stopped run goes on::

    python -m benchmarks.evidence.recovery run --arm national --markets 16
    python -m benchmarks.evidence.recovery report
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.evidence.experiments import Experiment, experiments
from benchmarks.evidence.markets import FAMILIES, OWN, TrueMarket, market
from benchmarks.evidence.oracle import scale_draws, see
from benchmarks.evidence.refit import believed_worth, refit
from benchmarks.evidence.scoring import MULTIPLES, plan_scores, roi_scores
from mmm.model import prepare
from mmm.refit import CompiledModels
from mmm.settings import ChannelSettings, ModelSettings

RESULTS = Path("docs/evidence")
SETTINGS = ModelSettings(draws=500, tune=500, chains=2, cores=1)
UNITS = {"national": 1, "lift": 1, "units": 8, "own": 1}


def study(seen: TrueMarket, compiled: CompiledModels, tests: Sequence[Experiment]) -> dict[str, Any]:
    """Fit, plan, score: one market's line of the results."""
    fit = refit(seen, compiled, SETTINGS, [experiment.test for experiment in tests])
    true = _true_worth(seen)
    base = seen.base.reshape(-1)
    found = {
        **roi_scores(fit.roi, seen.roi),
        **plan_scores(believed_worth(seen, fit.curves), true, base),
        "total_media": float(fit.media.mean() / seen.contribution.sum()),
    }
    kept = ("max_rhat", "min_ess_bulk", "min_ess_tail", "divergences", "mean_steps")
    return {"model": found, "sampling": {k: fit.diagnostics[k] for k in kept} | {"seconds": fit.seconds}}


def limit(seen: TrueMarket, tests: Sequence[Experiment]) -> dict[str, float]:
    """The same scores of the oracle."""
    channels = {name: ChannelSettings() for name in seen.panel.channels}
    baseline = prepare(seen.panel, channels, seen.calendar, (), ModelSettings()).baseline
    scales = scale_draws(see(seen, baseline, tests), seen)
    money = np.einsum("nuc,utc->nc", scales, seen.shapes())
    worth = np.einsum("muc,nuc->nmuc", seen.planned(MULTIPLES), scales).reshape(len(scales), len(MULTIPLES), -1)
    return {
        **roi_scores(money / seen.panel.spend.sum(axis=(0, 1)), seen.roi),
        **plan_scores(worth, _true_worth(seen), seen.base.reshape(-1)),
        "total_media": float(money.sum(axis=1).mean() / seen.contribution.sum()),
    }


def _true_worth(seen: TrueMarket) -> Any:
    """What each line truly adds, array (multiple, line)."""
    return (seen.planned(MULTIPLES) * seen.scale).reshape(len(MULTIPLES), -1)


def described(seen: TrueMarket) -> dict[str, Any]:
    """What kind of market it is."""
    units, weeks, channels = seen.panel.spend.shape
    drawn = {"share": seen.share, "roi_spread": seen.roi_spread, "noise": seen.noise}
    return {"units": units, "weeks": weeks, "channels": channels, **drawn, "media": float(seen.contribution.sum())}


def run(arm: str, markets: int, families: tuple[str, ...], seconds: float, out: Path) -> None:
    """Study the markets that are not in the file yet, until the time is up."""
    ends = time.monotonic() + seconds
    done = {(row["family"], row["seed"]) for row in rows(out)}
    jobs = [(f, s) for s in range(markets) for f in families if (f, s) not in done]
    compiled = CompiledModels()
    commit = version()
    out.parent.mkdir(parents=True, exist_ok=True)
    # Markets of one shape in a row: number of channels, and whether there are peaks.
    for family, seed in sorted(jobs, key=lambda job: (job[1] % 4, job[0] == "demand", job[1])):
        if time.monotonic() > ends:
            print("Time is up; the same command goes on.")
            return
        seen = market(family, seed, units=UNITS[arm])
        row = {"family": family, "seed": seed, "version": commit, **described(seen)}
        tests = experiments(seen) if arm == "lift" else ()
        row |= study(seen, compiled, tests) | {"oracle": limit(seen, tests)}
        with out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(shown(row), flush=True)


def report(folder: Path, file: Path | None) -> None:
    """Summarise every arm that has results, or print the summary of one file."""
    from benchmarks.evidence.report import page, summarise, write

    if file:
        print(page({file.stem: summarise(list(rows(file)))}))
        return
    found = {arm: list(rows(folder / f"recovery-{arm}.jsonl")) for arm in UNITS}
    write({arm: studied for arm, studied in found.items() if studied}, folder)


def shapes(markets: int = 16) -> None:
    """Print the elasticity of contributions at the spend that was, by family."""
    for family in FAMILIES:
        found = np.concatenate([market(family, seed).elasticity for seed in range(markets)])
        low, middle, high = np.quantile(found, [0.05, 0.5, 0.95])
        print(f"{family:>9}: mean {found.mean():.2f}, median {middle:.2f}, 90% between {low:.2f} and {high:.2f}")


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """Finished markets of a file."""
    if path.is_file():
        yield from (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())


def version() -> str:
    """Last commit that changed the model under test."""
    done = subprocess.run(["git", "log", "-1", "--format=%h", "--", "mmm"], capture_output=True, check=False, text=True)  # noqa: S607 - git from the path
    return done.stdout.strip()


def shown(row: dict[str, Any]) -> str:
    """One line on the terminal."""
    model, oracle, sampling = row["model"], row["oracle"], row["sampling"]
    return (
        f"{row['family']:>9} {row['seed']:>3} captured {model['captured']:6.2f} (limit {oracle['captured']:6.2f})"
        f"  crps {model['crps']:.2f} ({oracle['crps']:.2f})  total {model['total_media']:.2f}"
        f"  promise {model['promised'] / model['plan']:.2f}  rhat {sampling['max_rhat']:.3f}"
        f"  ess {sampling['min_ess_bulk']:.0f}  div {sampling['divergences']}  {sampling['seconds']:.1f}s"
    )


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    runs = commands.add_parser("run", help="study markets, appending to the results")
    runs.add_argument("--arm", choices=sorted(UNITS), default="national")
    runs.add_argument("--markets", type=int, default=16, help="per family")
    runs.add_argument(
        "--families", nargs="+", choices=(*FAMILIES, OWN), help="all foreign ones; own, for the arm of that name"
    )
    runs.add_argument("--seconds", type=float, default=1e9, help="stop after this many")
    runs.add_argument("--out", type=Path, help="results file; docs/evidence/recovery-ARM.jsonl")
    reports = commands.add_parser("report", help="summarise the results")
    reports.add_argument("--folder", type=Path, default=RESULTS)
    reports.add_argument("--file", type=Path, help="only this file, summary to the terminal")
    commands.add_parser("shapes", help="how straight the families' true curves are")
    given = parser.parse_args()
    if given.command == "shapes":
        shapes()
        return
    if given.command == "report":
        report(given.folder, given.file)
        return
    out = given.out or RESULTS / f"recovery-{given.arm}.jsonl"
    families = tuple(given.families or ((OWN,) if given.arm == OWN else FAMILIES))
    run(given.arm, given.markets, families, given.seconds, out)


if __name__ == "__main__":
    main()
