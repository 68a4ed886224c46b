"""How far a run is: time left by stage, scaled by the run's own speed."""

import pytest

from budget.progress import TYPICAL, Clock


class Hands:
    """A clock that is set by hand."""

    def __init__(self):
        self.time = 0.0

    def __call__(self):
        return self.time


@pytest.fixture
def hands():
    return Hands()


def through(clock, hands, speed):
    """Pass every stage before sampling at a speed."""
    for stage in ("read", "import", "build", "compile"):
        clock.enter(stage)
        hands.time += speed * TYPICAL[stage]
    clock.enter("sample")


def test_a_fit_begins_with_what_is_typical(hands):
    clock = Clock("en", now=hands)
    clock.enter("read")
    assert clock.left() == pytest.approx(sum(TYPICAL.values()))


@pytest.mark.parametrize("speed", [0.5, 1.0, 3.0])
def test_what_is_left_goes_by_the_speed_so_far(hands, speed):
    clock = Clock("en", now=hands)
    through(clock, hands, speed)
    left = sum(TYPICAL[name] for name in ("sample", "extract", "hold out"))
    assert clock.left() == pytest.approx(speed * left)
    hands.time += 4.0
    assert clock.left() == pytest.approx(speed * left - 4.0)


def test_a_late_stage_is_called_late(hands):
    clock = Clock("en", now=hands)
    clock.enter("hold out")
    hands.time = 100.0
    assert clock.left() == 0.0
    assert clock.__rich__() == "Forecasting the last weeks from those before … (1 min 40 s, longer than usual)"


def test_a_search_says_its_gap_and_its_limit(hands):
    clock = Clock("en", 60.0, now=hands)
    clock.enter("solve")
    clock.round(7, 0.0039)
    hands.time = 20.0
    assert clock.__rich__() == "Solving … round 7, gap 0.39% (20 s, at most 40 s left)"
    assert Clock("zh", 60.0, now=hands).left() is None


def test_in_chinese(hands):
    clock = Clock("zh", 90.0, now=hands)
    clock.enter("solve")
    clock.round(2, 0.01)
    hands.time = 5.0
    assert clock.__rich__() == "求解 … 第 2 轮，差距 1% （已用 5 秒，最多还需 1 分 25 秒）"


def test_a_stage_nobody_knows_tells_its_time(hands):
    clock = Clock("en", now=hands)
    clock.enter("play")
    hands.time = 4.0
    assert clock.__rich__() == "Playing quarters … (4 s)"


def test_nothing_is_said_of_the_time_at_first(hands):
    clock = Clock("en", now=hands)
    clock.enter("compile")
    assert clock.__rich__().endswith(" …")
