"""The simulated markets: their identities, the demo project's facts, and that its rules leave room for a plan."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML
from scipy.optimize import linprog

from mmm.calendar import intensity, quarter_weeks, read_calendar, week_range
from mmm.settings import ChannelSettings, DataSettings, ModelSettings
from mmm.simulate import (
    MAX_LAG,
    Shock,
    baseline,
    contribution,
    demo_market,
    random_market,
    simulate,
    true_curves,
    true_value,
    write_market,
)
from optimizer.settings import LineSettings, PlanSettings

DEMO = Path(str(files("configs"))) / "demo"
TOOLS_2026Q4 = 630_000


@pytest.fixture(scope="module")
def market():
    return demo_market()


@pytest.fixture(scope="module")
def seen(market):
    return simulate(market)


@pytest.fixture(scope="module")
def project():
    return YAML(typ="safe").load((DEMO / "budget.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def last_year(market):
    """Spend of 2027Q4's weeks a year earlier, array (week, channel)."""
    return market.spend[[market.weeks.index(week - timedelta(weeks=52)) for week in quarter_weeks("2027Q4")]]


def in_group(project, market, group):
    return np.array([group in project["channels"][name]["groups"] for name in market.names])


def quarter_rows(market, quarter):
    wanted = set(quarter_weeks(quarter))
    return [t for t, week in enumerate(market.weeks) if week in wanted]


# ---- truth


def test_total_contribution_is_roi_times_spend(market):
    total = contribution(market).sum(axis=0)
    np.testing.assert_allclose(total, market.column("roi") * market.spend.sum(axis=0), rtol=1e-12)


def test_kpi_is_baseline_plus_media_plus_noise_of_the_stated_size(market, seen):
    expected = baseline(market) + seen.contribution.sum(axis=1)
    noise = (seen.kpi - expected) / expected.mean()
    assert noise.std() == pytest.approx(market.baseline.noise_sd, rel=0.15)
    assert abs(noise.mean()) < 0.01


def test_without_noise_and_media_only_the_written_effects_remain():
    market = random_market(5)
    flat = replace(market.baseline, level=100.0, growth=0.0, seasons=((0.0, 0.0),), controls={"control": 0.01})
    quiet = replace(market, baseline=flat, controls=np.full((156, 1), 103.0))
    np.testing.assert_allclose(baseline(quiet), 103.0)


def test_peak_multiplies_the_response_by_exp_kappa():
    calendar = read_calendar("china-ecommerce", Path())
    market = random_market(3, calendar=calendar)
    level = replace(market, spend=np.full_like(market.spend, 1000.0))
    peak = int(np.argmax(intensity(calendar, level.weeks)))
    ordinary = int(np.argmin(intensity(calendar, level.weeks)))
    media = contribution(level)
    np.testing.assert_allclose(media[peak] / media[ordinary], np.exp(market.column("kappa")))


def test_a_shock_multiplies_one_channel_by_the_days_it_covers():
    market = random_market(3)
    wednesday = market.weeks[60] + timedelta(days=2)
    shock = Shock("policy", wednesday, market.weeks[61] + timedelta(days=6), -0.1, effect={"channel_2": 0.5})
    struck = replace(market, shocks=(shock,))
    ratio = contribution(struck) / contribution(market)
    usual = ratio[0, 1]  # the ceiling rises, so that the ROI over all weeks stays as written
    np.testing.assert_allclose(ratio[:, 0], 1.0)
    np.testing.assert_allclose(ratio[59:63, 1] / usual, [1.0, 1 - 0.5 * 5 / 7, 0.5, 1.0])
    level = market.baseline.level
    np.testing.assert_allclose((baseline(struck) - baseline(market))[59:63] / level, [0, -0.5 / 7, -0.1, 0], atol=1e-12)


def test_same_seed_same_data_and_another_seed_other_data(seen):
    assert np.array_equal(simulate(demo_market()).kpi, seen.kpi)
    other = simulate(demo_market(seed=1))
    assert not np.array_equal(other.kpi, seen.kpi)
    assert not np.array_equal(other.spend, seen.spend)


