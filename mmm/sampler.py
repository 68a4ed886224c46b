"""The sampler: compile the graph, draw from the posterior, and judge whether the draws can be trusted."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from mmm.settings import ModelSettings

Floats = npt.NDArray[np.float64]


def import_sampler() -> None:
    """Import PyMC and nutpie, which takes seconds and is best shown as a stage of its own."""
    import os

    # Sampling runs through numba, so PyTensor must not look for a C compiler.
    os.environ.setdefault("PYTENSOR_FLAGS", "cxx=")
    # LLVM's first level of optimisation compiles a fifth faster and samples no slower.
    os.environ.setdefault("NUMBA_OPT", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ArviZ announces its next major version at every import
        import nutpie  # noqa: F401
        import pymc  # noqa: F401


def compile_model(graph: Any) -> Any:
    """Compile the graph with numba; the result can be given other data of the same kind by ``with_data``."""
    import nutpie
    import pytensor

    # With fast maths, code compiled anew and code read from the cache add in another order: same seed, other draws.
    exact = pytensor.config.change_flags(numba__fastmath=False)
    # PyTensor 2.38 gives up fusing some loops of models with peaks and logs why: nothing is wrong with the graph, and
    # it runs no slower.
    log = logging.getLogger("pytensor.graph.rewriting.basic")
    told = log.level
    log.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), exact:
            warnings.simplefilter("ignore")  # numba warns of what it cannot cache
            return nutpie.compile_pymc_model(graph, backend="numba")
    finally:
        log.setLevel(told)


def sample(compiled: Any, settings: ModelSettings, *, correlated: bool = False, show_progress: bool = False) -> Any:
    """Draw from the posterior with NUTS; Ctrl-C stops at once and keeps nothing."""
    import nutpie

    sampler = nutpie.sample(
        compiled,
        draws=settings.draws,
        tune=settings.tune,
        chains=settings.chains,
        cores=settings.cores,
        seed=settings.seed,
        target_accept=settings.target_accept,
        low_rank_modified_mass_matrix=correlated,
        progress_bar=show_progress,
        save_warmup=False,
        blocking=False,
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return sampler.wait()
    except BaseException:
        sampler.cancel()
        raise


def _by_chain(values: Any, settings: ModelSettings) -> Floats:
    """Draws by chain, array (chain, draw, parameter); a single chain is held against itself, half against half."""
    chains = np.asarray(values, dtype=np.float64).reshape(settings.chains, settings.draws, -1)
    if settings.chains > 1:
        return chains
    half = settings.draws // 2
    return chains[0, : 2 * half].reshape(2, half, -1)


def diagnose(trace: Any, parameters: Mapping[str, Any], settings: ModelSettings) -> dict[str, Any]:
    """R-hat over all parameters, effective sample sizes over every ROI, divergences."""
    import arviz

    roi = _by_chain(parameters["roi"], settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        every = np.concatenate([_by_chain(values, settings) for values in trace.posterior.values()], axis=2)
        table = arviz.convert_to_dataset({"roi": roi, "every": every})
        rhat = arviz.rhat(table)
        bulk, tail = (arviz.ess(table[["roi"]], method=method)["roi"].values for method in ("bulk", "tail"))
    return {
        "max_rhat": float(np.concatenate([rhat["roi"].values, rhat["every"].values]).max()),
        "min_ess_bulk": float(bulk.min()),
        "min_ess_tail": float(tail.min()),
        "divergences": int(np.asarray(trace.sample_stats["diverging"].values).sum()),
        "draws": settings.draws,
        "chains": settings.chains,
        "mean_steps": float(np.asarray(trace.sample_stats["n_steps"].values).mean()),
    }
