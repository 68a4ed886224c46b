"""What small projects may ask for, as hypothesis strategies: every kind of constraint, hard or soft, and every goal."""

from hypothesis import strategies as st
from markets import NAMES

PERCENT = st.integers(0, 100).map(lambda percent: percent / 100)
LINES = st.one_of(st.just("all"), st.sampled_from(NAMES[:3]), st.just(list(NAMES[:2])))


def ends(values):
    """Min, max, or both in order."""
    both = st.tuples(values, values).map(lambda pair: dict(zip(("min", "max"), sorted(pair), strict=True)))
    return st.one_of(both, values.map(lambda low: {"min": low}), values.map(lambda high: {"max": high}))


def rule(kind, fields):
    return fields.map(lambda chosen: {"kind": kind} | chosen)


def merged(*parts):
    return st.tuples(*parts).map(lambda chosen: {key: value for part in chosen for key, value in part.items()})


def field(name, values):
    return values.map(lambda value: {name: value})


MULTIPLES = st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.1, 1.5, 2.0])
AMOUNTS = st.sampled_from([0.0, 123.45, 5_000.0, 20_000.005, 60_000.0])
PER = field("per", st.sampled_from(["horizon", "week"]))
CONSTRAINTS = st.one_of(
    rule("bounds", merged(field("lines", LINES), PER, ends(AMOUNTS))),
    rule(
        "bounds",
        merged(
            field("lines", LINES), PER, field("relative_to", st.sampled_from(["history", "average"])), ends(MULTIPLES)
        ),
    ),
    rule("category_share", merged(field("category", st.sampled_from(["a", "b"])), field("share", PERCENT))),
    rule("category_share", merged(field("category", st.sampled_from(["a", "b"])), ends(PERCENT))),
    rule(
        "group_share",
        merged(
            field("group", st.sampled_from(["g", "h"])),
            field("of", st.sampled_from(["spend", "visits"])),
            ends(PERCENT),
        ),
    ),
    rule("concentration", merged(field("lines", LINES), field("max", PERCENT))),
    rule("change", merged(field("lines", LINES), field("week_on_week", st.sampled_from([0.1, 0.3, 1.0])))),
    rule("change", merged(field("lines", LINES), field("last_year", st.sampled_from([0.2, 0.5, 1.5])))),
    rule("change", merged(field("lines", LINES), field("last_quarter", st.sampled_from([0.2, 0.5, 1.5])))),
    rule("fixed", merged(field("lines", st.sampled_from(NAMES[:3])), field("total", AMOUNTS))),
    rule("fixed", field("lines", st.sampled_from(NAMES[:3])).map(lambda one: one | {"weekly": {"2027-10-04": 1234.5}})),
    rule("budget", merged(field("every", st.sampled_from(["week", "month"])), ends(AMOUNTS))),
    rule("budget", merged(field("window", st.just("peak")), field("of", st.just("share")), ends(PERCENT))),
    rule(
        "budget", merged(field("month", st.just("2027-10")), field("group", st.sampled_from(["g", "h"])), ends(AMOUNTS))
    ),
    rule(
        "phases",
        PERCENT.map(lambda share: {"phases": [{"name": "opening", "weeks": 1, "share": share}], "tolerance": 0.1}),
    ),
    rule(
        "mix",
        merged(
            PERCENT.map(lambda share: {"shares": {NAMES[0]: share}, "category": "a"}),
            field("tolerance", st.sampled_from([0.0, 0.05, 0.2])),
        ),
    ),
    rule(
        "weeks_on",
        merged(
            field("lines", st.sampled_from(NAMES[:3])),
            field("weeks", st.integers(1, 3)),
            field("least", st.sampled_from([500.0, 4_000.0])),
            field("in_a_row", st.booleans()),
        ),
    ),
    rule("cardinality", merged(field("lines", st.just("all")), ends(st.integers(0, 3)))),
    rule("either_or", st.just({"either": NAMES[0], "or": [NAMES[1]]})),
    rule("roi", merged(st.sampled_from([{}, {"group": "g"}]), field("min", st.sampled_from([0.5, 1.2, 2.0, 4.0])))),
    rule("group_share", merged(field("group", st.just("g")), field("of", st.just("gmv")), ends(PERCENT))),
    rule("cost_ceiling", field("max", st.sampled_from([0.2, 0.6, 1.0, 4.0]))),
    rule(
        "pilot",
        merged(
            field("line", st.sampled_from(NAMES[:3])),
            st.tuples(st.integers(1, 40_000), st.integers(0, 20_000)).map(
                lambda pair: {"min": pair[0], "max": pair[0] + pair[1]}
            ),
        ),
    ),
)
CUTS = rule(
    "cut",
    merged(
        field("lines", LINES),
        field("roi_below", st.sampled_from([0.5, 1.5, 2.0, 3.0])),
        field("weeks", st.integers(1, 2)),
        field("roi", st.sampled_from(["model", "attributed"])),
    ),
)
SLOPES = st.sampled_from([(0.5, 1.0), (0.5, 1.0), (1.1, 2.2)])
GOALS = st.sampled_from(
    [
        {"total_rule": "equal"},
        {"total_rule": "equal"},
        {"total_rule": "at_most"},
        {"total_rule": "at_most", "objective": {"maximise": "profit", "margin": 0.6}},
    ]
)
FACTS = st.fixed_dictionaries(
    {
        "category": st.sampled_from([None, "a", "b"]),
        "groups": st.sampled_from([(), ("g",), ("g", "h")]),
        "visits_per_cny": st.sampled_from([None, 0.3, 1.0, 4.2]),
        "weak_weeks": st.integers(0, 3),
        "attributed_ratio": st.sampled_from([None, 0.7, 1.8]),
    }
)


SOFT = st.sampled_from([{}, {}, {}, {"soft": {"price": 0.3}}, {"soft": {"price": 50.0}}])


@st.composite
def requests(draw, cuts=True):
    """What a small project asks for, as the arguments of a problem: short enough to read when it fails."""
    channels, reserves = draw(st.integers(2, 3)), draw(st.integers(0, 1))
    limits = [one | draw(SOFT) for one in draw(st.lists(CONSTRAINTS, max_size=4))]
    rules = [*limits, *(draw(st.lists(CUTS, max_size=1)) if cuts else ())]
    named = [{"name": f"rule {number}"} | one for number, one in enumerate(rules)]
    return {
        "shape": {"channels": channels, "slopes": draw(SLOPES), "seed": draw(st.integers(0, 5))},
        "weeks": draw(st.integers(2, 4)),
        "total": draw(st.sampled_from([None, None, 50_000.01, 7_777.77, 300_000.0])),
        "reserves": reserves,
        "windows": {"peak": (0, 1)} if draw(st.booleans()) else {"peak": (0,)},
        "facts": {name: draw(FACTS) for name in (*NAMES[:channels], *(f"tools {i}" for i in range(reserves)))},
        "constraints": [one for one in named if one["kind"] != "cut"],
        "rules": [one for one in named if one["kind"] == "cut"],
    } | draw(GOALS)
