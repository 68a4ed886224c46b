"""The properties are tried on as many cases as is said of them."""

from pathlib import Path

from generated import LEAST_PLANS, PLANS, RULES

HERE = Path(__file__)
OTHERS = [path for path in HERE.parent.glob("test_*.py") if path.name != HERE.name]


def test_plans_are_tried_on_ten_thousand_cases():
    assert sum(cases.thorough for cases in PLANS.values()) >= LEAST_PLANS >= 10_000


def test_every_count_is_a_property_s_and_no_property_has_another():
    text = "\n".join(path.read_text(encoding="utf-8") for path in OTHERS)
    assert "max_examples" not in text
    for name in PLANS | RULES:
        assert f"def {name}(" in text
