"""The adapter of HiGHS: every silent trap is sprung here and must not go unnoticed."""

from pathlib import Path

import highspy
import numpy as np
import pyomo.environ as pyo
import pytest
from markets import line, mondays
from pyomo.gdp import Disjunct, Disjunction

import optimizer.solver as solver_module
from optimizer.decision import Decision
from optimizer.solver import THREADS, Master, Solved, bare_highs, set_options

SECONDS = 5.0


def model(*, domain=pyo.NonNegativeReals, most=4.0, rows=((1.0, 1.0, 4.0), (1.0, 3.0, 6.0))):
    """Maximise x + 2 y under ``a x + b y <= c`` for every row; best is (3, 1), worth 5."""
    made = pyo.ConcreteModel()
    made.x = pyo.Var(domain=domain, bounds=(0, most))
    made.y = pyo.Var(domain=domain, bounds=(0, most))
    made.rows = pyo.ConstraintList()
    for a, b, c in rows:
        made.rows.add(a * made.x + b * made.y <= c)
    made.objective = pyo.Objective(expr=made.x + 2 * made.y, sense=pyo.maximize)
    return made


@pytest.fixture
def master():
    return Master(model())


X, Y = np.array([0], dtype=np.int32), np.array([1], dtype=np.int32)


def solve(master, **options):
    return master.solve(**{"seconds": SECONDS, "gap": 0.0} | options)


def one_row(master, value, *, lower=-np.inf, upper=1.0):
    index = np.arange(len(value), dtype=np.int32)
    master.add_rows(np.array([lower]), np.array([upper]), np.zeros(1, np.int32), index, np.array(value, dtype=float))


class Recorder:
    """Stands before HiGHS, notes its options, and can set its clock forward."""

    def __init__(self, highs, *, clock=None):
        self.highs, self.clock, self.runs, self.options = highs, clock, [], {}

    def __getattr__(self, name):
        return getattr(self.highs, name)

    def setOptionValue(self, name, value):  # noqa: N802 - HiGHS's own name
        self.options[name] = value
        return self.highs.setOptionValue(name, value)

    def getRunTime(self):  # noqa: N802 - HiGHS's own name
        return self.highs.getRunTime() if self.clock is None else self.clock

    def run(self):
        self.runs.append(self.options)
        self.options = {}
        return self.highs.run()


# --- answers


def test_a_linear_program_is_solved_with_its_bound(master):
    solved = solve(master)
    assert solved.outcome == "optimal"
    assert solved.columns == pytest.approx([3.0, 1.0])
    assert solved.bound == pytest.approx(5.0)


def test_prices_are_changes_of_the_objective(master):
    solve(master)
    assert master.duals() == pytest.approx([0.5, 0.5])


def test_whole_numbers_stay_whole_and_the_bound_is_the_tree_s():
    solved = solve(Master(model(domain=pyo.NonNegativeIntegers, rows=((2.0, 2.0, 7.0),))))
    assert solved.columns == pytest.approx([0.0, 3.0])
    assert solved.bound == pytest.approx(6.0)


def test_relaxed_switches_leave_a_linear_program_with_prices():
    master = Master(model(domain=pyo.NonNegativeIntegers, rows=((2.0, 2.0, 7.0),)))
    solve(master)
    master.set_integer(np.array([0, 1], dtype=np.int32), integer=False)
    assert solve(master).columns == pytest.approx([0.0, 3.5])
    assert master.duals() == pytest.approx([1.0])
    master.set_integer(Y, integer=True)
    assert solve(master).columns == pytest.approx([0.5, 3.0])


def test_variables_and_rows_of_the_model_are_found():
    made = model()
    master = Master(made)
    assert master.columns_of([made.y, made.x]).tolist() == [1, 0]
    assert master.bounds()[1].tolist() == [pyo.value(row.upper) for row in made.rows.values()]


