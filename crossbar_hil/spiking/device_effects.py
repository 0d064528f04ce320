"""What the devices of a computed network do that ideal ones do not: settings, all off by default, and what they mean.

`crossbar_hil.spiking.network.effects` has the formulas, docs/spiking_effects.md their words and what each costs.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, TypeAlias

import numpy as np

from crossbar_hil import defaults
from crossbar_hil.arrays import BoolArray, FloatArray
from crossbar_hil.bench.effects import LEAST_VARIATION, MOST_VARIATION
from crossbar_hil.errors import ConfigError
from crossbar_hil.spiking.network.devices import lognormal_factors, stuck_masks
from crossbar_hil.spiking.network.model import Cells, SpikingModel
from crossbar_hil.spiking.network.neurons import Singles, whole_steps
from crossbar_hil.tables import Ampere, Second, Share

STUCK_AT = ("ends", "low", "high", "start")
_STUCK, _SPREAD, _ROWS, _OPEN, _SHAPES, _DRIFTS, _OFFSETS = 1, 3, 4, 5, 6, 7, 8
"""What is drawn from a seed, each by a generator of its own, so that no effect changes what another one draws."""
SINCE = 2
"""Likewise, what has happened to a trained network."""
_BOUNDS = {
    **dict.fromkeys(("stuck", "dead", "unformed"), (1.0, "a share of the cells")),
    **dict.fromkeys(("start_spread", "step_spread", "shape_spread"), (3.0, "a sigma of logarithms")),
    "step_variation": (MOST_VARIATION, "a relative spread of steps"),
    "write_noise": (1.0, "a share of the range"),
    "disturb": (1.0, "a share of what a pulse changes"),
    "relaxation_images": (1e9, "a number of training images"),
    "drift": (1.0, "an exponent of time"),
    "drift_spread": (1.0, "a spread of exponents of time"),
    "column_noise": (1.0, "a share of the current"),
    "column_offset_a": (1.0, "a current in amperes"),
    "telegraph": (10.0, "a relative height"),
    "telegraph_share": (1.0, "a share of the time"),
    "flicker": (1.0, "a share of the current"),
}
"""Most of each, and what it is."""
_COMPANIONS = {"telegraph_share": ("telegraph",), "telegraph_s": ("telegraph",), "stuck_at": ("stuck", "stuck_rows")}
"""Settings that say more of an effect, and nothing without it."""


@dataclass(frozen=True, slots=True)
class DeviceEffects:
    """What real devices do and ideal ones do not."""

    stuck: Share = 0.0
    """Share of the cells that are stuck from the start."""
    stuck_rows: int = 0
    """Rows of which every cell is stuck from the start."""
    stuck_at: str = "ends"
    """Where they are stuck: "ends", half of them at either end of the range, "low", "high", or where they "start"."""
    dead: Share = 0.0
    """Share of the cells that are open: no conductance, whatever is sent."""
    unformed: Share = 0.0
    """Share of the cells that were never formed: they conduct 1 nS, whatever is sent."""
    start_spread: Share = 0.0
    """Sigma of the logarithm of the conductances at which cells start, instead of the spread of the preset."""
    step_spread: Share = 0.0
    """Spread from cell to cell: sigma of the logarithm of the factor between what a cell was given and what it has."""
    shape_spread: Share = 0.0
    """Spread of the curve's shape from cell to cell: sigma of the logarithm of the exponent that bends it."""
    step_variation: Share = 0.0
    """Relative spread of the change by a pulse, from pulse to pulse."""
    write_noise: Share = 0.0
    """Standard deviation of what each pulse misses by, as a share of the range."""
    disturb: Share = 0.0
    """Share of each change by which the other cells of its row and column change too."""
    relaxation_images: float | None = None
    """Training images in which what a cell has above the low end falls to 1/e."""
    drift: float = 0.0
    """Exponent of time with which conductances fall: by the factor (1 + t)^-drift, t in training images."""
    drift_spread: float = 0.0
    """Standard deviation of that exponent from cell to cell."""
    read_noise: Share = 0.0
    """Relative noise of a cell's current; that of a column, of many cells, is taken to be as large, which is most."""
    column_noise: Share = 0.0
    """Relative noise of a column's current that lasts for an image."""
    column_offset_a: Ampere = 0.0
    """Standard deviation of the current that is added to each reading of a column, drawn once for each column."""
    telegraph: Share = 0.0
    """Relative height of random telegraph noise of single cells."""
    telegraph_share: Share = defaults.TELEGRAPH_SHARE
    """Share of the time in which a cell conducts more by this."""
    telegraph_s: Second | None = None
    """Correlation time of the telegraph noise; if not given it is drawn anew for each step."""
    flicker: Share = 0.0
    """Relative standard deviation of 1/f noise of single cells."""


