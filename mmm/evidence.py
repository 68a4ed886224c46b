"""Evidence beside the weekly series: lift tests, and the ROI that platforms attribute to themselves.

A lift test says what a change of one channel's spend did to the KPI, with a standard error. The model's own answer to
the same change is computed from the same adstock and saturation, and the difference is normal with that error.
Attribution is weaker: platforms overstate or understate themselves by a factor that is common to all of them, plus a
channel's own; only what remains, the order of the channels, is learnt from.

Source: lift tests in the likelihood as in PyMC-Marketing's ``add_lift_test_measurements``, here on adstocked spend and
with dates; Zhang et al. 2024 for the reasoning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mmm.media import MediaForm, channel_weights, saturate

if TYPE_CHECKING:
    from mmm.lift import LiftTest
    from mmm.panel import Panel
    from mmm.settings import ModelSettings

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LiftData:
    """Lift tests as arrays. A test of all units has a piece for each of them.

    Attributes
    ----------
    channel, unit : array (piece,) of int
        Position of each piece's channel and unit.
    recorded, changed : array (piece, week, lag)
        Spend over reference by lag, as recorded, and with the tested change; zeros after the test's last week.
    peak : array (piece, week)
        Peak intensity.
    counted : array (piece, week)
        1.0 in the weeks of the test, 0.0 after its end (tests differ in length).
    to_test : array (test, piece)
        Sums pieces to tests; carries the KPI of one scaled unit, over the mean KPI of all.
    change, error : array (test,)
        Measured change of the KPI and its standard error, over the mean KPI of all units.
    """

    channel: npt.NDArray[np.int64]
    unit: npt.NDArray[np.int64]
    recorded: Floats
    changed: Floats
    peak: Floats
    counted: Floats
    to_test: Floats
    change: Floats
    error: Floats

    def arrays(self, *, peaks: bool = True) -> dict[str, Floats]:
        """The numbers of the graph's ``pm.Data``; positions of channels and units are part of the graph itself."""
        names = ("recorded", "changed", "counted", "to_test", "change", "error", *(("peak",) if peaks else ()))
        return {f"lift_{name}": getattr(self, name) for name in names}


def lift_data(
    tests: Sequence[LiftTest],
    panel: Panel,
    channels: Sequence[str],
    reference: Floats,
    stock_lags: Floats,
    intensity: Floats,
    kpi_mean: Floats,
) -> LiftData | None:
    """Arrays of the tests of learnt channels; None when there is none."""
    used = [test for test in tests if test.channel in channels]
    if not used:
        return None
    longest = max(_weeks(test, panel)[1] for test in used)
    pieces = [(k, channels.index(test.channel), unit) for k, test in enumerate(used) for unit in _units(test, panel)]
    lags = stock_lags.shape[3]
    recorded, changed = (np.zeros((len(pieces), longest, lags)) for _ in range(2))
    peak, counted = (np.zeros((len(pieces), longest)) for _ in range(2))
    to_test = np.zeros((len(used), len(pieces)))
    whole = kpi_mean.sum()
    for row, (k, channel, unit) in enumerate(pieces):
        first, weeks = _weeks(used[k], panel)
        span = slice(first, first + weeks)
        path = stock_lags[unit, span, channel, 0]
        share = _share_of_unit(used[k], panel, unit)
        added = _spread(path, used[k].spend_change * share / reference[unit, channel])
        recorded[row, :weeks] = stock_lags[unit, span, channel]
        changed[row, :weeks] = recorded[row, :weeks] + _by_lag(added, lags)
        peak[row, :weeks], counted[row, :weeks] = intensity[span], 1.0
        to_test[k, row] = kpi_mean[unit] / whole
    return LiftData(
        channel=np.array([channel for _, channel, _ in pieces]),
        unit=np.array([unit for _, _, unit in pieces]),
        recorded=recorded,
        changed=np.maximum(changed, 0.0),
        peak=peak,
        counted=counted,
        to_test=to_test,
        change=np.array([test.kpi_change for test in used]) / whole,
        error=np.array([test.kpi_se for test in used]) / whole,
    )


def _weeks(test: LiftTest, panel: Panel) -> tuple[int, int]:
    """Position of the test's first week, and how many weeks it lasts."""
    first = (test.start - panel.weeks[0]).days // 7
    last = (test.end - panel.weeks[0]).days // 7
    return first, last - first + 1


def _units(test: LiftTest, panel: Panel) -> list[int]:
    return [panel.units.index(test.unit)] if test.unit else list(range(len(panel.units)))


def _share_of_unit(test: LiftTest, panel: Panel, unit: int) -> float:
    """A change in all units is divided like their spend of those weeks, or evenly where there is none."""
    first, weeks = _weeks(test, panel)
    spent = panel.spend[_units(test, panel), first : first + weeks, panel.channels.index(test.channel)].sum(axis=1)
    place = _units(test, panel).index(unit)
    return float(spent[place] / spent.sum()) if spent.sum() > 0 else 1.0 / spent.size


def _spread(path: Floats, total: float) -> Floats:
    """A change divided over weeks like the recorded spend, or evenly where there is none."""
    return np.asarray(total * (path / path.sum() if path.sum() > 0 else np.full(path.size, 1.0 / path.size)))


