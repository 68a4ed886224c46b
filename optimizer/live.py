"""Response curves a spreadsheet can hold: a few carry-over cases and piecewise curves, as near to the draws as told.

Every posterior draw has a carry-over and a curve of its own, and both enter the expected response together. Curves on
the mean carry-over alone miss the expected GMV by percents. Here a few *carry-over cases* stand for the draws: nodes of
the Gauss quadrature of the share of an effect that falls after its first week, each draw's response interpolated
between them by Lagrange's polynomials. Where carry-over has two parameters a channel one number does not tell the draws
apart: there the cases are groups of draws alike, and each draw's shares of them are fitted. Every case has one curve,
the mean of the draws' curves with those shares, tabulated at breakpoints for an ordinary week and for the strongest
peak; other weeks blend the two.

Source: Golub & Welsch (1969), "Calculation of Gauss Quadrature Rules", for the nodes; Arthur & Vassilvitskii (2007),
"k-means++: The Advantages of Careful Seeding", for the groups.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mmm.curves import ResponseCurves, WindowResponse

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

POINTS = 100
BEND = 2.5  # breakpoints lie denser near zero, where curves bend most
REACH = 2.0  # curves are tabulated up to this multiple of the fitted range
BEYOND = 1.05  # the fitted range ends this far above the largest week of history, as in the plan's notes
CASES = (1, 3, 4, 5, 12, 24)  # numbers of cases tried in turn
MOST_NODES = 5  # more cases than this are groups of draws
SAMPLES = 200  # weeks of made-up spend on which the draws' shares of the groups are fitted
SOME_DRAWS = 500  # fitted at once, for the sake of memory
PULL = 1e-7  # how strongly these shares are held to a draw's own group, as a share of the fit's own size
SEED = 7  # of the groups and of the made-up spend: the same curves give the same workbook
ENOUGH = 5e-4  # of a line's GMV; the error looked for when the number of cases is chosen
LEVELS = np.array([0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0])


@dataclass(frozen=True, slots=True)
class LiveCurves:
    """Curves and constants of the workbook's own response.

    Attributes
    ----------
    names : tuple of str
    weights : array (name, case, lag)
        Adstock weights of each carry-over case; they sum to one.
    stock : array (name, point)
        Breakpoints, effective spend in currency per week.
    ordinary, peak : array (name, case, point)
        Each case's part of the expected GMV of a week without and with the strongest peak, currency.
    mean, low, high : array (name, point)
        GMV of an ordinary week at steady spend: mean and 5% and 95% quantiles over draws.
    blend_ordinary, blend_peak : array (name, span)
        What a week takes of each of the two curves.
    opening : array (name, lag)
        Spend before the plan that carries over, oldest first, currency per week.
    after : array (name,)
        Weekly spend after the plan.
    carried : array (name,)
        GMV without any planned spend, by these curves.
    true_up : array (name,)
        Factor that makes the line's GMV at the solver's plan the posterior mean to the last digit.
    low_factor, high_factor : array (name,)
        The same for the ends of the interval, on the ratios ``low / mean`` and ``high / mean`` at the mean week.
    total_low, total_high : float
        The total's interval over the root of the summed squares of the lines'.
    fitted_range : array (name,)
        Largest weekly spend the curve was learnt from, or that the solver's plan uses if that is more.
    error : float
        Largest error of a line's GMV found on trial plans inside the fitted range, as a share of it.
    """

    names: tuple[str, ...]
    weights: Floats
    stock: Floats
    ordinary: Floats
    peak: Floats
    mean: Floats
    low: Floats
    high: Floats
    blend_ordinary: Floats
    blend_peak: Floats
    opening: Floats
    after: Floats
    carried: Floats
    true_up: Floats
    low_factor: Floats
    high_factor: Floats
    total_low: float
    total_high: float
    fitted_range: Floats
    error: float

    @property
    def cases(self) -> int:
        """Number of carry-over cases."""
        return int(self.weights.shape[1])

    def at(self, spend: Floats) -> LiveValues:
        """Every quantity of the workings for a plan.

        Parameters
        ----------
        spend : array (week, name)
            Currency per week.
        """
        money = np.concatenate(
            [self.opening, spend.T, np.repeat(self.after[:, None], self.opening.shape[1], axis=1)], 1
        )
        windows = np.lib.stride_tricks.sliding_window_view(money, self.weights.shape[2], axis=1)
        stock = np.maximum(0.0, np.einsum("nsl,nkl->nks", windows[:, :, ::-1], self.weights))
        segment = self._segment(stock)
        response, slope = self._lookup(stock, segment)
        weekly = self.true_up[:, None] * response.sum(axis=1)
        next_unit = self._next_unit(slope, spend.shape[0])
        gmv = self.true_up * (response.sum(axis=(1, 2)) - self.carried)
        return LiveValues(money, stock, segment, response, slope, weekly, next_unit, gmv, *self._band(spend, gmv))

    def _segment(self, stock: Floats) -> Ints:
        last = self.stock.shape[1] - 1
        found = [np.searchsorted(points, at, side="right") for points, at in zip(self.stock, stock, strict=True)]
        return np.asarray(np.clip(np.array(found), 1, last), dtype=np.int64)

    def _lookup(self, stock: Floats, segment: Ints) -> tuple[Floats, Floats]:
        """Response and its slope, each (name, case, span)."""
        name, case = np.arange(len(self.names))[:, None, None], np.arange(self.cases)[None, :, None]
        left, right = self.stock[name, segment - 1], self.stock[name, segment]
        response, slope = np.zeros(stock.shape), np.zeros(stock.shape)
        for table, blend in ((self.ordinary, self.blend_ordinary), (self.peak, self.blend_peak)):
            low, high = table[name, case, segment - 1], table[name, case, segment]
            steep = (high - low) / (right - left)
            response += blend[:, None, :] * (low + steep * (stock - left))
            slope += blend[:, None, :] * steep
        return response, slope

    def _next_unit(self, slope: Floats, weeks: int) -> Floats:
        """What one more unit of spend in each week earns, array (name, week)."""
        windows = np.lib.stride_tricks.sliding_window_view(slope, self.weights.shape[2], axis=2)[:, :, :weeks]
        return np.asarray(self.true_up[:, None] * np.einsum("nkwl,nkl->nw", windows, self.weights))

    def _band(self, spend: Floats, gmv: Floats) -> tuple[Floats, Floats, Floats, Ints, Floats]:
        """Mean week, low and high GMV, segment and mean, low and high curve at the mean week."""
        week = np.maximum(0.0, spend.mean(axis=0))
        segment = self._segment(week[:, None])[:, 0]
        curves = np.array([self._straight(table, week, segment) for table in (self.mean, self.low, self.high)])
        base = np.where(curves[0] > 0, curves[0], 1.0)
        low = gmv * np.where(curves[0] > 0, curves[1] / base, 1.0) * self.low_factor
        high = gmv * np.where(curves[0] > 0, curves[2] / base, 1.0) * self.high_factor
        return low, high, week, segment, curves

    def _straight(self, table: Floats, week: Floats, segment: Ints) -> Floats:
        name = np.arange(len(self.names))
        left, right = self.stock[name, segment - 1], self.stock[name, segment]
        low, high = table[name, segment - 1], table[name, segment]
        return np.asarray(low + (high - low) * (week - left) / (right - left))


@dataclass(frozen=True, slots=True)
class LiveValues:
    """What the workings show for one plan.

    Attributes
    ----------
    money : array (name, lag + span)
        Opening weeks, planned weeks and the weeks after, currency per week.
    stock, response, slope : array (name, case, span)
        Effective spend, expected GMV (carry-in included), and what one more unit of effective spend earns.
    segment : array (name, case, span) of int
        Piece of the curve, counted from 1.
    weekly : array (name, span)
        Expected GMV that falls in each week, carry-in included.
    next_unit : array (name, week)
        What one more unit of spend in a week earns, in it and later.
    gmv, low, high : array (name,)
        GMV that the plan adds, and its 90% interval.
    week, curves : array (name,), (3, name)
        Mean weekly spend, and the mean, low and high curve there.
    week_segment : array (name,) of int
    """

    money: Floats
    stock: Floats
    segment: Ints
    response: Floats
    slope: Floats
    weekly: Floats
    next_unit: Floats
    gmv: Floats
    low: Floats
    high: Floats
    week: Floats
    week_segment: Ints
    curves: Floats


def live_curves(response: WindowResponse, spend: Floats) -> LiveCurves:
    """Tabulate the response around a plan, with as few carry-over cases as are near enough.

    Parameters
    ----------
    response : WindowResponse
        Over the plan's weeks, settled: the spend after the plan is what the plan was scored with.
    spend : array (week, name)
        The solver's plan, currency per week.
    """
    without = response.mean(np.zeros_like(spend)).sum(axis=1)
    trials = [(plan, response.mean(plan).sum(axis=1) - without) for plan in trial_plans(response.curves, spend)]
    gains = response.incremental(spend)
    best: LiveCurves | None = None
    for cases in CASES:
        made = _calibrated(_tabulated(response, spend, cases), spend, gains)
        tried = replace(made, error=_largest_error(made, trials))
        if best is None or tried.error < best.error:
            best = tried
        if best.error <= ENOUGH:
            break
    if best is None:
        raise ValueError("no carry-over cases to try")
    return best


def fitted_range(curves: ResponseCurves, spend: Floats) -> Floats:
    """Weekly spend up to which a curve rests on data, or on the solver's own plan, array (name,)."""
    return np.asarray(np.maximum(BEYOND * curves.spend.max(axis=0), spend.max(axis=0)))


