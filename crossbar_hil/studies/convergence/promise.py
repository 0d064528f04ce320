"""What a yield promises for chips of the kind that was measured: with all that the few measured cells cannot tell.

A spread that was found on n cells, and a curve that was measured on m, are not those of the kind exactly. So kinds are
drawn that could have given what was measured, chips of each are trained, and the interval holds 95 % of their yields.

- Start: the logarithm of a start is normal, its variance s^2 (n - 1) / chi^2 with n - 1 degrees of freedom, its mean
  normal about the measured one (the posterior of a normal sample with Jeffreys' prior; Gelman et al., Bayesian Data
  Analysis, 3rd edition, section 3.2).
- Steps: each cell's steps are larger by a lognormal factor. Its variance is drawn likewise, but as if `PRIOR_CELLS`
  more cells had shown `PRIOR_SPREAD`, as one cell says nothing of it: an assumption. The measured curve is that of the
  mean of m cells.
- Step variation: two halves of a normal about what was found, whose central 95 % is the interval that `characterise`
  gives, none below zero.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crossbar_hil.bench.effects import LEAST_VARIATION, MOST_VARIATION
from crossbar_hil.bench.file import WITHIN_95, Bench, Chip, Spread
from crossbar_hil.confidence import wilson
from crossbar_hil.plugins import load
from crossbar_hil.studies.convergence.counts import Counts
from crossbar_hil.studies.settings import virtual_chip

KINDS = 40
"""Kinds of chips that are drawn: the least and the most of these yields bound 95 % of them."""
PRIOR_CELLS, PRIOR_SPREAD = 4, 0.2
"""What is taken for known of steps before any cell is measured: between 0.1 and 0.6 in 95 of 100 cases."""


@dataclass(frozen=True, slots=True)
class Promise:
    """The yield that is promised for chips of the kind measured."""

    yields: tuple[float, ...]
    """Share that converges of each kind."""
    low: float
    high: float
    unknown: str
    """What the measured cells cannot tell."""

    @property
    def line(self) -> str:
        """The promise in words."""
        return f"{100 * self.low:.2f} to {100 * self.high:.2f} % of chips of the kind measured (95 %): {self.unknown}"

    def as_record(self) -> dict[str, Any]:
        """Return it as a study records it."""
        return {"low": self.low, "high": self.high, "unknown": self.unknown, "yields": list(self.yields)}


def unknown_of(chip: Chip) -> str:
    """Say what the few cells that were measured cannot tell; nothing where no cell was measured."""
    if chip.twin is not None:  # whose draws know it already
        return ""
    found = []
    chip = chip.resolved
    spread, cells = chip.spread, chip.curve_cells
    if spread is not None and spread.cells is not None:
        found.append(f"starts are known from {spread.cells} cells")
    if cells:
        more = f", how steps differ between cells is taken to be about {PRIOR_SPREAD:g}" if cells < 3 else ""
        found.append(f"steps from {cells} cell{'s' if cells > 1 else ''}{more}")
    if chip.step_variation_interval is not None:
        low, high = (100 * each for each in chip.step_variation_interval)
        found.append(f"their variation is from {low:.3g} to {high:.3g} %")
    return ", ".join(found)


def draw_kinds(bench: Bench, seed: int, count: int = KINDS) -> list[Bench]:
    """Draw kinds of chips that could have given what was measured; none where no cell was measured."""
    chip = virtual_chip(bench).resolved
    if not unknown_of(chip):
        return []
    rng = np.random.default_rng([seed, 3])
    curve = load("curves", "measured").of_device(chip.curve_file, chip.curve_pulse, smoothed=chip.smoothed)
    start = float(curve.levels_siemens[0])
    return [bench.model_copy(update={"chip": _kind(chip, start, rng)}) for _ in range(count)]


def promise(fresh: Counts, kinds: Sequence[Counts], unknown: str) -> Promise:
    """Bound the yield of the kind measured by those of the kinds drawn, and by the interval of the fresh chips."""
    yields = [each.converged / each.chips for each in kinds]
    low, high = wilson(fresh.converged, fresh.chips)
    return Promise(tuple(yields), min(low, *yields), max(high, *yields), unknown)


def _kind(chip: Chip, start_siemens: float, rng: np.random.Generator) -> Chip:
    factor, step_spread = _steps(chip, chip.curve_cells, rng) if chip.curve_cells else (1.0, chip.step_spread)
    changed: dict[str, Any] = {"step_spread": step_spread, "scale": chip.k * factor}
    if chip.step_variation_interval is not None:
        changed["step_variation"] = _variation(chip.step_variation, chip.step_variation_interval, rng)
    if chip.spread is not None:
        changed["spread"] = _spread(chip.spread, factor, rng)
    elif chip.device_spread is not None:
        about = Spread(median_siemens=start_siemens / factor, sigma=chip.device_spread)
        changed |= {"device_spread": None, "spread": about}
    return chip.model_copy(update=changed)


def _steps(chip: Chip, cells: int, rng: np.random.Generator) -> tuple[float, float]:
    """Draw the factor by which the steps of the kind are larger than measured, and their spread."""
    freedom = cells - 1 + PRIOR_CELLS
    squares = (cells - 1) * chip.step_spread**2 + PRIOR_CELLS * PRIOR_SPREAD**2
    spread = math.sqrt(squares / rng.chisquare(freedom))
    return math.exp(spread / math.sqrt(cells) * rng.standard_normal()), spread


def _variation(found: float, interval: tuple[float, float], rng: np.random.Generator) -> float:
    normal = rng.standard_normal() / WITHIN_95
    drawn = found + normal * (interval[1] - found if normal > 0 else found - interval[0])
    return float(min(drawn, MOST_VARIATION)) if drawn >= LEAST_VARIATION else 0.0


def _spread(spread: Spread, factor: float, rng: np.random.Generator) -> Spread:
    """Draw the spread of the starts; K is larger by `factor`, so the shifts are smaller."""
    if spread.median_siemens is None or spread.sigma is None:
        return spread.model_copy(
            update={"low_siemens": spread.lower_siemens / factor, "high_siemens": spread.upper_siemens / factor}
        )
    sigma, median = spread.sigma, spread.median_siemens
    if spread.cells is not None:
        sigma *= math.sqrt((spread.cells - 1) / rng.chisquare(spread.cells - 1))
        median *= math.exp(sigma / math.sqrt(spread.cells) * rng.standard_normal())
    return spread.model_copy(update={"median_siemens": median / factor, "sigma": sigma})