NAMES = tuple(each.name for each in fields(DeviceEffects))
USUAL = {each.name: each.default for each in fields(DeviceEffects)}
"""What they are where nothing is said."""


def changed_effects(settings: DeviceEffects) -> Iterator[str]:
    """Yield the names of the settings that are not as usual."""
    return (name for name in NAMES if getattr(settings, name) != USUAL[name])


def check_effects(settings: Any) -> None:
    """Refuse an effect that is out of bounds, or that does not go with another setting.

    Raises
    ------
    ConfigError
        With the setting, its value, its bound and the way out.
    """
    check_bounds(settings)
    for name, others in _COMPANIONS.items():
        if getattr(settings, name) != USUAL[name] and not any(getattr(settings, other) for other in others):
            raise ConfigError(
                f"{name} {getattr(settings, name)} says more of {' or '.join(others)}, and does nothing without it; "
                f"give {others[0]} too, or leave {name} out"
            )
    gone = settings.stuck + settings.dead + settings.unformed
    if gone > 1:
        raise ConfigError(
            f"stuck {settings.stuck}, dead {settings.dead} and unformed {settings.unformed} are shares of the same "
            f"cells, they add up to {gone:g}, which must not be above 1"
        )
    if (settings.telegraph or settings.flicker) and (settings.wire_ohm or settings.cell):
        name = "telegraph" if settings.telegraph else "flicker"
        raise ConfigError(
            f"{name} {getattr(settings, name)} would change every circuit in every step; it goes with perfect wires "
            "and ohmic cells, without --wire and --cell; --column-noise goes with both"
        )
    if settings.preset == "published":
        for name in ("unformed", "column_offset_a"):
            if getattr(settings, name):
                raise ConfigError(
                    f"preset published has weights without a unit; {name} {getattr(settings, name)} goes with siemens "
                    "or tuned"
                )


def check_bounds(settings: Any) -> None:
    """Refuse, by a ConfigError, what is out of bounds by itself."""
    for name, (most, what) in _BOUNDS.items():
        value = getattr(settings, name, None)
        if value is not None and not 0 <= value <= most:
            raise ConfigError(f"{name} {value} is {what}, it must lie between 0 and {most:g}")
    if settings.relaxation_images == 0:
        raise ConfigError("relaxation_images 0 must be above zero: a time constant in training images, such as 1000")
    if 0 < getattr(settings, "step_variation", 0) < LEAST_VARIATION:
        raise ConfigError(
            f"step_variation {settings.step_variation:g} is below {LEAST_VARIATION:g}, which nobody could see; write 0"
        )
    if not 0 <= settings.read_noise < math.inf:
        raise ConfigError(f"read_noise {settings.read_noise} must be finite and not negative")
    if settings.stuck_rows < 0:
        raise ConfigError(f"stuck_rows {settings.stuck_rows} is a number of rows, it must not be negative")
    if settings.telegraph_s is not None and not 0 < settings.telegraph_s < math.inf:
        raise ConfigError(f"telegraph_s {settings.telegraph_s} s must be finite and above zero")
    if getattr(settings, "stuck_at", "ends") not in STUCK_AT:
        raise ConfigError(f"stuck_at {settings.stuck_at!r} is none of {', '.join(STUCK_AT)}")


def with_effects(model: SpikingModel, settings: DeviceEffects, seed: int) -> SpikingModel:
    """Return the model with cells as the settings say; what is drawn once is drawn from the seed.

    Raises
    ------
    ConfigError
        If more rows are stuck than there are, or a time is not a whole number of steps.
    """
    shape = model.inputs, model.outputs
    if settings.start_spread:
        model = replace(model, synapses=replace(model.synapses, initial_spread=settings.start_spread))
    stuck, held, factors = _stuck_cells(model, settings, seed)
    if settings.step_spread:
        spread = lognormal_factors(shape, settings.step_spread, _generator(seed, _SPREAD))
        factors = spread if factors is None else spread * factors
    cells = Cells(
        stuck=stuck,
        held=held,
        factors=factors,
        read_noise=settings.read_noise,
        shapes=_exponents(shape, settings.shape_spread, seed),
        step_variation=settings.step_variation,
        write_noise=settings.write_noise,
        disturb=settings.disturb,
        relaxation_images=settings.relaxation_images or math.inf,
        drifts=drift_exponents(settings, shape, seed),
        column_noise=settings.column_noise,
        offsets=column_offsets(settings, shape[1], seed),
        **fluctuations(settings, model.step_s),
    )
    return replace(model, cells=cells)


