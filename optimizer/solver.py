"""HiGHS behind one adapter: Pyomo builds the model, cuts go in as arrays, and its silent traps are guarded.

Guards, each with a test: numbers that are not finite are refused before anything is solved (HiGHS keeps the old bound,
drops the coefficient or the row, and says "optimal"); so are options that are not known here (HiGHS ignores them),
disjunctions and SOS that nobody transformed (they are solved as if absent), and another number of threads (the second
one of a process gets no answer). Every option is set at every solve (they stick); the time limit is counted from the
clock of all runs of the instance (HiGHS #1477); "infeasible" is believed only when presolve off agrees (HiGHS #3296);
every call's status is read, so that nothing is an ERROR line in a log that nobody reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Outcome = Literal["optimal", "infeasible", "time_limit", "unknown"]

INFINITY = float("inf")
THREADS = 1  # one for every HiGHS of the process, and the answers are the same everywhere
OPTIONS = frozenset(
    {
        "dual_feasibility_tolerance",
        "mip_feasibility_tolerance",
        "mip_rel_gap",
        "output_flag",
        "presolve",
        "primal_feasibility_tolerance",
        "random_seed",
        "threads",
        "time_limit",
    }
)
TOLERANCES = dict.fromkeys(
    ("mip_feasibility_tolerance", "primal_feasibility_tolerance", "dual_feasibility_tolerance"), 1e-9
)
UNTRANSFORMED = frozenset({"ComplementarityCondition", "Disjunct", "Disjunction", "SOSConstraint"})


def set_options(highs: Any, **options: float | str | bool) -> None:
    """Set options of a HiGHS; an unknown one, another number of threads, or a refusal is an error.

    Raises
    ------
    ValueError
        For an option that is not in :data:`OPTIONS`, and for threads other than :data:`THREADS`.
    """
    for name, value in options.items():
        if name not in OPTIONS:
            raise ValueError(f"HiGHS option {name} is not known here")
        if name == "threads" and value != THREADS:
            raise ValueError(f"this process solves with {THREADS} thread, not {value}")
        _expect_ok(highs.setOptionValue(name, value), f"option {name}")


def bare_highs(*, seconds: float = INFINITY) -> Any:
    """A quiet HiGHS without a model, for small programs that are written straight into it."""
    import highspy

    highs = highspy.Highs()
    set_options(highs, output_flag=False, threads=THREADS, time_limit=seconds)
    return highs


@dataclass(frozen=True, slots=True)
class Solved:
    """How a solve ended.

    Attributes
    ----------
    outcome : str
    columns : array (column,)
        Values; empty when there is no solution.
    bound : float
        No solution can pass it (maximising).
    """

    outcome: Outcome
    columns: Floats
    bound: float


@dataclass(frozen=True, slots=True)
class Piece:
    """A small program of its own, to maximise.

    Attributes
    ----------
    costs : array (column,)
    bounds : pair of array (column,)
        Least and most.
    integer : array (column,) of bool
        Columns that are whole numbers.
    limits : pair of array (row,)
        Lower and upper.
    rows : tuple of array
        Compressed form: the first entry of every row, column numbers, values.
    """

    costs: Floats
    bounds: tuple[Floats, Floats]
    integer: npt.NDArray[np.bool_]
    limits: tuple[Floats, Floats]
    rows: tuple[Ints, Ints, Floats]


def solve_piece(piece: Piece, *, seconds: float, gap: float) -> Solved:
    """Solve a small program from nothing. "Infeasible" is confirmed without presolve."""
    import highspy

    highs = bare_highs(seconds=max(seconds, 0.01))
    set_options(highs, mip_rel_gap=gap, random_seed=0, **TOLERANCES)
    count, everything = piece.costs.size, np.arange(piece.costs.size, dtype=np.int32)
    starts, index, value = piece.rows
    _refuse_non_finite(piece.costs, "the objective")
    _expect_ok(highs.addVars(count, *piece.bounds), "adding columns")
    _expect_ok(highs.changeColsCost(count, everything, piece.costs), "setting the objective")
    kinds = np.where(piece.integer, int(highspy.HighsVarType.kInteger), int(highspy.HighsVarType.kContinuous))
    _expect_ok(highs.changeColsIntegrality(count, everything, kinds.astype(np.uint8)), "setting the switches")
    _expect_ok(highs.addRows(starts.size, *piece.limits, index.size, starts, index, value), "adding rows")
    _expect_ok(highs.changeObjectiveSense(highspy.ObjSense.kMaximize), "setting the sense")
    solved = _outcome_of(highs)
    if solved.outcome == "infeasible":
        set_options(highs, presolve="off")
        return _outcome_of(highs)
    return solved


class Master:
    """A HiGHS model that starts from a Pyomo model and grows by cuts.

    Parameters
    ----------
    model : pyomo.ConcreteModel
        With an objective to maximise.
    """

    def __init__(self, model: Any) -> None:
        import pyomo.environ as pyo
        from pyomo.contrib.solver.common.factory import SolverFactory

        _refuse_untransformed(model)
        self._opt = SolverFactory("highs")
        self._opt.set_instance(model)
        self._highs = self._opt._solver_model  # noqa: SLF001 - Pyomo offers no other way to add rows as arrays
        self._columns: dict[int, int] = self._opt._pyomo_var_to_solver_var_map  # noqa: SLF001
        set_options(self._highs, output_flag=False)
        _refuse_misread(model, self._highs)
        self._integer = any(each.is_integer() or each.is_binary() for each in model.component_data_objects(pyo.Var))

    @property
    def columns(self) -> int:
        """Number of columns."""
        return int(self._highs.getNumCol())

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self._highs.getNumRow())

    def columns_of(self, variables: Iterable[Any]) -> Ints:
        """Column numbers of Pyomo variables."""
        return np.array([self._columns[id(variable)] for variable in variables], dtype=np.int32)

    def add_rows(self, lower: Floats, upper: Floats, starts: Ints, index: Ints, value: Floats) -> None:
        """Add rows in compressed form; ``starts`` has one entry per row."""
        _refuse_non_finite(value, "a cut's coefficients")
        _refuse_nan(lower, upper)
        status = self._highs.addRows(len(lower), lower, upper, len(index), starts, index, value)
        _expect_ok(status, "adding rows")

    def keep_rows(self, count: int) -> None:
        """Let all rows but the first ``count`` go."""
        extra = np.arange(count, self.rows, dtype=np.int32)
        if extra.size:
            _expect_ok(self._highs.deleteRows(extra.size, extra), "taking rows out")

    def copy_row(self, row: int, lower: float | None, upper: float | None) -> int:
        """Add a row with the entries of another and its own bounds; returns its number."""
        starts, index, value = self.matrix()
        entries = slice(starts[row], starts[row + 1])
        low, high = -INFINITY if lower is None else lower, INFINITY if upper is None else upper
        start = np.zeros(1, dtype=np.int32)
        self.add_rows(np.array([low]), np.array([high]), start, index[entries], value[entries])
        return self.rows - 1

    def add_column(self, cost: float, rows: Sequence[int], values: Sequence[float]) -> int:
        """Add a column that is zero or more; returns its number."""
        _refuse_non_finite(np.array([cost, *values]), "a column's coefficients")
        index, value = np.array(rows, dtype=np.int32), np.array(values, dtype=np.float64)
        _expect_ok(self._highs.addCol(cost, 0.0, INFINITY, len(index), index, value), "adding a column")
        return int(self._highs.getNumCol()) - 1

    def add_free_columns(self, count: int) -> int:
        """Add columns without limits; returns the number of the first."""
        first = int(self._highs.getNumCol())
        status = self._highs.addVars(count, np.full(count, -INFINITY), np.full(count, INFINITY))
        _expect_ok(status, "adding columns")
        return first

    def set_row(self, row: int, lower: float | None, upper: float | None) -> None:
        """Change a row's bounds; None is no bound."""
        low = -INFINITY if lower is None else lower
        high = INFINITY if upper is None else upper
        _refuse_nan(np.array([low]), np.array([high]))
        _expect_ok(self._highs.changeRowBounds(row, low, high), "changing a row")

    def set_columns(self, columns: Ints, lower: Floats, upper: Floats) -> None:
        """Change columns' bounds."""
        _refuse_nan(lower, upper)
        _expect_ok(self._highs.changeColsBounds(len(columns), columns, lower, upper), "changing columns")

    def set_costs(self, columns: Ints, costs: Floats) -> None:
        """Set the objective to these costs on these columns and zero elsewhere."""
        _refuse_non_finite(costs, "the objective")
        everything = np.arange(self._highs.getNumCol(), dtype=np.int32)
        full = np.zeros(everything.size)
        full[columns] = costs
        _expect_ok(self._highs.changeColsCost(everything.size, everything, full), "changing the objective")

    def set_integer(self, columns: Ints, *, integer: bool) -> None:
        """Hold columns to whole numbers, or let them be fractions."""
        import highspy

        kind = highspy.HighsVarType.kInteger if integer else highspy.HighsVarType.kContinuous
        kinds = np.full(columns.size, int(kind), dtype=np.uint8)
        _expect_ok(self._highs.changeColsIntegrality(columns.size, columns, kinds), "changing the switches")
        self._integer = integer and columns.size > 0

    def solve(self, *, seconds: float, gap: float, maximise: bool = True) -> Solved:
        """Solve; every option is stated anew. "Infeasible" is confirmed without presolve."""
        solved = self._run(seconds=seconds, gap=gap, maximise=maximise, presolve="choose")
        if solved.outcome == "unknown":
            # A basis that many nearly equal cuts have made singular: begin without it.
            _expect_ok(self._highs.clearSolver(), "starting afresh")
            solved = self._run(seconds=seconds, gap=gap, maximise=maximise, presolve="on")
        if solved.outcome == "unknown":
            # Nothing is known then: the caller keeps the bound and the plan it has, as when the time is up.
            return Solved("time_limit", np.empty(0), INFINITY)
        if solved.outcome == "infeasible":
            return self._run(seconds=seconds, gap=gap, maximise=maximise, presolve="off")
        return solved

    def _run(self, *, seconds: float, gap: float, maximise: bool, presolve: str) -> Solved:
        import highspy

        highs = self._highs
        sense = highspy.ObjSense.kMaximize if maximise else highspy.ObjSense.kMinimize
        _expect_ok(highs.changeObjectiveSense(sense), "setting the sense")
        set_options(
            highs,
            threads=THREADS,
            # The clock of linear programs runs on over the instance's solves, that of integer ones begins anew.
            time_limit=(0.0 if self._integer else highs.getRunTime()) + max(seconds, 0.01),
            mip_rel_gap=gap,
            presolve=presolve,
            random_seed=0,
            **TOLERANCES,
        )
        return _outcome_of(highs)

    def extremes(self, columns: Ints, *, most: bool) -> Floats:
        """The least or the most that each column can be, array (column,); no bound where the program cannot tell.

        The objective is used up. Each solve goes on from the last one's basis, options are set once.
        """
        import highspy

        highs = self._highs
        self.set_costs(columns[:0], np.zeros(0))
        set_options(highs, threads=THREADS, time_limit=INFINITY, presolve="off", random_seed=0, **TOLERANCES)
        sense = highspy.ObjSense.kMaximize if most else highspy.ObjSense.kMinimize
        _expect_ok(highs.changeObjectiveSense(sense), "setting the sense")
        found = np.full(columns.size, INFINITY if most else -INFINITY)
        for number, column in enumerate(columns):
            _expect_ok(highs.changeColCost(column, 1.0), "changing the objective")
            solved = _outcome_of(highs)
            if solved.outcome == "optimal":
                found[number] = solved.bound
            _expect_ok(highs.changeColCost(column, 0.0), "changing the objective")
        return found

    def duals(self) -> Floats:
        """Change of the objective per unit of each row's bound, array (row,); of the last LP solved."""
        return np.array(self._highs.getSolution().row_dual)

    def bounds(self) -> tuple[Floats, Floats]:
        """Lower and upper bound of every row as the solver holds them, the constants of their bodies moved over."""
        count = self.rows
        status, _, lower, upper, _ = self._highs.getRows(count, np.arange(count, dtype=np.int32))
        _expect_ok(status, "reading rows")
        return np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64)

    def column_data(self) -> tuple[Floats, Floats, Floats]:
        """Cost, least and most of every column."""
        count = self.columns
        status, _, costs, lower, upper, _ = self._highs.getCols(count, np.arange(count, dtype=np.int32))
        _expect_ok(status, "reading columns")
        return (np.asarray(costs), np.asarray(lower), np.asarray(upper))

    def matrix(self) -> tuple[Ints, Ints, Floats]:
        """Rows in compressed form: starts (row + 1,), column numbers, values."""
        count = self.rows
        status, _, _, _, entries = self._highs.getRows(count, np.arange(count, dtype=np.int32))
        _expect_ok(status, "reading rows")
        status, starts, index, value = self._highs.getRowsEntries(count, np.arange(count, dtype=np.int32))
        _expect_ok(status, "reading rows")
        full = np.append(np.asarray(starts), entries).astype(np.int32)
        return full, np.asarray(index, dtype=np.int32), np.asarray(value, dtype=np.float64)


