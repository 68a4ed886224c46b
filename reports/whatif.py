"""What-if answers as whatif.json, as tables, and as whatif.xlsx."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook

from optimizer.whatif import Difference
from reports.documents import Document, interval_document
from reports.sections import Cell, Column, Kind, Measured, Section
from reports.sheets import Book, Sheet, stack
from reports.words import Lang, label_words, money_words, say, share_words, signed
from reports.workbook import FONTS

KEPT = ("status", "total", "quarter", "weeks", "expected", "proof", "rules", "conflict", "relaxation")
BASE = "base"
"""Name of the base plan in whatif.json."""

_LINE = ("name", "label", "reserve", "spend", "weekly", "gmv", "roi", "mroi")


def shortened(document: Mapping[str, Any]) -> Document:
    """plan.json without what is the same in every scenario: binding limits alone, lines in short."""
    lines = [{key: line[key] for key in _LINE} for line in document["lines"]]
    binding = [limit for limit in document["constraints"] if limit["binding"]]
    return {key: document[key] for key in KEPT} | {"lines": lines, "constraints": binding}


# Tables ---------------------------------------------------------------------------------------------------------------


def whatif_sections(document: Mapping[str, Any], lang: Lang) -> tuple[Section, ...]:
    """Build every table of a what-if that has rows.

    Parameters
    ----------
    document : mapping
        whatif.json.
    lang : {"en", "zh"}
    """
    made = (
        comparison(document, lang),
        lines_by_scenario(document, lang),
        changes(document, lang),
        frontier(document, lang),
        goals(document, lang),
        regret(document, lang),
        failures(document, lang),
    )
    return tuple(section for section in made if section.rows)


def comparison(document: Mapping[str, Any], lang: Lang) -> Section:
    """Build the table of scenarios: money, GMV, gain over the base with its interval, what binds."""
    scenario = Column("line", say(lang, "column.scenario"))  # a name, shown on one line as lines' names are
    better = Column("prob_better", say(lang, "whatif.prob_better"), Kind.SHARE)
    spread = Column("gain_range", say(lang, "column.gain_range"), Kind.GAIN, pair=True)
    figures = _columns(lang, spend=Kind.ESTIMATE, gmv=Kind.ESTIMATE, roi=Kind.ROI, mroi=Kind.ROI, gain=Kind.GAIN)
    columns = (scenario, *figures, spread, better, *_columns(lang, kept=Kind.ESTIMATE, binds=Kind.TEXT))
    base = _scenario_row(say(lang, "whatif.base"), document["base"]["plan"], None, lang)
    rows = [_scenario_row(one["name"], one["plan"], one["delta"], lang) for one in document["scenarios"]]
    return Section(
        "whatif",
        say(lang, "whatif.title"),
        say(lang, "whatif.sentence"),
        columns,
        (base, *rows),
        say(lang, "whatif.note"),
    )


def _scenario_row(name: str, plan: Mapping[str, Any], delta: Mapping[str, Any] | None, lang: Lang) -> tuple[Cell, ...]:
    if plan["status"] == "infeasible":
        names = say(lang, "list.join").join(conflict["name"] for conflict in plan["conflict"])
        return (name, *(None,) * 8, say(lang, "whatif.infeasible", rules=names))
    gmv, gain = plan["expected"]["gmv"], (delta or {}).get("gmv")
    kept = (delta or {}).get("kept")
    spent = sum(line["spend"] for line in plan["lines"])
    binds = say(lang, "list.join").join(dict.fromkeys(limit["name"].split(":")[0] for limit in plan["constraints"]))
    return (
        name,
        spent,
        gmv["mean"],
        plan["expected"]["roi"],
        total_price(plan),
        *((gain["mean"], (gain["p05"], gain["p95"])) if gain else (None, None)),
        delta["prob_better"] if delta else None,
        kept["mean"] if kept else None,
        binds,
    )


def total_price(plan: Mapping[str, Any]) -> float | None:
    """What one more unit of the total earns; None where the total does not bind."""
    prices = [limit["price"] for limit in plan["constraints"] if limit["kind"] == "total"]
    return prices[0] if prices else None


def biggest_moves(document: Mapping[str, Any], lang: Lang, most: int = 3) -> list[str]:
    """Say for every scenario which lines gain and lose the most money, and which rules stand in the way of one."""
    labels = {
        line["name"]: label_words(line["label"], line["name"], lang) for line in document["base"]["plan"]["lines"]
    }
    told = []
    for one in document["scenarios"]:
        if one["delta"] is None:
            names = say(lang, "list.join").join(conflict["name"] for conflict in one["plan"]["conflict"])
            told.append(f"{one['name']}: {say(lang, 'whatif.infeasible', rules=names)}")
            continue
        moves = sorted(one["delta"]["by_line"], key=lambda move: -abs(move["spend"]))[:most]
        words = [f"{labels[m['line']]} {signed(money_words(m['spend'], lang))}" for m in moves if abs(m["spend"]) >= 1]
        told.append(f"{one['name']}: {say(lang, 'list.join').join(words) or say(lang, 'whatif.nothing')}")
    return told


def lines_by_scenario(document: Mapping[str, Any], lang: Lang) -> Section:
    """Build the table of what moves: every line's spend in the base, and its change in every scenario."""
    solved = [one for one in document["scenarios"] if one["delta"] is not None]
    columns = (
        Column("line", say(lang, "column.line")),
        Column("base", say(lang, "whatif.base"), Kind.ESTIMATE, adds_down=True),
        *(Column(f"s{place}", one["name"], Kind.GAIN, adds_down=True) for place, one in enumerate(solved)),
    )
    rows = tuple(
        (
            label_words(line["label"], line["name"], lang),
            line["spend"],
            *(one["delta"]["by_line"][place]["spend"] for one in solved),
        )
        for place, line in enumerate(document["base"]["plan"]["lines"] if solved else ())
    )
    sums = (sum(float(str(row[place])) for row in rows) for place in range(1, len(columns)))
    total = (say(lang, "total"), *sums) if rows else ()
    return Section("moves", say(lang, "whatif.moves"), say(lang, "whatif.moves.sentence"), columns, rows, total=total)


