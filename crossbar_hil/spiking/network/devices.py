"""Cells that are stuck, that differ from each other, and wires that take their share: how a real crossbar deviates."""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from crossbar_hil.arrays import BoolArray, checked_array
from crossbar_hil.errors import ConfigError
from crossbar_hil.spiking.network.model import NetworkState, SpikingModel
from crossbar_hil.spiking.network.neurons import Singles


def stuck_masks(
    shape: tuple[int, int], *, rng: np.random.Generator, at_low: float = 0.0, at_high: float = 0.0
) -> tuple[BoolArray, BoolArray]:
    """Draw which of (K, N) cells are stuck at the low end of the range, and which at the high one; none at both.

    `at_low` and `at_high` are the probabilities of a cell.

    Raises
    ------
    ConfigError
        If the probabilities are out of range.
    """
    if not (at_low >= 0 and at_high >= 0 and at_low + at_high <= 1):
        raise ConfigError(
            f"shares {at_low} and {at_high} of stuck cells must not be negative nor add up to more than 1"
        )
    drawn = rng.random(shape)
    return drawn < at_low, (drawn >= at_low) & (drawn < at_low + at_high)


def with_stuck(
    model: SpikingModel, state: NetworkState, low: BoolArray, high: BoolArray
) -> tuple[SpikingModel, NetworkState]:
    """Return a network whose cells got stuck, before a training or after it.

    The (K, N) masks are those of `stuck_masks`; they are added to what is stuck already.
    """
    stuck = low | high if model.cells.stuck is None else model.cells.stuck | low | high
    weights = state.weights.copy()
    weights[low] = model.synapses.low_siemens
    weights[high] = model.synapses.high_siemens
    return replace(model, cells=replace(model.cells, stuck=stuck)), replace(state, weights=weights)


def lognormal_factors(shape: tuple[int, int], sigma: float, rng: np.random.Generator) -> Singles:
    """Draw a (K, N) factor between the conductance that a cell was given and the one it has; the median is 1.

    `sigma` is the standard deviation of the logarithm.
    """
    if not 0 <= sigma < np.inf:
        raise ConfigError(f"spread {sigma} of the cells must be finite and not negative")
    return np.exp(sigma * rng.standard_normal(shape)).astype(np.float32)


def compensate_wires(state: NetworkState, ideal: ArrayLike, measured: ArrayLike) -> NetworkState:
    """Return the network with a gain for each column that makes up for what wires take from its current.

    Raising a neuron's gain is the same as lowering its threshold and the inhibition that reaches it.

    Parameters
    ----------
    ideal, measured : array_like of float, shape (N,)
        Currents of the columns with perfect wires, and with the real ones, in amperes, for the same input.

    Raises
    ------
    ConfigError
        If a measured current is not above zero.
    """
    count = len(state.gains)
    wanted = checked_array("ideal currents", ideal, (count,))
    got = checked_array("measured currents", measured, (count,))
    if got.min() <= 0:
        raise ConfigError(f"measured current {got.min():g} A of column {int(got.argmin())} must be above zero")
    return replace(state, gains=state.gains * (wanted / got).astype(np.float32))
