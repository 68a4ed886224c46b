"""What a lift test repairs: the demo, whose truth is known, and a published market that is confounded on purpose.

Run from the project's root; fits each project twice or more, a minute or two each::

    python -m benchmarks.evidence.repair
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from budget.runs import Progress, open_session, read_data
from mmm.fit import fit
from mmm.lift import LiftTest
from mmm.simulate import contribution, demo_market

DEMO, ROAS = Path("configs/demo/budget.yaml"), Path("configs/examples/roas.yaml")
PAGE, FIGURES = Path("docs/evidence/lift-tests.md"), Path("docs/evidence/lift-tests.json")
TEST_WEEKS = slice(110, 118)  # the demo's holdout: eight weeks of November 2026 to January 2027
CUT = 0.8  # share of a channel's spend that a holdout takes away
ERROR = 0.15  # standard error of a test over its true effect


@dataclass(frozen=True, slots=True)
class Answer:
    """What a fit says of every channel: ROI of all weeks, the verdict, and the checks that are not passed."""

    roi: Mapping[str, Mapping[str, float]]
    verdict: str
    findings: Mapping[str, str]


def answer(config: Path, tests: Sequence[LiftTest] = ()) -> Answer:
    """Fit a project with the defaults of its file, given some lift tests."""
    session = open_session(config)
    data = read_data(session.loaded, Progress())
    project = session.loaded.project
    found = fit(data.panel, project.channels, data.calendar, project.data.events, project.model, tests).document
    bad = {check["name"]: check["sentence"] for check in found["health"]["checks"] if check["verdict"] != "PASS"}
    return Answer({one["name"]: one["roi_all"] for one in found["channels"]}, found["health"]["verdict"], bad)


def demo_test(channel: int) -> LiftTest:
    """A holdout of one demo channel as a careful department would have measured it: true effect, no luck in it."""
    market = demo_market()
    other = market.spend.copy()
    other[TEST_WEEKS, channel] *= 1.0 - CUT
    effect = float((contribution(market, other) - contribution(market))[TEST_WEEKS, channel].sum())
    days = market.weeks[TEST_WEEKS]
    spent = float(market.spend[TEST_WEEKS, channel].sum())
    return LiftTest(market.names[channel], days[0], days[-1], None, -CUT * spent, effect, ERROR * abs(effect))


def demo() -> dict[str, Any]:
    """Test the demo's most overstated channel."""
    market = demo_market()
    truth = contribution(market).sum(axis=0) / market.spend.sum(axis=0)
    alone = answer(DEMO)
    over = [alone.roi[name]["mean"] / true for name, true in zip(market.names, truth, strict=True)]
    worst = int(np.argmax(over))
    test = demo_test(worst)
    return {
        "truth": dict(zip(market.names, truth.tolist(), strict=True)),
        "tested": market.names[worst],
        "test": described(test),
        "alone": shown(alone),
        "with the test": shown(answer(DEMO, [test])),
    }


def roas() -> dict[str, Any]:
    """Suppose three results of a holdout of x1, for none is published with the data."""
    alone = answer(ROAS)
    session = open_session(ROAS)
    panel = read_data(session.loaded, Progress()).panel
    weeks = slice(80, 88)
    spent = float(panel.spend[0, weeks, 0].sum())
    credited = alone.roi["x1"]["mean"] * CUT * spent
    found: dict[str, Any] = {"alone": shown(alone)}
    for share in (1.0, 0.5, 0.25):
        lost = share * credited
        days = panel.weeks[weeks]
        test = LiftTest("x1", days[0], days[-1], None, -CUT * spent, -lost, ERROR * lost)
        found[f"{share:.0%}"] = shown(answer(ROAS, [test])) | {"test": described(test)}
    return found


def described(test: LiftTest) -> dict[str, Any]:
    """The test as its file would state it."""
    return {
        "channel": test.channel,
        "start": test.start.isoformat(),
        "end": test.end.isoformat(),
        "spend_change": round(test.spend_change, 2),
        "kpi_change": round(test.kpi_change, 2),
        "kpi_se": round(test.kpi_se, 2),
    }


def shown(found: Answer) -> dict[str, Any]:
    """An answer as JSON."""
    return {"roi": found.roi, "verdict": found.verdict, "findings": found.findings}


def spread(roi: Mapping[str, float]) -> str:
    """A mean and its 90% interval."""
    return f"{roi['mean']:.2f} ({roi['p05']:.2f} to {roi['p95']:.2f})"


def page(found: Mapping[str, Any]) -> str:
    """The page in Markdown."""
    one, other = found["demo"], found["roas"]
    tested, test = one["tested"], one["test"]
    lines = [
        "# What a lift test repairs",
        "",
        "Made by `python -m benchmarks.evidence.repair`: each project is fitted with the defaults of its file, without",
        "and with a lift test. Brackets are 90% intervals of ROI over all weeks of data.",
        "",
        "## The demo, where the truth is known",
        "",
        f"Its most overstated channel, `{tested}`, loses {CUT:.0%} of its spend for eight weeks ({test['start']} to",
        f"{test['end']}); the test finds what the truth says, with a standard error of {ERROR:.0%}.",
        "",
        "| channel | truth | data alone | with the test |",
        "|---|---:|---:|---:|",
    ]
    for name, true in one["truth"].items():
        bold = f"**{name}**" if name == tested else name
        before, after = (one[which]["roi"][name] for which in ("alone", "with the test"))
        lines.append(f"| {bold} | {true:.2f} | {spread(before)} | {spread(after)} |")
    lines += [
        "",
        "## `mmm_roas`, confounded on purpose",
        "",
        "Two channels; something unseen raises sales and x1's spend alike (`configs/examples/roas.yaml`, data in",
        "`../shared/data`). No experiment is published with these data, so three results of a holdout of x1 are",
        "*supposed*: all, half and a quarter of what the model credits to it. This is no estimate of the truth; it",
        "shows how far a test moves the answer.",
        "",
        "| evidence | x1 | x2 | verdict |",
        "|---|---:|---:|---|",
    ]
    for name, each in other.items():
        what = "data alone" if name == "alone" else f"a test that finds {name} of it"
        lines.append(f"| {what} | {spread(each['roi']['x1'])} | {spread(each['roi']['x2'])} | {each['verdict']} |")
    lines += ["", "What the fit says without a test:", ""]
    lines += [f"- **{name}**: {sentence}" for name, sentence in other["alone"]["findings"].items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Fit, and write page and figures."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    found = {"demo": demo(), "roas": roas()}
    FIGURES.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(found), encoding="utf-8")
    print(page(found))


if __name__ == "__main__":
    main()