def test_rows_are_added_and_changed(master):
    one_row(master, [1.0, 0.0], upper=1.0)
    assert master.rows == 3
    assert solve(master).columns == pytest.approx([1.0, 5 / 3])
    master.set_row(2, None, None)
    assert solve(master).columns == pytest.approx([3.0, 1.0])
    master.set_row(0, None, 2.0)
    assert solve(master).columns == pytest.approx([0.0, 2.0])
    master.set_row(0, None, None)
    assert solve(master).columns == pytest.approx([4.0, 2 / 3])


def test_columns_are_bounded_costed_and_added(master):
    master.set_columns(np.append(X, Y), np.array([0.0, 0.5]), np.array([1.0, 9.0]))
    assert solve(master).columns == pytest.approx([1.0, 5 / 3])
    master.set_costs(Y, np.ones(1))
    assert solve(master).bound == pytest.approx(2.0)
    assert solve(master, maximise=False).bound == pytest.approx(0.5)
    assert master.add_column(-1.0, [1], [-1.0]) == 2  # buys room in the second row, at more than it earns
    assert solve(master).columns == pytest.approx([0.0, 2.0, 0.0])


def test_the_matrix_is_read_back_as_it_was_put_in(master):
    one_row(master, [2.0, -1.0])
    starts, index, value = master.matrix()
    dense = np.zeros((3, 2))
    for row in range(3):
        dense[row, index[starts[row] : starts[row + 1]]] = value[starts[row] : starts[row + 1]]
    assert dense.tolist() == [[1.0, 1.0], [1.0, 3.0], [2.0, -1.0]]


# --- numbers that are not finite


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_never_reach_the_solver(master, wrong):
    columns = np.array([0], dtype=np.int32)
    with pytest.raises(ValueError, match="a cut's coefficients hold a number that is not finite"):
        one_row(master, [1.0, wrong])
    with pytest.raises(ValueError, match="the objective hold a number that is not finite"):
        master.set_costs(columns, np.array([wrong]))
    with pytest.raises(ValueError, match="a column's coefficients hold a number that is not finite"):
        master.add_column(wrong, [0], [1.0])
    with pytest.raises(ValueError, match="a column's coefficients hold a number that is not finite"):
        master.add_column(1.0, [0], [wrong])
    assert master.rows == 2
    assert solve(master).columns == pytest.approx([3.0, 1.0])


def test_bounds_that_are_not_numbers_never_reach_the_solver(master):
    columns, nan, one = np.array([0], dtype=np.int32), np.array([np.nan]), np.ones(1)
    for refused in (
        lambda: one_row(master, [1.0, 1.0], upper=np.nan),
        lambda: one_row(master, [1.0, 1.0], lower=np.nan),
        lambda: master.set_row(0, np.nan, 1.0),
        lambda: master.set_row(0, None, np.nan),
        lambda: master.set_columns(columns, nan, one),
        lambda: master.set_columns(columns, 0 * one, nan),
    ):
        with pytest.raises(ValueError, match="a bound is not a number"):
            refused()
    assert solve(master).columns == pytest.approx([3.0, 1.0])


def test_a_refusal_of_the_solver_is_an_error_not_silence(master):
    with pytest.raises(RuntimeError, match="HiGHS refused: adding rows"):
        master.add_rows(np.zeros(1), np.ones(1), np.zeros(1, np.int32), np.array([99], np.int32), np.ones(1))


# --- options and clocks


def test_every_option_is_stated_at_every_solve(master):
    master._highs = seen = Recorder(master._highs, clock=0.0)
    solve(master, seconds=3.0, gap=0.5)
    solve(master, seconds=7.0, gap=0.25)
    first, second = seen.runs
    assert first.keys() == second.keys() >= {"threads", "time_limit", "mip_rel_gap", "presolve", "random_seed"}
    assert (first["time_limit"], second["time_limit"]) == (3.0, 7.0)
    assert (first["mip_rel_gap"], second["mip_rel_gap"]) == (0.5, 0.25)


def test_the_time_limit_is_counted_from_the_clock_of_all_runs(master):
    master._highs = seen = Recorder(master._highs, clock=100.0)
    solve(master, seconds=3.0)
    assert seen.runs[0]["time_limit"] == 103.0


