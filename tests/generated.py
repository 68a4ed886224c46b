"""How many cases every property is tried on: few in the fast suite, more in the slow one, most in `make properties`."""

from typing import NamedTuple

from hypothesis import settings

THOROUGH = "thorough"
settings.register_profile(THOROUGH, settings.get_profile("default"))


class Cases(NamedTuple):
    """Generated cases of one property, by suite."""

    fast: int
    slow: int
    thorough: int


ORDER = Cases(20, 200, 1_300)
PLANS = {  # every case makes at least one plan or program
    "more_money_never_hurts": ORDER,
    "one_more_hard_rule_never_helps": ORDER,
    "a_soft_rule_lies_between_a_hard_one_and_none": ORDER,
    "order_of_lines_changes_nothing": ORDER,
    "a_useless_line_changes_nothing": ORDER,
    "units_of_money_and_kpi_change_nothing": ORDER,
    "no_total_earns_more_than_the_price_says": ORDER,
    "a_plan_obeys_every_rule_or_its_clash_is_named": Cases(60, 200, 1_000),
    "presolve_on_and_off_agree": Cases(300, 300, 2_000),
    "every_review_adds_up_and_obeys_its_cuts": Cases(25, 100, 300),
}
RULES = dict.fromkeys(  # rules on numbers, against the plainest restatement of each
    (
        "a_cut_is_what_a_person_would_decide",
        "a_recovery_is_what_a_person_would_decide",
        "a_top_up_is_what_a_person_would_decide",
        "what_one_line_gains_another_loses",
        "the_verifier_counts_as_a_person_would",
    ),
    Cases(500, 3_000, 3_000),
)
LEAST_PLANS = 10_000  # under `make properties`


def fast(name):
    """Settings of the fast suite: the same cases every time."""
    return settings(max_examples=(PLANS | RULES)[name].fast, deadline=None, derandomize=True)


def slow(name):
    """Settings of the slow suite, the same cases every time, or of the thorough profile: other cases every time."""
    cases = (PLANS | RULES)[name]
    is_thorough = settings.get_current_profile_name() == THOROUGH
    count = cases.thorough if is_thorough else cases.slow
    return settings(max_examples=count, deadline=None, derandomize=not is_thorough)
