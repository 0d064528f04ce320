"""Make a twin of the readings of a calibration."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from crossbar_hil.arrays import BoolArray, FloatArray, checked_array
from crossbar_hil.confidence import Z95
from crossbar_hil.errors import DataError
from crossbar_hil.twins.estimates import Number
from crossbar_hil.twins.file import Cells, Draws, Estimate, Numbers, Source, Twin
from crossbar_hil.twins.fit import ChipDraws, ChipFit, fit_chip
from crossbar_hil.twins.read_noise import ReadNoise, find_read_noise
from crossbar_hil.twins.readings import Readings
from crossbar_hil.twins.relaxation import Relaxed, fit_relaxation

DRAWS = 200
"""Chips that a twin file holds."""
SEED = 0
"""Of the fit: the same readings give the same twin."""


def make_twin(
    readings: Readings,
    curve_siemens: ArrayLike | None,
    *,
    scale: float = 1.0,
    curve_noise: float = 0.0,
    source: dict[str, Any],
    draws: int = DRAWS,
) -> Twin:
    """Fit the chip whose readings these are, and draw chips that they leave possible.

    Parameters
    ----------
    readings : Readings
        Of a whole calibration.
    curve_siemens : array_like of float, shape (L,)
        Conductance at each level of the curve of the calibrating pulse; not needed with spare cells, whose mean curve
        is taken.
    scale : float
        K of that curve.
    curve_noise : float
        Relative standard error of its levels; of spare cells it is that of their readings.
    source : dict
        The keys of [source] that the readings do not say: curve, version, bench and the like.
    draws : int
        Chips to be drawn.

    Raises
    ------
    DataError
        If the readings or the curve cannot be fitted.
    """
    spare = readings.spare_curves()
    if spare:
        curve, scale = _mean_curve(spare), 1.0
    elif curve_siemens is None:
        raise DataError("there is neither a spare cell nor the curve of a sister chip to fit the cells against")
    else:
        curve = checked_array("curve levels", curve_siemens, (None,))
    rises = scale * (curve - curve[0])
    if rises.max() <= 0:
        raise DataError("the curve never rises, so no step factor can be fitted to it")
    fitted = np.ones(readings.shape, dtype=bool)
    for cell in spare:
        fitted[cell] = False
    chosen = fitted.ravel()
    rounds = [each.reshape(len(each), -1) for each in readings.rounds()]
    found = find_read_noise(*(each[:, chosen] for each in rounds))
    noise = found.share
    means = np.array([each.mean(axis=0) for each in rounds])
    errors = noise * np.abs(means) / np.sqrt([[len(each)] for each in rounds])
    seconds = readings.seconds()
    # The noise of the curve is in whatever is held against it.
    levels = curve[np.minimum(np.arange(len(means)), len(curve) - 1)]
    of_curve = scale * (noise / np.sqrt(readings.spare_reads) if spare else curve_noise) * np.hypot(levels, curve[0])
    of_curve[0] = 0.0
    relaxed = None if seconds is None else fit_relaxation([each[:, chosen] for each in rounds], seconds, noise)
    before, doubt = (means[:, chosen], errors[:, chosen]) if relaxed is None else (relaxed.means, relaxed.errors)
    doubt = np.hypot(doubt, of_curve[:, None])
    fit = fit_chip(before, doubt, rises, draws=draws, rng=np.random.default_rng(SEED))
    whole = _with_spares(fit.draws, chosen, spare, rises, readings.shape)
    return Twin(
        rows=readings.shape[0],
        columns=readings.shape[1],
        scale=scale,
        source=Source(
            read_v=readings.facts["read_v"],
            amplitude_v=readings.facts["amplitude_v"],
            width_s=readings.facts["width_s"],
            reads=len(readings.maps),
            pulses=readings.pulses,
            spare=tuple(spare),
            seconds=None if seconds is None else float(seconds[-1][-1]),
            **source,
        ),
        numbers=_numbers(fit, found, relaxed, means[0, chosen]),
        cells=_cells(fit, whole, means, errors, chosen, readings.shape),
        curve_siemens=curve.tolist(),
        draws=Draws(
            step_variation=whole.step_variation.tolist(),
            start_siemens=whole.start_siemens.tolist(),
            step_factors=whole.step_factors.tolist(),
            levels=whole.levels.tolist(),
        ),
    )


def _mean_curve(spare: dict[tuple[int, int], FloatArray]) -> FloatArray:
    lengths = {len(each) for each in spare.values()}
    if len(lengths) > 1 or min(lengths) < 2:
        raise DataError(f"the curves of the spare cells have {sorted(lengths)} points, one length is needed")
    return np.mean(list(spare.values()), axis=0).clip(min=0.0)


def _with_spares(
    draws: ChipDraws,
    fitted: BoolArray,
    spare: dict[tuple[int, int], FloatArray],
    rises: FloatArray,
    shape: tuple[int, int],
) -> ChipDraws:
    """Return the draws of all cells; a spare cell is at the end of its measured curve in each."""
    count = len(draws.step_variation)
    starts, factors, levels = (np.zeros((count, fitted.size)) for _ in range(3))
    for whole, part in ((starts, draws.start_siemens), (factors, draws.step_factors), (levels, draws.levels)):
        whole[:, fitted] = part
    for cell, curve in spare.items():
        place = int(np.ravel_multi_index(cell, shape))
        starts[:, place], levels[:, place] = max(curve[0], 0.0), len(curve) - 1
        factors[:, place] = max((curve[-1] - curve[0]) / rises[-1], 0.0) if rises[-1] > 0 else 0.0
    return ChipDraws(draws.step_variation, starts, factors, levels)


def _numbers(fit: ChipFit, noise: ReadNoise, relaxed: Relaxed | None, starts: FloatArray) -> Numbers:
    cells = len(starts)
    count = cells * noise.reads
    logarithms = np.log(starts[starts > 0])
    spread = float(logarithms.std(ddof=1)) if len(logarithms) > 1 else 0.0
    several = f"{cells} cells together, prior half a normal of 0.5"
    return Numbers(
        read_noise=_estimate(Number(noise.share, noise.low, noise.high), f"{count} repeated readings of {cells} cells"),
        step_variation=_estimate(fit.step_variation, several),
        step_spread=_estimate(fit.step_spread, several),
        mean_factor=_estimate(fit.mean_factor, f"{cells} cells against the curve, prior Cauchy of width 0.15 about 1"),
        device_spread=_counted(spread, max(len(logarithms), 2), f"start of {cells} cells"),
        relaxation=_over_time(relaxed.share, count) if relaxed else None,
        relaxation_s=_over_time(relaxed.seconds, count) if relaxed else None,
    )


def _estimate(number: Number, source: str) -> Estimate:
    return Estimate(value=_short(number.value), low=_short(number.low), high=_short(number.high), source=source)


def _over_time(number: Number, count: int) -> Estimate:
    return _estimate(number, f"{count} readings over time, an exponential loss")


def _counted(deviation: float, count: int, source: str) -> Estimate:
    """Return a standard deviation of so many values; that of its logarithm is 1 / sqrt(2 n)."""
    factor = float(np.exp(Z95 / np.sqrt(2 * max(count - 1, 1))))
    return _estimate(Number(deviation, deviation / factor, deviation * factor), source)


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def _cells(
    fit: ChipFit, draws: ChipDraws, means: FloatArray, errors: FloatArray, fitted: BoolArray, shape: tuple[int, int]
) -> Cells:
    unmoved = np.zeros(fitted.size)
    unmoved[fitted] = fit.unmoved
    low, middle, high = np.quantile(draws.step_factors, [0.025, 0.5, 0.975], axis=0)
    arrays = {
        "start_siemens": means[0],
        "start_error_siemens": errors[0],
        "now_siemens": means[-1],
        "now_error_siemens": errors[-1],
        "step_factor": middle,
        "step_factor_low": low,
        "step_factor_high": high,
        "level": draws.levels.mean(axis=0),
        "level_error": draws.levels.std(axis=0),
        "does_not_move": unmoved,
    }
    return Cells(**{name: each.reshape(shape).tolist() for name, each in arrays.items()})