def changes(document: Mapping[str, Any], lang: Lang) -> Section:
    """Build the table of what each scenario changes."""
    rows = tuple(
        (one["name"], change["key"], _changed(change, lang), one["note"])
        for one in document["scenarios"]
        for change in one["changes"]
    )
    columns = _columns(lang, scenario=Kind.TEXT, key=Kind.TEXT, to=Kind.TEXT, note=Kind.TEXT)
    made = Section("changes", say(lang, "whatif.changes"), "", columns, rows)
    return made if any(row[-1] for row in rows) else made.without("note")


def _changed(change: Mapping[str, Any], lang: Lang) -> str:
    """What a change sets, as it is read: a shock as percent, a number with its thousands apart."""
    value = change["value"]
    if value is None:
        return ""
    if change["key"].startswith("shock "):
        return signed(share_words(float(value)))
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return money_words(float(value), lang) if number and abs(value) >= _THOUSANDS else str(value)


_THOUSANDS = 1000


def frontier(document: Mapping[str, Any], lang: Lang) -> Section:
    """Build the table of a sweep: GMV and what the next unit earns against the total."""
    columns = _columns(lang, total=Kind.ESTIMATE, gmv=Kind.ESTIMATE, roi=Kind.ROI, mroi=Kind.ROI, finding=Kind.TEXT)
    rows = tuple(
        (
            point["total"],
            point["gmv"],
            point["gmv"] / point["total"] if point["gmv"] is not None else None,
            point["mroi"],
            "" if point["gmv"] is not None else say(lang, "status.infeasible"),
        )
        for point in document.get("frontier", ())
    )
    return Section("frontier", say(lang, "whatif.frontier"), say(lang, "whatif.frontier.sentence"), columns, rows)


def goals(document: Mapping[str, Any], lang: Lang) -> Section:
    """Build the table of goals that were sought."""
    rows = tuple(
        (
            say(lang, f"whatif.goal.{goal['goal']}"),
            Measured(goal["target"], Kind.ESTIMATE if goal["goal"] == "least_money" else Kind.ROI),
            goal["total"],
            goal["gmv"],
            goal["mroi"],
            "" if goal["total"] is not None else say(lang, "whatif.goal.none"),
        )
        for goal in document.get("goals", ())
    )
    columns = _columns(
        lang,
        goal=Kind.TEXT,
        target=Kind.ESTIMATE,
        total=Kind.ESTIMATE,
        gmv=Kind.ESTIMATE,
        mroi=Kind.ROI,
        finding=Kind.TEXT,
    )
    return Section("goals", say(lang, "whatif.goals"), "", columns, rows)


def regret(document: Mapping[str, Any], lang: Lang) -> Section:
    """Build the regret table: a plan a row, a scenario a column, the largest last."""
    found = document.get("regret") or {"plans": []}
    names = [one["plan"] for one in found["plans"]]
    columns = (
        Column("plan", say(lang, "column.plan")),
        *(Column(f"s{place}", _plan_name(name, lang), Kind.ESTIMATE) for place, name in enumerate(names)),
        Column("largest", say(lang, "whatif.largest"), Kind.ESTIMATE),
        Column("breaks", say(lang, "whatif.breaks")),
    )
    rows = tuple(
        (
            _plan_name(one["plan"], lang),
            *(cell["regret"] for cell in one["scenarios"]),
            one["largest"],
            say(lang, "list.join").join(dict.fromkeys(name for cell in one["scenarios"] for name in cell["breaks"])),
        )
        for one in found["plans"]
    )
    best = say(lang, "whatif.least", plan=_plan_name(found["least"], lang)) if rows and found["least"] else ""
    return Section(
        "regret",
        say(lang, "whatif.regret"),
        say(lang, "sentence.join").join(filter(None, (say(lang, "whatif.regret.sentence"), best))),
        columns,
        rows,
    )