def _by_lag(path: Floats, lags: int) -> Floats:
    """A path that is zero before its first week, array (week, lag)."""
    padded = np.concatenate([np.zeros(lags - 1), path])
    return np.lib.stride_tricks.sliding_window_view(padded, lags)[:, ::-1]


def lift_response(
    lift: LiftData, data: Mapping[str, Any], parameters: Mapping[str, Any], scale: Any, form: MediaForm, xp: ModuleType
) -> Any:
    """The model's own answer to every test, array (test,), over the mean KPI of all units.

    Parameters
    ----------
    lift : LiftData
        For the positions of channels and units.
    data : mapping
        :meth:`LiftData.arrays`, or the graph's variables of the same names.
    parameters : mapping
        Of one draw, or of the graph.
    scale : array (unit, channel)
        Scaled KPI at full saturation.
    """
    weights = channel_weights(parameters, form, xp)[lift.channel]
    families = [form.saturation[c] for c in lift.channel]
    shape = {name: parameters[name][lift.channel] for name in ("half_saturation", "slope", "tail")}

    def level(lags: Any) -> Any:
        return saturate((lags * weights[:, None, :]).sum(axis=-1).T, shape, families, xp).T

    gain = (level(data["lift_changed"]) - level(data["lift_recorded"])) * data["lift_counted"]
    if "kappa" in parameters:
        gain = gain * xp.exp(parameters["kappa"][lift.channel][:, None] * data["lift_peak"])
    return data["lift_to_test"] @ (gain.sum(axis=1) * scale[lift.unit, lift.channel])


def lift_surprise(lift: LiftData, parameters: Mapping[str, Any], form: MediaForm, draws: int = 400) -> Floats:
    """Measured less modelled effect of every test, in standard errors of both together: array (test,).

    Parameters
    ----------
    parameters : mapping
        Of all draws, ``scale`` included.
    draws : int
        About how many of them to use.
    """
    data, count = lift.arrays(), len(parameters["scale"])
    chosen = range(0, count, max(1, count // draws))
    each = ({name: values[draw] for name, values in parameters.items()} for draw in chosen)
    told = np.stack([lift_response(lift, data, one, one["scale"], form, np) for one in each])
    return np.asarray((lift.change - told.mean(axis=0)) / np.hypot(lift.error, told.std(axis=0)))


def log_lift(
    lift: LiftData, data: Mapping[str, Any], parameters: Mapping[str, Any], scale: Any, form: MediaForm, xp: ModuleType
) -> Any:
    """Log likelihood of the tests, up to a constant."""
    off = (data["lift_change"] - lift_response(lift, data, parameters, scale, form, xp)) / data["lift_error"]
    return -0.5 * (off**2).sum()


@dataclass(frozen=True, slots=True)
class Attribution:
    """What platforms attribute to themselves.

    Attributes
    ----------
    log_share : array (channel,)
        Log of the attributed GMV over the KPI value of all units; zero where nothing is known.
    known : array (channel,)
        1.0 where the project names attributed GMV, 0.0 elsewhere.
    belief : array (3,)
        Log of the median factor of overstatement common to all channels, its log sd, and the log sd of a channel's own.
    """

    log_share: Floats
    known: Floats
    belief: Floats

    def arrays(self) -> dict[str, Floats]:
        """The numbers of the graph's ``pm.Data``."""
        return {f"attribution_{name}": getattr(self, name) for name in ("log_share", "known", "belief")}


def attribution_data(panel: Panel, channels: Sequence[str], settings: ModelSettings) -> Attribution | None:
    """Attributed shares of learnt channels; None unless the project asks for them and has any."""
    asked = settings.attributed_evidence
    if asked is None:
        return None
    at = [panel.channels.index(name) for name in channels]
    seen = np.isfinite(panel.attributed[:, :, at])
    attributed = np.nansum(panel.attributed[:, :, at], axis=(0, 1))
    # A channel counted in some weeks only is scaled to all of its spend.
    spend = panel.spend[:, :, at]
    covered = (spend * seen).sum(axis=(0, 1))
    known = (attributed > 0) & (covered > 0)
    if not known.any():
        return None
    whole = (panel.kpi * panel.value_per_kpi).sum()
    share = attributed * spend.sum(axis=(0, 1)) / np.where(covered > 0, covered, 1.0) / whole
    return Attribution(
        log_share=np.log(np.where(known, share, 1.0)),
        known=known.astype(np.float64),
        belief=np.array([np.log(asked.overstated), asked.common_sigma, asked.sigma]),
    )


def log_attribution(data: Mapping[str, Any], bias_z: Any, shares: Any, xp: ModuleType) -> Any:
    """Log likelihood of attributed shares, given the shares (unit, channel) that the model credits."""
    centre, common, own = (data["attribution_belief"][k] for k in range(3))
    credited = xp.log((shares * data["value_weight"][:, None]).sum(axis=0))
    off = (data["attribution_log_share"] - credited - centre - common * bias_z) / own
    return -0.5 * (data["attribution_known"] * off**2).sum()