def trial_plans(curves: ResponseCurves, spend: Floats) -> list[Floats]:
    """Plans that differ from the solver's in size, weeks and shape, inside the fitted range, each (week, name)."""
    most = fitted_range(curves, spend)
    base = np.where(spend > 0, spend, 0.2 * most)
    weeks = spend.shape[0]
    shaken = base * np.exp(0.4 * np.random.default_rng(1).standard_normal(base.shape))
    early = base * (np.arange(weeks) < (weeks + 1) // 2)[:, None]
    every_other = 1.8 * base * (np.arange(weeks) % 2)[:, None]
    flat = np.repeat(base.mean(axis=0)[None], weeks, axis=0)
    plans = (0.3 * base, 1.6 * base, flat, shaken, early, every_other)
    return [np.minimum(plan, most) for plan in plans if plan.any()]


def _largest_error(made: LiveCurves, trials: Sequence[tuple[Floats, Floats]]) -> float:
    worst = 0.0
    for plan, exact in trials:
        known = exact > 0
        worst = max(worst, float(np.abs(made.at(plan).gmv[known] / exact[known] - 1).max(initial=0.0)))
    return worst


def _tabulated(response: WindowResponse, spend: Floats, cases: int) -> LiveCurves:
    """Cases, breakpoints and blends; nothing calibrated yet."""
    curves, names = response.curves, range(len(response.curves.names))
    most = np.maximum(fitted_range(curves, spend), 1e-6 * curves.reference)
    stock = REACH * most[:, None] * np.linspace(0.0, 1.0, POINTS) ** BEND
    lines = [_line_tables(response, name, stock[name] / curves.reference[name], cases) for name in names]
    weights, ordinary, peak, band, blends = (np.array(parts) for parts in zip(*lines, strict=True))
    one = np.ones(len(curves.names))
    return LiveCurves(
        names=curves.names,
        weights=weights,
        stock=stock,
        ordinary=ordinary,
        peak=peak,
        mean=band[:, 0],
        low=band[:, 1],
        high=band[:, 2],
        blend_ordinary=blends[:, 0],
        blend_peak=blends[:, 1],
        opening=response.carry_in.T,
        after=response.after,
        carried=0 * one,
        true_up=one,
        low_factor=one,
        high_factor=one,
        total_low=1.0,
        total_high=1.0,
        fitted_range=most,
        error=np.inf,
    )


def _line_tables(
    response: WindowResponse, name: int, points: Floats, cases: int
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Weights, ordinary and peak tables, band and blends of one line; ``points`` in units of its reference."""
    family, shape = response.curves.family(name)
    ceiling = response.curves.ceiling[:, name, None]
    strongest = np.exp(response.curves.kappa[:, name, None] * response.intensity.max(initial=0.0))
    if cases > MOST_NODES:
        weights, share = carry_over_groups(response.by_name[name], cases)
        share = _fitted_shares(response, name, weights, share, float(points[-1] / REACH))
    else:
        weights, share = carry_over_cases(response.by_name[name], cases)
    level = ceiling * family.level(points[None], *shape, np)
    level[:, points == 0] = 0.0
    band = np.stack([level.mean(axis=0), *np.quantile(level, [0.05, 0.95], axis=0)])
    draws = level.shape[0]
    ordinary, peak = share @ level / draws, share @ (level * strongest) / draws
    return weights, ordinary, peak, band, _blends(response, name, level[:, points > 0], strongest)


def _fitted_shares(response: WindowResponse, name: int, cases: Floats, share: Floats, most: float) -> Floats:
    """How much of each case every draw takes, array (case, draw): what is nearest on weeks of made-up spend.

    Each draw's response in a week is fitted by the cases' responses in that week (least squares, the shares summing to
    one), held weakly to ``share``. ``most`` is in units of the reference.
    """
    spend = made_up_spend(cases.shape[1], most)
    few = range(0, share.shape[1], SOME_DRAWS)
    fitted = [_fit_shares(response, name, slice(at, at + SOME_DRAWS), cases, share, spend) for at in few]
    return np.concatenate(fitted, axis=1)


def made_up_spend(lags: int, most: float) -> Floats:
    """Spend of a week and of those before it, array (sample, lag), up to ``most``: what edits of a plan lead to.

    A quarter of the weeks come after restless ones, a quarter after a line was cut to little or nothing, a quarter
    after it was started, a quarter after weeks on and off.
    """
    rng = np.random.default_rng(SEED)
    one, size = (SAMPLES, 1), (SAMPLES, lags)
    spread = rng.choice([0.0, 0.3, 0.6], one)
    spend = most * np.minimum(1.0, rng.uniform(0.05, 1.0, one) * np.exp(spread * rng.standard_normal(size)))
    since = np.arange(lags) < rng.integers(1, max(2, lags), one)
    on = rng.random(size) > rng.choice([0.15, 0.5], one)
    left, kind = rng.choice([0.0, 0.1, 0.3], one), rng.integers(0, 4, one)
    changed = ((kind == 1) & since) | ((kind == 2) & ~since)
    return np.asarray(spend * np.where(changed, left, 1.0) * np.where((kind == 3) & ~on, 0.0, 1.0))


def _fit_shares(
    response: WindowResponse, name: int, draws: slice, cases: Floats, share: Floats, spend: Floats
) -> Floats:
    """The shares of some draws, array (case, draw); ``spend`` is (sample, lag) in units of the reference."""
    family, shape = response.curves.family(name)
    half, slope, tail = (each[draws] for each in shape)
    wanted = family.level(response.by_name[name][draws] @ spend.T, half, slope, tail, np)  # (draw, sample)
    parts = np.stack(
        [family.level((case @ spend.T)[None], half, slope, tail, np) for case in cases]
    )  # (case, draw, sample)
    # The shares sum to one, so the last case stands for all that the others leave.
    free, left = parts[:-1] - parts[-1], wanted - parts[-1]
    square = np.einsum("kds,lds->dkl", free, free)
    right = np.einsum("kds,ds->dk", free, left)
    hold = PULL * np.trace(square, axis1=1, axis2=2)[:, None] / len(free) + 1e-12
    square += hold[:, :, None] * np.eye(len(free))
    found = np.linalg.solve(square, (right + hold * share[:-1, draws].T)[:, :, None])[:, :, 0].T
    return np.concatenate([found, 1.0 - found.sum(axis=0, keepdims=True)])


def _blends(response: WindowResponse, name: int, level: Floats, strongest: Floats) -> Floats:
    """What each week takes of the ordinary and of the peak curve, by least squares over the stock, array (2, span)."""
    blends = np.zeros((2, response.span))
    blends[0] = 1.0
    peaks = response.intensity > 0
    if not peaks.any():
        return blends
    some = level[:, np.linspace(level.shape[1] // 4, level.shape[1] - 1, 12).astype(int)]
    both = np.stack([some.mean(axis=0), (some * strongest).mean(axis=0)], axis=1)
    lift = np.exp(response.curves.kappa[:, name, None] * response.intensity[peaks])
    wanted = some.T @ lift / some.shape[0]
    blends[:, peaks] = np.linalg.lstsq(both, wanted, rcond=None)[0]
    return blends


def carry_over_cases(weights: Floats, count: int) -> tuple[Floats, Floats]:
    """Cases that stand for draws whose carry-over one number tells apart, and how much of each every draw takes.

    Parameters
    ----------
    weights : array (draw, lag)
        Normalised adstock weights.
    count : int
        Cases along the share of the effect that falls later.

    Returns
    -------
    array (case, lag)
        Their weights, quickest first.
    array (case, draw)
        Lagrange's polynomials at each draw; they sum to one over the cases.
    """
    later = _standard(1.0 - weights[:, 0])
    nodes = _gauss_nodes(later, min(count, np.unique(later).size))
    own = np.maximum(_smooth(later, weights)(nodes), 0.0)
    return _padded(own, _lagrange(later, nodes), count)


def carry_over_groups(weights: Floats, count: int) -> tuple[Floats, Floats]:
    """Groups of draws with like carry-over: their mean weights (case, lag), quickest first, and who is in them.

    The second array (case, draw) is 1.0 where a draw belongs to the group and 0.0 elsewhere.
    """
    alike, member = np.unique(weights, axis=0, return_inverse=True)
    if alike.shape[0] > count:
        from scipy.cluster.vq import kmeans2

        alike, member = kmeans2(weights, count, minit="++", rng=SEED)
    order = np.argsort(-alike[:, 0])
    share = (member[None] == order[:, None]).astype(np.float64)
    return _padded(alike[order], share, count)


def _padded(own: Floats, share: Floats, count: int) -> tuple[Floats, Floats]:
    """As many cases as other lines have: draws that are all alike need fewer."""
    missing = ((0, count - own.shape[0]), (0, 0))
    own = np.pad(own, missing, mode="edge")
    return own / own.sum(axis=1, keepdims=True), np.pad(share, missing)


def _standard(values: Floats) -> Floats:
    spread = float(values.std())
    return np.asarray((values - values.mean()) / spread if spread > 1e-9 else np.zeros_like(values))


def _smooth(along: Floats, weights: Floats) -> Callable[[Floats], Floats]:
    """Weights as a polynomial of a number that each draw has, by least squares."""
    degree = min(6, np.unique(along).size - 1)
    fitted = np.linalg.lstsq(np.vander(along, degree + 1), weights, rcond=None)[0]
    return lambda at: np.asarray(np.vander(at, degree + 1) @ fitted)


def _lagrange(at: Floats, nodes: Floats) -> Floats:
    """Lagrange's polynomials of the nodes at each draw, array (node, draw)."""
    share = np.ones((nodes.size, at.size))
    for place, node in enumerate(nodes):
        for other in np.delete(nodes, place):
            share[place] *= (at - other) / (node - other)
    return share


def _gauss_nodes(at: Floats, count: int) -> Floats:
    """Nodes of the Gauss quadrature of a sample: eigenvalues of its Jacobi matrix."""
    diagonal, off = np.zeros(count), np.zeros(count)
    before, now = np.zeros_like(at), np.full_like(at, at.size**-0.5)
    for degree in range(count):
        diagonal[degree] = (at * now * now).sum()
        rest = (at - diagonal[degree]) * now - (off[degree - 1] * before if degree else 0.0)
        off[degree] = np.sqrt((rest * rest).sum())
        before, now = now, rest / max(off[degree], 1e-300)
    return np.asarray(np.linalg.eigvalsh(np.diag(diagonal) + np.diag(off[:-1], 1) + np.diag(off[:-1], -1)))


def _calibrated(made: LiveCurves, spend: Floats, gains: Floats) -> LiveCurves:
    """The curves with the constants that make them exact at the solver's plan; ``gains`` is (draw, name)."""
    carried = made.at(np.zeros_like(spend)).response.sum(axis=(1, 2))
    made = replace(made, carried=carried)
    exact, ends = gains.mean(axis=0), np.quantile(gains, [0.05, 0.95], axis=0)
    made = replace(made, true_up=_ratio(exact, made.at(spend).gmv))
    raw = made.at(spend)
    made = replace(made, low_factor=_ratio(ends[0], raw.low), high_factor=_ratio(ends[1], raw.high))
    total = gains.sum(axis=1)
    down, up = total.mean() - np.quantile(total, 0.05), np.quantile(total, 0.95) - total.mean()
    return replace(
        made,
        total_low=float(_ratio(down, np.sqrt(((exact - ends[0]) ** 2).sum()))),
        total_high=float(_ratio(up, np.sqrt(((ends[1] - exact) ** 2).sum()))),
    )


def _ratio(wanted: Floats | np.float64, found: Floats | np.float64) -> Floats:
    """``wanted / found``, one where nothing was found."""
    empty = np.abs(found) < 1e-9
    return np.where(empty, 1.0, wanted / np.where(empty, 1.0, found))