def test_values_cannot_be_changed_in_place(seen):
    with pytest.raises(ValueError, match="read-only"):
        seen.kpi[0] = 0.0


# ---- plans scored against the truth


def plan_window(market):
    weeks = week_range(date(2027, 10, 4), 13 + MAX_LAG)
    return true_curves(market).over(weeks[:13], intensity(market.calendar, weeks))


def test_true_value_agrees_with_the_planners_response_curves(market, last_year):
    expected = plan_window(market).incremental(last_year)[0]
    np.testing.assert_allclose(true_value(market, last_year), expected, rtol=1e-10)


def test_no_plan_adds_nothing_and_carry_over_after_the_plan_counts(market):
    nothing, last_week = np.zeros((13, 10)), np.zeros((13, 10))
    last_week[-1] = market.reference
    window = plan_window(market)
    within = (window.value(last_week) - window.value(nothing))[0, :, :13].sum(axis=1)
    assert true_value(market, nothing).sum() == 0.0
    assert (true_value(market, last_week) > 1.1 * within).all()


def test_history_lowers_what_the_first_planned_yuan_adds(market):
    plan = np.zeros((13, 10))
    plan[0] = market.reference
    rested = replace(market, spend=np.vstack([market.spend[:-MAX_LAG], np.zeros((MAX_LAG, 10))]))
    # Ceilings differ between the two histories, so compare per unit of ceiling.
    gain = true_value(market, plan) / true_curves(market).ceiling[0]
    fresh = true_value(rested, plan * (rested.reference / market.reference)) / true_curves(rested).ceiling[0]
    concave = market.column("slope") <= 1
    assert (gain[concave] < fresh[concave]).all()


def test_a_plan_of_other_channels_is_refused(market):
    with pytest.raises(ValueError, match=r"\(13, 9\).*\(week, 10\) is needed"):
        true_value(market, np.zeros((13, 9)))


# ---- random markets


@pytest.mark.parametrize("seed", range(8))
def test_random_markets_stay_within_their_description(seed):
    drawn = random_market(seed, weeks=130, channels=5)
    seen = simulate(drawn)
    assert seen.spend.shape == seen.visits.shape == (130, 5)
    assert 0.1 < seen.contribution.sum() / seen.kpi.sum() < 0.35
    assert (seen.kpi > 0).all()
    assert (drawn.spend > 0).all()
    assert ((drawn.column("slope") >= 0.8) & (drawn.column("slope") <= 1.5)).all()
    assert ((drawn.column("retention") >= 0.1) & (drawn.column("retention") <= 0.7)).all()


def test_random_rois_are_log_normal_around_two():
    rois = np.log(np.concatenate([random_market(seed).column("roi") for seed in range(60)]))
    assert np.exp(np.median(rois)) == pytest.approx(2.0, rel=0.12)
    assert rois.std() == pytest.approx(0.5, rel=0.12)


def test_random_spend_is_correlated_but_not_hopelessly():
    pairs = np.triu_indices(6, 1)
    found = np.concatenate([np.corrcoef(random_market(seed).spend.T)[pairs] for seed in range(20)])
    assert 0.1 < np.median(found) < 0.6
    assert (found < 0.8).mean() > 0.95


# ---- the demo project


def test_shipped_demo_is_reproduced_byte_for_byte(seen, tmp_path):
    write_market(seen, tmp_path)
    for name in ("data.csv", "truth.json"):
        assert (tmp_path / name).read_bytes() == (DEMO / name).read_bytes(), f"{name} differs: run write_market again"


