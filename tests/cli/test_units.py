"""Lines of one unit (``channel@unit``) may be named wherever a line may."""

import pandas as pd
import pytest

from mmm.simulate import random_market, simulate, write_market

PROJECT = """\
data: {{file: brands.csv, week: week, kpi: gmv, unit: brand}}
channels:
  live: {{spend: channel_1_spend}}
  search: {{spend: channel_2_spend}}
plan:
  total: 2000000
  start: 2025-12-01
  weeks: 4
  shocks: {{{shocked}: -0.2}}
  constraints:
    - {{kind: bounds, name: live at all, lines: live, min: 50000}}
    - {{kind: bounds, name: live of one brand, lines: {named}, min: 100000}}
    - {{kind: pilot, name: search of one brand, line: search@Anran, min: 100000, max: 200000}}
"""


@pytest.fixture
def brands(tmp_path):
    frames = []
    for seed, brand in enumerate(("Anran", "Yuemu"), start=1):
        write_market(simulate(random_market(seed, weeks=60, channels=2)), tmp_path / brand)
        frames.append(pd.read_csv(tmp_path / brand / "data.csv").assign(brand=brand))
    pd.concat(frames).to_csv(tmp_path / "brands.csv", index=False)

    def write(named="live@Anran", shocked="live@Yuemu"):
        path = tmp_path / "budget.yaml"
        path.write_text(PROJECT.format(named=named, shocked=shocked), encoding="utf-8")
        return path

    return write


def test_a_line_of_one_unit_can_be_named(brands, budget):
    answer = budget("check", "--config", brands(), "--json")
    assert answer.code == 0, answer.err


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"named": "live@Anrn"}, 'line 12, plan.constraints."live of one brand".lines: there is no such line'),
        ({"shocked": "live@Anrn"}, "line 9, plan.shocks.live@Anrn: there is no such line"),
    ],
)
def test_a_unit_that_the_data_do_not_have_is_refused_with_its_place(brands, budget, given, told):
    answer = budget("check", "--config", brands(**given))
    assert answer.code == 1
    (problem,) = answer.problems
    assert told in problem
    assert "Did you mean live@Anran?" in problem


def test_a_channel_that_is_none_is_refused_before_the_data_are_read(brands, budget):
    answer = budget("check", "--config", brands(named="lve@Anran"))
    assert answer.code == 1
    assert "there is no such line (found: lve@Anran)" in answer.problems[0]
