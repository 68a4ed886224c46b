"""The model: what it keeps of the data, its priors in finance's language, and the log density of its graph."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from mmm.calendar import NO_PEAKS, Calendar, Peak, week_range
from mmm.media import channel_weights, media_parameters, media_shape, parameter_shapes
from mmm.model import LEAST_ACTIVE_WEEKS, build_model, graph_data, learnable, opening_spend, prepare, reference_spend
from mmm.panel import Panel
from mmm.priors import build_prior
from mmm.problems import InputError
from mmm.sampler import import_sampler
from mmm.settings import AdstockSettings, ChannelSettings, ModelSettings

WEEKS = 56
NAMES = ("抖音直播", "search", "weibo")
NOTHING = Calendar(NO_PEAKS, ())
SETTINGS = ModelSettings(harmonics=1, adstock=AdstockSettings(max_lag=3))


def make_panel(units=2, money=1.0, kpi=1.0):
    rng = np.random.default_rng(11)
    shape = (units, WEEKS)
    return Panel(
        weeks=week_range(date(2026, 10, 5), WEEKS),
        units=("north", "south")[:units],
        channels=NAMES,
        controls=(),
        kpi=kpi * rng.uniform(800, 1200, shape),
        value_per_kpi=np.full(shape, 1.5),
        spend=money * rng.uniform(20, 90, (*shape, 3)),
        control=np.empty((*shape, 0)),
        visits=np.full((*shape, 3), np.nan),
        attributed=np.full((*shape, 3), np.nan),
    )


def settings_of(names=NAMES, groups=("social", "search", "social"), **own):
    return {
        name: ChannelSettings(groups=(group,), **own.get(name, {})) for name, group in zip(names, groups, strict=True)
    }


def standard(model, seed=1, draws=()):
    rng = np.random.default_rng(seed)
    return {name: rng.standard_normal((*draws, *shape)) for name, shape in parameter_shapes(model.form).items()}


def nothing_known(model, **known):
    return {name: np.zeros(shape) for name, shape in parameter_shapes(model.form).items()} | known


def shape_of(found, model):
    stock = (model.stock_lags * channel_weights(found, model.form, np)).sum(axis=-1)
    return media_shape(found, stock, model.intensity, model.form, np)


@pytest.fixture(scope="module")
def model():
    peaks = Calendar("own", (Peak("双十一", date(2026, 11, 1), date(2026, 11, 11), 1.0, "estimate"),))
    return prepare(make_panel(), settings_of(), peaks, (), SETTINGS)


# ---- what is kept of the data


def test_a_channel_is_learnt_from_its_eighth_week_of_spend():
    panel = make_panel(units=1)
    spend = panel.spend.copy()
    spend[0, LEAST_ACTIVE_WEEKS:, 0] = 0.0
    spend[0, LEAST_ACTIVE_WEEKS - 1 :, 2] = 0.0
    assert learnable(replace(panel, spend=spend)) == (0, 1)


def test_weeks_of_spend_count_once_over_all_units():
    panel = make_panel()
    spend = panel.spend.copy()
    spend[:, LEAST_ACTIVE_WEEKS - 1 :, 0] = 0.0
    assert learnable(replace(panel, spend=spend)) == (1, 2)


def test_reference_is_the_mean_of_weeks_with_spend():
    spend = np.array([[[0.0, 0.0], [4.0, 0.0], [8.0, 0.0]]])
    np.testing.assert_array_equal(reference_spend(spend), [[6.0, 1.0]])


def test_spend_before_the_data_is_the_mean_of_the_first_four_weeks():
    spend = np.arange(6.0).reshape(1, 6, 1)
    np.testing.assert_array_equal(opening_spend(spend, 3), np.full((1, 3, 1), 1.5))


def test_kpi_spend_and_money_are_scaled_by_unit(model):
    panel = make_panel()
    np.testing.assert_allclose(model.scaled_kpi.mean(axis=1), 1.0)
    np.testing.assert_allclose(model.value_per_kpi, 1.5)
    np.testing.assert_allclose(model.stock_lags[:, :, :, 0] * model.reference[:, None], panel.spend)
    np.testing.assert_allclose(model.spend_share, panel.spend.sum(axis=1) / (1.5 * panel.kpi.sum(axis=1))[:, None])


def test_channels_without_history_are_left_out_of_the_graph():
    panel = make_panel(units=1)
    spend = panel.spend.copy()
    spend[0, 3:, 1] = 0.0
    kept = prepare(replace(panel, spend=spend), settings_of(), NOTHING, (), SETTINGS)
    assert kept.channels == ("抖音直播", "weibo")
    assert parameter_shapes(kept.form)["roi_z"] == (2,)


def test_data_without_any_learnable_channel_are_refused():
    panel = make_panel()
    spend = panel.spend.copy()
    spend[:, LEAST_ACTIVE_WEEKS - 1 :] = 0.0
    with pytest.raises(InputError, match="no channel has 8 weeks of spend"):
        prepare(replace(panel, spend=spend), settings_of(), NOTHING, (), SETTINGS)


# ---- priors


def test_default_prior_gives_media_a_fifth_of_the_kpi():
    shares = np.array([[0.02, 0.03], [0.04, 0.01]])
    prior = build_prior(settings_of(("a", "b"), ("x", "x")), ModelSettings(), shares, np.array([0.5, 0.5]))
    assert np.exp(prior.centre) * 0.05 == pytest.approx(0.2)
    assert prior.total == (pytest.approx(np.log(0.2)), 0.35)
    assert prior.groups == 1


def test_a_stated_default_replaces_the_scale_free_one_and_its_guard():
    stated = ModelSettings(roi_prior={"median": 2.0, "sigma": 0.9})
    prior = build_prior(settings_of(), stated, np.full((1, 3), 0.05), np.ones(1))
    assert prior.centre == pytest.approx(np.log(2.0))
    assert prior.total is None
    # Centre and spread together keep about the spread that was stated.
    assert np.hypot(prior.centre_spread, prior.roi_spread[0]) == pytest.approx(0.9, rel=0.02)


def test_a_channels_own_roi_prior_is_its_prior():
    own = settings_of(search={"roi_prior": {"median": 3.0, "sigma": 0.4}})
    model = prepare(make_panel(units=1), own, NOTHING, (), SETTINGS)
    roi = media_parameters(standard(model, draws=(40_000,)), model.form, np)["roi"][:, 0]
    assert np.median(roi[:, 1]) == pytest.approx(3.0, rel=0.02)
    assert np.log(roi[:, 1]).std() == pytest.approx(0.4, rel=0.02)
    assert np.corrcoef(np.log(roi[:, 0]), np.log(roi[:, 1]))[0, 1] == pytest.approx(0.0, abs=0.02)
    assert np.corrcoef(np.log(roi[:, 0]), np.log(roi[:, 2]))[0, 1] > 0.5


def test_channels_of_one_group_share_more_than_channels_of_two(model):
    roi = np.log(media_parameters(standard(model, draws=(40_000,)), model.form, np)["roi"][:, 0])
    together = np.corrcoef(roi, rowvar=False)
    assert together[0, 2] > together[0, 1] + 0.03
    assert model.prior.group.tolist() == [0, 1, 0]


def test_medians_are_those_of_the_prior(model):
    found = media_parameters(nothing_known(model), model.form, np)
    np.testing.assert_allclose(found["roi"], np.exp(model.prior.centre))
    np.testing.assert_allclose(found["slope"], 1.1)
    np.testing.assert_allclose(found["half_saturation"], 1.2)
    np.testing.assert_allclose(found["sigma"], 0.07)
    np.testing.assert_allclose(found["kappa"], 0.3)


def test_a_unit_differs_from_the_channels_mean_by_its_own_effect(model):
    same = media_parameters(nothing_known(model), model.form, np)["roi"]
    other = nothing_known(model, unit_z=np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]))
    np.testing.assert_allclose(media_parameters(other, model.form, np)["roi"] / same, [[1, np.exp(0.25), 1], [1, 1, 1]])


def test_a_guard_that_is_stated_stays_beside_a_stated_default():
    stated = ModelSettings(roi_prior={"median": 2.0}, media_share={"median": 0.1})
    prior = build_prior(settings_of(), stated, np.full((1, 3), 0.05), np.ones(1))
    assert prior.total == (pytest.approx(np.log(0.1)), 0.35)


def test_a_groups_prior_is_that_of_its_channels_unless_they_have_their_own():
    stated = ModelSettings(group_roi_priors={"social": {"median": 3.0, "sigma": 0.4}})
    channels = settings_of(weibo={"roi_prior": {"median": 5.0, "sigma": 0.2}})
    prior = build_prior(channels, stated, np.full((1, 3), 0.05), np.ones(1))
    np.testing.assert_allclose(prior.own_location, [np.log(3.0), 0.0, np.log(5.0)])
    np.testing.assert_allclose(prior.own_spread, [0.4, 0.0, 0.2])
    np.testing.assert_allclose(prior.pooled, [0.0, 1.0, 0.0])


def test_a_groups_prior_reaches_its_channels_without_history_too():
    panel = make_panel(units=1)
    spend = panel.spend.copy()
    spend[:, 3:, 2] = 0.0
    settings = SETTINGS.model_copy(
        update={"group_roi_priors": ModelSettings(group_roi_priors={"social": {"median": 3.0}}).group_roi_priors}
    )
    young = prepare(replace(panel, spend=spend), settings_of(), NOTHING, (), settings)
    assert young.channels == ("抖音直播", "search")
    assert {name: prior.median for name, prior in young.stated_roi.items()} == {"抖音直播": 3.0, "weibo": 3.0}


def test_families_of_channels_stand_beside_each_other():
    """A model of mixed families treats each channel as a model of its family alone would."""
    families = {
        "抖音直播": {"adstock": {"family": "delayed"}, "saturation": {"family": "power"}},
        "weibo": {"adstock": {"family": "weibull"}, "saturation": {"family": "flexible"}},
    }
    mixed = prepare(make_panel(), settings_of(**families), NOTHING, (), SETTINGS)
    assert mixed.form.adstock == ("delayed", "geometric", "weibull")
    assert mixed.form.saturation == ("power", "hill", "flexible")
    z = standard(mixed)
    found = media_parameters(z, mixed.form, np)
    assert 0 < found["slope"][0] < 1
    together = shape_of(found, mixed)
    for c, name in enumerate(NAMES):
        own = {name: families.get(name, {})}
        alone = prepare(
            make_panel(), settings_of(NAMES, **{n: own.get(name, {}) for n in NAMES}), NOTHING, (), SETTINGS
        )
        one = media_parameters(z, alone.form, np)
        np.testing.assert_allclose(shape_of(one, alone)[..., c], together[..., c], rtol=1e-12)


def test_one_unit_and_no_peaks_need_no_parameters_for_them():
    plain = prepare(make_panel(units=1), settings_of(), NOTHING, (), SETTINGS)
    assert not {"unit_z", "unit_spread_z", "kappa_z"} & set(parameter_shapes(plain.form))
    assert "group_z" in parameter_shapes(plain.form)
    alone = prepare(make_panel(units=1), settings_of(groups=("a", "b", "c")), NOTHING, (), SETTINGS)
    assert "group_z" not in parameter_shapes(alone.form)
    assert alone.prior.groups == 3


def test_parameters_keep_their_draw_axes(model):
    found = media_parameters(standard(model, draws=(4, 5)), model.form, np)
    assert found["roi"].shape == (4, 5, 2, 3)
    assert found["retention"].shape == found["kappa"].shape == (4, 5, 3)
    assert found["sigma"].shape == (4, 5, 2)


def test_peak_weeks_multiply_the_response(model):
    quiet = media_parameters(nothing_known(model), model.form, np)
    flat = shape_of(quiet | {"kappa": np.zeros(3)}, model)
    lifted = shape_of(quiet, model)
    np.testing.assert_allclose(lifted / flat, np.exp(0.3 * model.intensity)[None, :, None] * np.ones((2, 1, 3)))
    assert model.intensity.max() == 1.0


# ---- the graph


@pytest.fixture(scope="module")
def log_density():
    """Compiles a model's log density without numba or C; returns a function of the standard normals."""
    import_sampler()
    from pytensor.compile.mode import Mode

    mode = Mode(linker="py", optimizer=None)

    def compiled(model=None, graph=None):
        graph = graph or build_model(model)
        function = graph.compile_fn(graph.logp(), mode=mode)
        return lambda z: float(function(z))

    return compiled