def fluctuations(settings: Any, step_s: float) -> dict[str, Any]:
    """Return the noise of single cells, as keywords of `Cells`.

    Telegraph noise is drawn anew after twice its correlation time: the correlation of two times falls as the chance
    that none of these lies between, along a straight line with the same area below it as an exponential has.
    """
    steps = 1 if settings.telegraph_s is None else max(1, whole_steps(2 * settings.telegraph_s, step_s))
    more = {} if settings.telegraph_s is None else {"telegraph_steps": steps}
    return {
        "telegraph": settings.telegraph,
        "telegraph_share": settings.telegraph_share,
        "flicker": settings.flicker,
        **more,
    }


def drift_exponents(settings: Any, shape: tuple[int, int], seed: int) -> FloatArray | None:
    """Return the (K, N) exponents of the drift; None if there is none."""
    if not settings.drift and not settings.drift_spread:
        return None
    found = np.full(shape, float(settings.drift))
    if settings.drift_spread:
        found += settings.drift_spread * _generator(seed, _DRIFTS).standard_normal(shape)
    return found


def column_offsets(settings: Any, outputs: int, seed: int) -> Singles | None:
    """Return the (N,) currents that are added to readings, in amperes; None if none are."""
    if not settings.column_offset_a:
        return None
    drawn = settings.column_offset_a * _generator(seed, _OFFSETS).standard_normal(outputs)
    return drawn.astype(np.float32)


def stuck_rows(inputs: int, count: int, generator: np.random.Generator) -> tuple[BoolArray, BoolArray]:
    """Draw which of K rows are stuck at the low end, and which at the high one: half of `count` each, if even.

    Raises
    ------
    ConfigError
        If there are not so many.
    """
    if count > inputs:
        raise ConfigError(f"stuck_rows {count} must not be more than the {inputs} rows that there are")
    chosen = generator.permutation(inputs)[:count]
    low, high = np.zeros((2, inputs), bool)
    low[chosen[: (count + 1) // 2]] = True
    high[chosen[(count + 1) // 2 :]] = True
    return low, high


Masks: TypeAlias = tuple[BoolArray, BoolArray]
"""Of what is stuck at the low end, and at the high one."""


def with_rows(cells: Masks, rows: Masks) -> Masks:
    """Return (K, N) cells that are stuck because their row (K,) is, or else by themselves."""
    low, high = (row[:, None] for row in rows)
    return low | cells[0] & ~high, high | cells[1] & ~low


def _stuck_cells(
    model: SpikingModel, settings: DeviceEffects, seed: int
) -> tuple[BoolArray | None, Singles | None, Singles | None]:
    """Return which (K, N) cells are stuck, at which siemens they are held, and factors of those that do not conduct."""
    shape = model.inputs, model.outputs
    half = settings.stuck / 2
    low, high = with_rows(
        stuck_masks(shape, rng=_generator(seed, _STUCK), at_low=half, at_high=half),
        stuck_rows(shape[0], settings.stuck_rows, _generator(seed, _ROWS)),
    )
    if not (settings.stuck or settings.stuck_rows or settings.dead or settings.unformed):
        return None, None, None
    ends = model.synapses.low_siemens, model.synapses.high_siemens
    stuck, held = low | high, np.where(high, ends[1], ends[0]).astype(np.float32)
    if settings.stuck_at in ("low", "high"):
        held = np.full(shape, ends[STUCK_AT.index(settings.stuck_at) - 1], np.float32)
    known = None if settings.stuck_at == "start" else held
    if not (settings.dead or settings.unformed):
        return stuck, known, None
    drawn = stuck_masks(shape, rng=_generator(seed, _OPEN), at_low=settings.dead, at_high=settings.unformed)
    dead, unformed = (mask & ~stuck for mask in drawn)
    factors = np.ones(shape, np.float32)
    factors[dead] = 0
    if settings.unformed:
        factors[unformed] = defaults.UNFORMED_SIEMENS / ends[0]
    if known is None:
        known = np.full(shape, np.nan, np.float32)
    return stuck | dead | unformed, np.where(dead | unformed, np.float32(ends[0]), known), factors


def _exponents(shape: tuple[int, int], sigma: float, seed: int) -> FloatArray | None:
    return np.exp(sigma * _generator(seed, _SHAPES).standard_normal(shape)) if sigma else None


def _generator(seed: int, what: int) -> np.random.Generator:
    return np.random.default_rng([seed, what])
