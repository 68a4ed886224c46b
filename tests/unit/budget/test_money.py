"""Money is read to the fen, or refused with its value and a cure."""

from decimal import Decimal

import pytest

from budget.money import parse_money
from mmm.problems import InputError

FIVE_MILLION = 500_000_000


@pytest.mark.parametrize(
    "text",
    [
        "5000000", "5,000,000", "500万", "0.05亿", "5M", "5m", "￥5,000,000", "¥5000000",
        "５００００００", "５，０００，０００",
        "５００万", " 5000 k ", "500萬", "5百万", "0.5千万", "5e6", "500万元", "5000000元",
        "CNY 5,000,000", "5,000,000.00",
        5_000_000, 5e6, Decimal(5_000_000), Decimal("5E+6"),
    ],
)  # fmt: skip
def test_many_spellings_of_five_million(text):
    assert parse_money(text) == FIVE_MILLION


@pytest.mark.parametrize(
    ("text", "fen"),
    [("5000000.10", 500_000_010), (0.1, 10), ("0.01", 1), ("500.12345万", 500_123_450), (1234567.89, 123_456_789)],
)
def test_fen_are_exact(text, fen):
    assert parse_money(text) == fen


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("5000000.101", "more than two decimals"),
        (0.1 + 0.2, "more than two decimals"),
        ("0.0100000000000000000000000000000000001", "more than two decimals"),
        ("-5", "negative"),
        ("－5万", "negative"),
        ("\u22125", "negative"),
        (-1, "negative"),
        ("0", "zero"),
        (0.0, "zero"),
        ("0.00万", "zero"),
        ("9e99", "larger than any budget"),
        (10**40, "larger than any budget"),
        ("1e999999999", "cannot be read"),
        pytest.param(10**5000, "cannot be read", id="5001 digits"),
        (float("nan"), "cannot be read"),
        ("inf", "cannot be read"),
        (Decimal("Infinity"), "cannot be read"),
        ("five million", "cannot be read"),
        ("", "cannot be read"),
        ("50,00", "cannot be read"),
        ("5,0000,000", "cannot be read"),
        ("5.000.000", "cannot be read"),
        ("5万万", "cannot be read"),
        ("$5", "cannot be read"),
        ("--5", "cannot be read"),
        (True, "cannot be read"),
        (None, "cannot be read"),
    ],
)
def test_refusals_name_fault_and_cure(text, fault):
    with pytest.raises(InputError, match=fault) as caught:
        parse_money(text, where="--total")
    (problem,) = caught.value.problems
    assert problem.where == "--total"
    assert "500万" in problem.cure
    assert problem.value