@pytest.fixture(scope="module")
def in_graph(model, log_density):
    return log_density(model)


def test_a_graph_given_other_data_is_the_model_of_those_data(model, log_density):
    """Nothing of data or beliefs is a constant of the graph: scale, shares, peaks, priors and length may all change."""
    peaks = Calendar("own", (Peak("618", date(2027, 6, 1), date(2027, 6, 18), 0.6, "estimate"),))
    panel = make_panel(money=3.0, kpi=2.0)
    panel = replace(panel, **{n: getattr(panel, n)[:, 2:] for n in ("kpi", "value_per_kpi", "spend", "control")})
    panel = replace(panel, weeks=panel.weeks[2:])
    other = prepare(panel, settings_of(weibo={"roi_prior": {"median": 3.0, "sigma": 0.5}}), peaks, (), SETTINGS)
    graph = build_model(model)
    z = standard(model, seed=3)
    for name, value in graph_data(other).items():
        graph.set_data(name, value)
    assert log_density(graph=graph)(z) == pytest.approx(log_density(other)(z), rel=1e-12)


def log_density_by_hand(model, z):
    """The same with scipy's dense densities, from the formulas in the module's text."""
    found = media_parameters(z, model.form, np)
    shares = found["roi"] * model.spend_share
    shape = shape_of(found, model)
    media = (shares[:, None] * shape / shape.mean(axis=1, keepdims=True)).sum(axis=2)
    total = sum(norm.logpdf(value).sum() for value in z.values())
    value = model.kpi_mean * model.value_per_kpi
    centre, sd = model.prior.total
    total += -0.5 * ((np.log((shares.sum(axis=1) * value / value.sum()).sum()) - centre) / sd) ** 2
    for unit, sigma in enumerate(found["sigma"]):
        columns = model.baseline.fixed[unit] * model.baseline.fixed_sd
        covariance = sigma**2 * (np.eye(WEEKS) + columns @ columns.T)
        covariance += found["walk"][0] ** 2 * model.baseline.slow @ model.baseline.slow.T
        total += multivariate_normal(media[unit], covariance).logpdf(model.scaled_kpi[unit])
    return total


def test_the_graphs_log_density_is_the_models(model, in_graph):
    points = [standard(model, seed) for seed in range(4)]
    gaps = [in_graph(z) - log_density_by_hand(model, z) for z in points]
    # Constants of the densities are left out of the graph.
    np.testing.assert_allclose(gaps, gaps[0], rtol=0, atol=1e-4)
    spread = np.ptp([in_graph(z) for z in points])
    assert spread > 10


@pytest.mark.parametrize(("money", "kpi"), [(1e-6, 1e-6), (1.0, 1e4)])
def test_currency_and_unit_of_the_kpi_change_nothing(model, in_graph, log_density, money, kpi):
    peaks = Calendar("own", (Peak("双十一", date(2026, 11, 1), date(2026, 11, 11), 1.0, "estimate"),))
    scaled = prepare(make_panel(money=money, kpi=kpi), settings_of(), peaks, (), SETTINGS)
    z = standard(model)
    assert log_density(scaled)(z) == pytest.approx(in_graph(z), rel=1e-9)
    roi, was = (media_parameters(z, one.form, np)["roi"] for one in (scaled, model))
    np.testing.assert_allclose(roi / was, kpi / money)