def _plan_name(name: str, lang: Lang) -> str:
    """A scenario's name; the base plan's in the reader's language."""
    return say(lang, "whatif.base") if name == BASE else name


def failures(document: Mapping[str, Any], lang: Lang) -> Section:
    """Build the table of scenarios without an answer."""
    rows = tuple((one["name"], one["reason"]) for one in document.get("failed", ()))
    columns = _columns(lang, scenario=Kind.TEXT, finding=Kind.TEXT)
    return Section("failed", say(lang, "whatif.failed"), "", columns, rows)


def _columns(lang: Lang, **kinds: Kind) -> tuple[Column, ...]:
    return tuple(Column(key, say(lang, f"column.{key}"), kind) for key, kind in kinds.items())


# Workbook -------------------------------------------------------------------------------------------------------------


def write_whatif(document: Mapping[str, Any], path: Path | BytesIO, lang: Lang) -> None:
    """Write whatif.xlsx: the comparison first, a sheet for each further table, a chart of the frontier."""
    options = {
        "in_memory": True,  # no temporary files, which a full disk would refuse halfway
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_format_properties": {"font_name": FONTS[lang], "font_size": 10},
    }
    names = {
        "whatif": "Scenarios",
        "moves": "Lines",
        "changes": "Changes",
        "frontier": "Frontier",
        "goals": "Goals",
        "regret": "Regret",
        "failed": "Failed",
    }
    with Workbook(path, options) as file:
        book = Book(file, lang)
        for section in whatif_sections(document, lang):
            sheet = Sheet(book, names[section.key], file.add_worksheet(names[section.key]))
            stack(sheet, section)
            if section.key in {"frontier", "whatif"}:
                _chart(sheet, section)


def _chart(sheet: Sheet, section: Section) -> None:
    """GMV against the total, or against the scenarios."""
    first, last = 3, 2 + len(section.rows)
    curve = section.key == "frontier"
    chart = sheet.book.file.add_chart(
        {"type": "scatter", "subtype": "straight_with_markers"} if curve else {"type": "bar"}
    )
    x, y = section.place("total" if curve else "line"), section.place("gmv")
    chart.add_series(
        {
            "name": [sheet.name, 2, y],
            "categories": [sheet.name, first, x, last, x],
            "values": [sheet.name, first, y, last, y],
        }
    )
    chart.set_title({"name": sheet.book.say("column.gmv"), "overlay": False, "name_font": {"size": 11}})
    chart.set_legend({"none": True})
    if not curve:
        chart.set_y_axis({"reverse": True})
    # bars are read by their length, so they begin at zero; a curve is read by its slope
    chart.set_x_axis({"num_format": "#,##0"} | ({} if curve else {"min": 0}))
    chart.set_size({"width": 760, "height": 300 if curve else 120 + 26 * len(section.rows)})
    sheet.page.insert_chart(sheet.row + 1, 0, chart)


# JSON -----------------------------------------------------------------------------------------------------------------


def difference_document(delta: Difference | None) -> Document | None:
    """Build a scenario's ``delta`` of whatif.json; None where there is no plan."""
    if delta is None:
        return None
    return {
        "spend": round(delta.spend, 2),
        "gmv": interval_document(delta.gmv),
        "prob_better": delta.prob_better,
        "kept": interval_document(delta.kept),
        "by_line": [
            {"line": move.line, "spend": round(move.spend, 2), "gmv": interval_document(move.gmv)}
            for move in delta.by_line
        ],
    }


def regret_document(rows: Sequence[Any], least: str | None) -> Document | None:
    """Build the regret table of whatif.json; None without rows."""
    if not rows:
        return None
    plans: dict[str, list[Any]] = {}
    for row in rows:
        plans.setdefault(row.plan, []).append(row)
    return {
        "least": least,
        "plans": [
            {
                "plan": name,
                "largest": max(row.regret for row in cells),
                "scenarios": [
                    {
                        "scenario": row.scenario,
                        "objective": row.objective,
                        "regret": row.regret,
                        "breaks": list(row.breaks),
                    }
                    for row in cells
                ],
            }
            for name, cells in plans.items()
        ],
    }