def _outcome_of(highs: Any) -> Solved:
    """Run, and say how it ended."""
    import highspy

    if highs.run() == highspy.HighsStatus.kError:
        return Solved("unknown", np.empty(0), INFINITY)
    status, info = highs.getModelStatus(), highs.getInfo()
    kinds = highspy.HighsModelStatus
    if status == kinds.kOptimal:
        is_mip = info.mip_node_count >= 0
        bound = info.mip_dual_bound if is_mip else info.objective_function_value
        return Solved("optimal", np.array(highs.getSolution().col_value), float(bound))
    if status in {kinds.kInfeasible, kinds.kUnboundedOrInfeasible}:
        return Solved("infeasible", np.empty(0), -INFINITY)
    if status in {kinds.kTimeLimit, kinds.kInterrupt}:
        bound = float(info.mip_dual_bound) if info.mip_node_count >= 0 else INFINITY
        has_plan = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
        columns = np.array(highs.getSolution().col_value) if has_plan else np.empty(0)
        return Solved("time_limit", columns, bound)
    if status in {kinds.kUnknown, kinds.kSolveError}:
        return Solved("unknown", np.empty(0), INFINITY)
    raise RuntimeError(f"HiGHS ended with {highs.modelStatusToString(status)}")


def _refuse_untransformed(model: Any) -> None:
    """Refuse components that Pyomo's HiGHS passes over without a word."""
    for component in model.component_objects(active=True, descend_into=True):
        if component.ctype.__name__ in UNTRANSFORMED:
            raise ValueError(f"{component.name} is a {component.ctype.__name__}: transform it before solving")