def test_written_data_are_what_was_simulated(seen):
    rows = list(csv.DictReader((DEMO / "data.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 156
    assert (rows[0]["week"], rows[-1]["week"]) == ("2024-10-07", "2027-09-27")
    np.testing.assert_array_equal([float(row["gmv"]) for row in rows], seen.kpi)
    for index, name in enumerate(seen.market.names):
        for kind in ("spend", "visits", "attributed"):
            np.testing.assert_array_equal([float(row[f"{name}_{kind}"]) for row in rows], getattr(seen, kind)[:, index])


def test_truth_file_states_parameters_and_rois(seen):
    stated = json.loads((DEMO / "truth.json").read_text(encoding="utf-8"))
    assert stated["simulated"] is True
    assert stated["seed"] == 2027
    for index, channel in enumerate(stated["channels"]):
        assert channel["roi_all"] == pytest.approx(channel["roi"], rel=1e-8)
        recent = seen.contribution[-52:, index].sum() / seen.spend[-52:, index].sum()
        assert channel["roi_52"] == pytest.approx(recent, rel=1e-8)
        assert 1.2 <= channel["roi"] <= 4.0


def test_2026q4_spend_is_4_2_million_to_the_cent_with_tools(market):
    rows = quarter_rows(market, "2026Q4")
    assert len(rows) == 14
    cents = np.round(100 * market.spend[rows]).astype(int)
    assert cents.sum() == 100 * (4_200_000 - TOOLS_2026Q4)


def test_each_quarter_spends_more_a_week_than_the_year_before(market):
    for quarter in ("Q4", "Q1", "Q2", "Q3"):
        first = 2024 if quarter == "Q4" else 2025
        totals = [
            market.spend[quarter_rows(market, f"{first + year}{quarter}")].sum(axis=1).mean() for year in range(3)
        ]
        assert totals[0] < totals[1] < totals[2], f"{quarter}: {totals}"


def test_group_shares_of_2026q4_spend(market, project):
    spend = market.spend[quarter_rows(market, "2026Q4")].sum(axis=0)
    all_lines = spend.sum() + TOOLS_2026Q4
    assert 0.58 <= spend[in_group(project, market, "social")].sum() / all_lines <= 0.60
    assert 0.04 <= spend[in_group(project, market, "emerging")].sum() / all_lines < 0.05


def test_shares_of_visits_follow_the_brief(market, seen, project):
    visits = seen.visits[-52:].sum(axis=0) / seen.visits[-52:].sum()
    assert visits[in_group(project, market, "search")].sum() == pytest.approx(0.35, abs=0.015)
    assert visits[market.names.index("douyin_live")] == pytest.approx(0.28, abs=0.015)
    assert visits[market.names.index("private_community")] == pytest.approx(0.15, abs=0.015)
    assert visits[in_group(project, market, "social")].sum() == pytest.approx(0.60, abs=0.02)
    assert visits[in_group(project, market, "emerging")].sum() < 0.05


def test_visits_times_payment_rate_times_order_value_is_the_gmv(market, seen):
    orders = seen.visits[-52:].sum(axis=0) * market.column("payment_rate")
    sales = orders * market.column("order_value")
    assert sales.sum() == pytest.approx(seen.kpi[-52:].sum(), rel=0.05)
    assert 0.07 < sales[market.names.index("douyin_live")] / sales.sum() < 0.12


def test_live_roi_is_near_2_3_and_private_community_leads(market, seen, project):
    live = in_group(project, market, "live")
    recent = seen.contribution[-52:].sum(axis=0)
    assert recent[live].sum() / seen.spend[-52:, live].sum() == pytest.approx(2.3, abs=0.15)
    assert market.names[int(np.argmax(recent / seen.spend[-52:].sum(axis=0)))] == "private_community"
    assert 0.20 <= seen.contribution.sum() / seen.kpi.sum() <= 0.25


def test_only_kuaishou_is_weak_in_the_last_two_weeks(market, seen, project):
    cut = project["plan"]["rules"][0]
    limit = np.array([project["channels"][name].get("weak_roi", cut["roi_below"]) for name in market.names])
    weak = seen.attributed[-2:] / seen.spend[-2:] < limit
    assert [name for name, both in zip(market.names, weak.all(axis=0), strict=True) if both] == ["kuaishou_live"]


def test_attributed_roi_is_above_four_for_most_lines_most_weeks(market, seen, project):
    rated = [c for c, name in enumerate(market.names) if "weak_roi" not in project["channels"][name]]
    spend = seen.spend[-52:, rated]
    strong = (seen.attributed[-52:, rated] > 4.0 * spend)[spend > 0]
    assert strong.mean() > 0.75
    total = seen.attributed[-52:].sum(axis=0) / seen.spend[-52:].sum(axis=0)
    assert [market.names[c] for c in rated if total[c] < 4.0] == ["kuaishou_live"]


def test_pilots_start_when_the_story_says(market):
    first = {name: market.weeks[int(np.argmax(market.spend[:, c] > 0))] for c, name in enumerate(market.names)}
    assert first["bilibili"] == date(2026, 3, 2)
    assert first["kol"] >= date(2025, 10, 6)


def test_policy_shock_hits_xiaohongshu_and_lifts_weibo_visits(market, seen):
    inside = [t for t, week in enumerate(market.weeks) if date(2026, 9, 7) <= week <= date(2026, 9, 28)]
    calm = replace(market, shocks=())
    xhs, weibo = market.names.index("xiaohongshu"), market.names.index("weibo")
    assert (contribution(market) / contribution(calm))[inside, xhs].max() < 0.85
    visits, usual = seen.visits[inside, weibo], simulate(calm).visits[inside, weibo]
    np.testing.assert_allclose(visits / usual, 1.5, rtol=1e-3)
    assert (baseline(market) < baseline(calm))[inside].all()


def test_double11_is_the_absolute_peak(market, seen):
    kpi = dict(zip(market.weeks, seen.kpi, strict=True))
    usual = float(np.median(seen.kpi[-52:]))
    assert max(market.weeks, key=kpi.get) == date(2026, 11, 2)
    assert 1.6 < kpi[date(2026, 11, 2)] / usual < 2.2
    assert 1.25 < kpi[date(2027, 6, 14)] / usual < 1.6


def test_spends_are_not_hopelessly_collinear(market):
    pairs = np.corrcoef(market.spend.T)[np.triu_indices(10, 1)]
    assert pairs.max() < 0.8


def test_large_channels_can_be_told_apart_by_least_squares(market, seen):
    """With true shapes known, the four largest scales come back, with errors that say something."""
    big = np.argsort(-market.spend.sum(axis=0))[:4]
    rest = seen.contribution.sum(axis=1) - seen.contribution[:, big].sum(axis=1)
    base = baseline(market)
    design = np.column_stack([base, np.ones(156), np.arange(156), seen.contribution[:, big]])
    target = seen.kpi - rest
    estimate, *_ = np.linalg.lstsq(design, target, rcond=None)
    residual = target - design @ estimate
    error = np.sqrt(np.diag(np.linalg.inv(design.T @ design)) * (residual @ residual) / (156 - design.shape[1]))
    assert (np.abs(estimate[3:] - 1.0) < 3.0 * error[3:]).all()
    assert np.median(error[3:]) < 0.5


# ---- the demo's rules


def test_project_file_obeys_the_schema_and_names_every_column(market, project):
    assert set(project) <= {
        "extends",
        "note",
        "currency",
        "data",
        "calendar",
        "model",
        "channels",
        "lines",
        "lift_tests",
        "plan",
    }
    data = DataSettings.model_validate(project["data"])
    ModelSettings.model_validate(project["model"])
    PlanSettings.model_validate(project["plan"])
    for line in project["lines"].values():
        LineSettings.model_validate(line)
    header = (DEMO / data.file).read_text(encoding="utf-8").splitlines()[0].split(",")
    assert tuple(project["channels"]) == market.names
    for settings in project["channels"].values():
        channel = ChannelSettings.model_validate(settings)
        assert {channel.spend, channel.visits, channel.attributed} <= set(header)
        assert channel.label.en
        assert channel.label.zh
    assert {data.week, data.kpi, *data.controls} <= set(header)
    assert data.events == tuple(shock.event for shock in market.shocks)


class LinearRules:
    """The demo's rules over x[week, channel], written apart from the planner; bounds ``tighter`` by a share."""

    def __init__(self, plan, market, project, last_year, tighter):
        self.names, self.channels = list(market.names), project["channels"]
        self.total, self.tighter = plan.total, tighter
        self.last_year, self.recent = last_year, market.spend[-1]
        self.less, self.equal = [], []
        for rule in plan.constraints:
            getattr(self, rule.kind)(rule)
        self.cap(self.mask(["kuaishou_live"], 0), (1 - plan.rules[0].cut) * self.recent[1])

    def mask(self, lines, when=slice(None), factor=1.0):
        grid = np.zeros(self.last_year.shape)
        grid[when, [self.names.index(line) for line in lines]] = factor
        return grid

    def cap(self, row, most):
        self.less.append((row.ravel(), most))

    def category_share(self, rule):
        inside = [name for name in self.names if self.channels[name]["category"] == rule.category]
        if inside:
            self.equal.append((self.mask(inside).ravel(), rule.share * self.total))

    def group_share(self, rule):
        inside = self.mask([name for name in self.names if rule.group in self.channels[name]["groups"]])
        self.cap(inside, (1.0 if rule.max is None else rule.max) * self.total)
        self.cap(-inside, -(rule.min or 0.0) * self.total)

    def concentration(self, rule):
        for name in self.names:
            self.cap(self.mask([name]), rule.max * self.total)

    def pilot(self, rule):
        self.between([rule.line], [slice(None)], rule.min, rule.max)

    def bounds(self, rule):
        lines = [rule.lines] if isinstance(rule.lines, str) else rule.lines
        spans = range(len(self.last_year)) if rule.per == "week" else [slice(None)]
        self.between(lines, spans, rule.min or 0.0, rule.max, history=rule.relative_to == "history")

    def between(self, lines, spans, least, most, *, history=False):
        for line in lines:
            base = self.last_year[:, self.names.index(line)].sum() if history else 1.0
            for when in spans:
                self.cap(self.mask([line], when), most * base * (1 - self.tighter))
                self.cap(-self.mask([line], when), -least * base * (1 + self.tighter))

    def change(self, rule):
        up, down = 1 + rule.week_on_week, 1 - rule.week_on_week
        for line in rule.lines:
            recent = self.recent[self.names.index(line)]
            self.cap(self.mask([line], 0), up * recent)
            self.cap(-self.mask([line], 0), -down * recent)
            for week in range(1, len(self.last_year)):
                self.cap(self.mask([line], week) + self.mask([line], week - 1, -up), 0.0)
                self.cap(-self.mask([line], week) + self.mask([line], week - 1, down), 0.0)

    def solve(self):
        (less, most), (equal, exact) = (map(np.array, zip(*rows, strict=True)) for rows in (self.less, self.equal))
        return linprog(np.zeros(less.shape[1]), less, most, equal, exact, bounds=(0, None), method="highs")


@pytest.mark.parametrize(("tighter", "social"), [(0.0, 0.45), (0.15, 0.43)])
def test_demo_rules_leave_comfortable_room(market, project, last_year, tighter, social):
    plan = PlanSettings.model_validate(project["plan"])
    capped = tuple(c.model_copy(update={"max": social}) if c.name == "social cap" else c for c in plan.constraints)
    plan = plan.model_copy(update={"constraints": capped})
    found = LinearRules(plan, market, project, last_year, tighter).solve()
    assert found.status == 0, found.message
    assert found.x.sum() == pytest.approx(0.85 * plan.total)


def test_category_shares_spend_all_of_the_total(project):
    shares = [c["share"] for c in project["plan"]["constraints"] if c["kind"] == "category_share"]
    assert sum(shares) == pytest.approx(1.0)
    assert project["plan"]["total"] == 5_000_000


def test_the_mix_of_last_year_breaks_the_social_cap(market, project, last_year):
    social = last_year[:, in_group(project, market, "social")].sum() / last_year.sum() * 0.85
    assert social > 0.55