def test_the_clock_of_highs_adds_up_so_that_counting_from_it_is_needed(master):
    used = [solve(master) and master._highs.getRunTime() for _ in range(3)]
    assert 0 < used[0] < used[1] < used[2]


def test_a_limit_in_the_past_still_ends(master):
    assert solve(master, seconds=-1.0).outcome in {"optimal", "time_limit"}


def test_out_of_time_is_an_outcome_with_a_bound_that_holds():
    made = market_split(60)
    master = Master(made)
    solved = solve(master, seconds=0.1)
    assert solved.outcome == "time_limit"
    slack = master.columns_of(made.slack.values())
    assert solved.bound >= (-solved.columns[slack].sum() if solved.columns.size else -np.inf)
    assert solved.bound <= 1e-6  # no slack is negative


def market_split(size):
    """Tiny, and out of reach of branch and bound (Cornuejols & Dawande 1999)."""
    rng = np.random.default_rng(3)
    made = pyo.ConcreteModel()
    made.x = pyo.Var(range(size), domain=pyo.Binary)
    made.slack = pyo.Var(range(6), bounds=(0, None))
    made.rows = pyo.ConstraintList()
    for row in range(6):
        weights = rng.integers(1, 100, size)
        total = sum(int(w) * made.x[i] for i, w in enumerate(weights))
        made.rows.add(total - made.slack[row] <= int(weights.sum()) // 2)
        made.rows.add(total + made.slack[row] >= int(weights.sum()) // 2)
    made.objective = pyo.Objective(expr=-sum(made.slack.values()), sense=pyo.maximize)
    return made


# --- infeasible


def test_infeasible_is_confirmed_without_presolve(master):
    one_row(master, [1.0, 1.0], lower=9.0, upper=np.inf)
    master._highs = seen = Recorder(master._highs)
    assert solve(master).outcome == "infeasible"
    assert [run["presolve"] for run in seen.runs] == ["choose", "off"]


def test_presolve_alone_is_not_believed(master, monkeypatch):
    honest = master._run

    def lying(**options):
        if options["presolve"] != "off":
            return type(honest(**options))("infeasible", np.empty(0), -np.inf)
        return honest(**options)

    monkeypatch.setattr(master, "_run", lying)
    solved = solve(master)
    assert solved.outcome == "optimal"
    assert solved.columns == pytest.approx([3.0, 1.0])


def test_a_feasible_program_is_solved_once(master):
    master._highs = seen = Recorder(master._highs)
    solve(master)
    assert len(seen.runs) == 1


def test_after_infeasible_the_same_instance_solves_again(master):
    one_row(master, [1.0, 1.0], lower=9.0, upper=np.inf)
    assert solve(master).outcome == "infeasible"
    master.set_row(2, None, None)
    assert solve(master).columns == pytest.approx([3.0, 1.0])


def test_an_unbounded_program_is_an_error_with_its_name():
    with pytest.raises(RuntimeError, match=r"HiGHS ended with .*nbounded"):
        solve(Master(model(most=None, rows=((0.0, 1.0, 1.0),))))


def test_highs_keeps_quiet(master, capfd):
    solve(master)
    assert capfd.readouterr() == ("", "")
    assert highspy.Highs().getOptionValue("output_flag")[1] is True  # silence is asked for, not the default


# --- what Pyomo would pass over


@pytest.mark.parametrize(
    ("place", "wrong"), [("cost", np.nan), ("cost", np.inf), ("bound", np.nan), ("coefficient", np.inf)]
)
def test_a_model_with_a_number_that_is_not_finite_is_refused(place, wrong):
    made = model(most=wrong if place == "bound" else 4.0)
    if place == "cost":
        made.objective.expr = wrong * made.x
    if place == "coefficient":
        made.rows.add(made.y + wrong * made.x <= 4.0)
    with pytest.raises(ValueError, match=r"not finite|not a number"):
        Master(made)


@pytest.mark.parametrize(
    "fact",
    [
        {"visits_per_cny": np.nan},
        {"recent": np.array([1.0, np.nan])},
        {"average": np.inf},
        {"attributed_ratio": np.nan},
    ],
)
def test_a_line_with_a_number_that_is_not_finite_is_refused_before_a_model_is_built(fact):
    """Pyomo drops a coefficient that is not a number, unseen by any reading of the solver."""
    with pytest.raises(ValueError, match="line search holds a number that is not finite"):
        Decision([line("search", **fact)], mondays(3), 600.0)
    with pytest.raises(ValueError, match="total or the plan that is replaced"):
        Decision([line("search")], mondays(3), np.nan)


def test_an_unknown_option_is_refused(master):
    with pytest.raises(ValueError, match="HiGHS option time_limt is not known here"):
        set_options(master._highs, time_limt=3.0)
    assert master._highs.setOptionValue("time_limt", 3.0) == highspy.HighsStatus.kError  # nobody would read this


def test_a_value_that_highs_refuses_is_an_error(master):
    with pytest.raises(RuntimeError, match="HiGHS refused: option mip_rel_gap"):
        set_options(master._highs, mip_rel_gap=-1.0)


def test_another_number_of_threads_is_refused(master):
    with pytest.raises(ValueError, match="solves with 1 thread, not 2"):
        set_options(master._highs, threads=2)


def test_options_do_not_stick(master):
    solve(master, seconds=0.5, gap=0.5)
    solve(master, seconds=1e4, gap=0.0)
    assert master._highs.getOptionValue("mip_rel_gap")[1] == 0.0
    assert master._highs.getOptionValue("time_limit")[1] > 1e3
    assert bare_highs().getOptionValue("mip_rel_gap")[1] == highspy.Highs().getOptionValue("mip_rel_gap")[1]


def test_every_highs_of_the_package_has_the_same_threads():
    assert bare_highs().getOptionValue("threads")[1] == THREADS == 1
    sources = Path(solver_module.__file__).parent.rglob("*.py")
    assert [path.name for path in sources if "highspy.Highs()" in path.read_text(encoding="utf-8")] == ["solver.py"]


def test_sos_and_disjunctions_are_refused_not_passed_over():
    made = model()
    made.weight = pyo.Var([1, 2], bounds=(0, 1))
    made.sos = pyo.SOSConstraint(var=made.weight, sos=1)
    with pytest.raises(ValueError, match="sos is a SOSConstraint: transform it"):
        Master(made)
    made = model()
    made.low, made.high = Disjunct(), Disjunct()
    made.low.row = pyo.Constraint(expr=made.x <= 1)
    made.high.row = pyo.Constraint(expr=made.y <= 1)
    made.choice = Disjunction(expr=[made.low, made.high])
    with pytest.raises(ValueError, match="is a Disjunct"):
        Master(made)
    pyo.TransformationFactory("gdp.bigm").apply_to(made)
    assert solve(Master(made)).bound == pytest.approx(5.0)


def test_a_status_nobody_knows_is_tried_from_scratch(master):
    class Astray(Recorder):
        def getModelStatus(self):  # noqa: N802 - HiGHS's own name
            return highspy.HighsModelStatus.kUnknown if len(self.runs) < 2 else self.highs.getModelStatus()

    master._highs = seen = Astray(master._highs)
    assert solve(master).columns == pytest.approx([3.0, 1.0])
    assert [run["presolve"] for run in seen.runs] == ["choose", "on"]


def test_presolve_on_and_off_agree(master):
    found = [master._run(seconds=SECONDS, gap=0.0, maximise=True, presolve=word) for word in ("on", "off", "choose")]
    assert [each.bound for each in found] == pytest.approx([5.0] * 3)


# --- no answer at all


def test_a_solve_without_an_answer_is_tried_anew_and_then_claims_nothing(monkeypatch):
    master, tried = Master(model()), []

    def lost(**options):
        tried.append(options["presolve"])
        return Solved("unknown", np.empty(0), float("inf"))

    monkeypatch.setattr(master, "_run", lost)
    solved = solve(master)
    assert tried == ["choose", "on"]
    assert (solved.outcome, solved.bound, solved.columns.size) == ("time_limit", float("inf"), 0)