def _refuse_misread(model: Any, highs: Any) -> None:
    """Refuse a model that HiGHS holds otherwise than it was written: numbers that are not finite, rows left out."""
    import pyomo.environ as pyo

    lp = highs.getLp()
    _refuse_non_finite(np.asarray(lp.a_matrix_.value_, dtype=np.float64), "the model's rows")
    _refuse_non_finite(np.asarray(lp.col_cost_, dtype=np.float64), "the model's objective")
    _refuse_nan(
        *(np.asarray(b, dtype=np.float64) for b in (lp.col_lower_, lp.col_upper_, lp.row_lower_, lp.row_upper_))
    )
    written = sum(len(component) for component in model.component_objects(pyo.Constraint, active=True))
    if written != highs.getNumRow():
        raise ValueError(f"HiGHS holds {highs.getNumRow()} of {written} rows: a number in the others is not finite")


def _refuse_non_finite(values: Floats, what: str) -> None:
    if not np.isfinite(values).all():
        raise ValueError(f"{what} hold a number that is not finite")


def _refuse_nan(*values: Floats) -> None:
    if any(np.isnan(value).any() for value in values):
        raise ValueError("a bound is not a number")


def _expect_ok(status: Any, what: str) -> None:
    import highspy

    if status == highspy.HighsStatus.kError:
        raise RuntimeError(f"HiGHS refused: {what}")
