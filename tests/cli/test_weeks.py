"""A project whose weeks begin on Sunday plans and reviews as its twin of Monday weeks does."""

import csv
from datetime import date, timedelta

import fitted
import pytest


@pytest.fixture
def sundays(small):
    """The small project, each week dated on the Sunday before its Monday."""
    data = small / "data.csv"
    with data.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["week"] = str(date.fromisoformat(row["week"]) - timedelta(days=1))
    with data.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)
    config = small / "budget.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("kpi: gmv", "kpi: gmv, week_starts: sunday"), "utf-8")
    fitted.publish(small, fitted.small_market(), draws=40)
    return small


def test_plan_and_review_of_weeks_from_sunday(budget, sundays):
    config = ("--config", sundays / "budget.yaml")
    checked = budget("check", *config, "--json").document
    assert checked["weeks"].startswith("2024-10-07 to")
    assert "first day, a Sunday" in checked["dates"]
    plan = budget("plan", *config, "--json").document
    assert plan["status"] == "optimal"
    assert plan["weeks"][0] == "2025-12-01"
    lines = "".join(f"2025-11-30,{line['name']},{line['weekly'][0]},2000000,1\n" for line in plan["lines"])
    (sundays / "actual.csv").write_text("week,line,spend,gmv,control\n" + lines, encoding="utf-8")
    week = ("review", "--actuals", sundays / "actual.csv", *config, "--json", "--dry-run", "--week")
    review = budget(*week, "2025-12-06").document  # the Saturday that ends the week of 2025-11-30
    assert review["week"] == "2025-12-01"
    other = budget(*week, "2025-12-07")  # the Sunday that begins the next
    assert "no row holds the week of 2025-12-08" in other.document["error"]
