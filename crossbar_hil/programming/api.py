"""Program or reset the cells of an open chip from a program, without a run: for notebooks and scripts."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from pydantic import ValidationError

from crossbar_hil import defaults
from crossbar_hil.arguments import expect, is_number
from crossbar_hil.backend import DeviceBackend, Pulse
from crossbar_hil.errors import ConfigError
from crossbar_hil.programming.foreknowledge import ChipCurve, depressing_pulse, response_of
from crossbar_hil.programming.loop import Loop
from crossbar_hil.programming.outcome import Programmed
from crossbar_hil.programming.response import Response
from crossbar_hil.programming.settings import PULSES, RESET_TOLERANCE, TOLERANCE, ProgramSettings
from crossbar_hil.programming.targets import check_fit, checked_targets
from crossbar_hil.tables import problems_of

PULSE = Pulse(defaults.PULSE_V, defaults.PULSE_S)


def program(
    backend: DeviceBackend,
    targets: ArrayLike,
    *,
    tolerance: float = TOLERANCE,
    pulses: int = PULSES,
    up: Pulse = PULSE,
    down: Pulse | None = None,
    range_siemens: float | None = None,
    read_v: float = 0.1,
    reads: int = 1,
    spread: float = 0.0,
    low: ArrayLike | None = None,
) -> Programmed:
    """Bring each cell of an open chip to a target conductance, in closed loop, with pulses of both polarities.

    What is meant by a conductance is what `DeviceBackend.read_conductances` gives: with wires the effective one of the
    path through a cell.

    Parameters
    ----------
    backend : DeviceBackend
        The chip.
    targets : array_like of float, shape (R, C)
        In siemens; nan leaves a cell alone.
    tolerance : float
        Share of the range within which a target is reached.
    pulses : int
        Most pulses for each cell.
    up, down : Pulse
        Potentiating and depressing pulse; the latter is that of the curve if not given.
    range_siemens : float, optional
        What the tolerance is a share of; the rise of the curve of the chip if not given.
    read_v : float
        Voltage of the reads, in volts.
    reads : int
        Reads after each burst, whose mean counts.
    spread : float
        Sigma of the logarithm of the factor by which the rise of a cell differs from that of the curve.
    low : array_like of float, shape (R, C), optional
        Low end of each cell in siemens: what it read before its very first pulse. If not given, the first bursts tell.

    Returns
    -------
    Programmed
        What each cell reached, with which pulses, and why not.

    Raises
    ------
    DataError
        If the targets do not fit the chip; nothing was sent.
    ConfigError
        If a setting is out of its range, or nothing says the range of the chip; nothing was sent.
    LimitError
        If a cell might get more than the limits of the chip allow; nothing was sent.

    Examples
    --------
    >>> import crossbar_hil
    >>> with crossbar_hil.open_bench("simulated", seed=1) as backend:
    ...     found = crossbar_hil.program(backend, [[1.5e-6] * 4] * 4)
    >>> found.verdict
    'converged'
    """
    given: dict[str, Any] = {"tolerance": tolerance, "pulses": pulses, "read_v": read_v, "reads": reads}
    return _run(backend, targets, up, down, range_siemens, spread, {"purpose": "program", **given}, low)


def reset(
    backend: DeviceBackend,
    start: ArrayLike,
    *,
    tolerance: float = RESET_TOLERANCE,
    pulses: int = PULSES,
    up: Pulse = PULSE,
    down: Pulse | None = None,
    range_siemens: float | None = None,
    read_v: float = 0.1,
    reads: int = 1,
    spread: float = 0.0,
) -> Programmed:
    """Bring the cells of a chip back to where they started, (R, C) in siemens, with the fewest depressing pulses.

    Parameters and errors are those of `program`; `up` only says on which curve the cells are.
    """
    given: dict[str, Any] = {"tolerance": tolerance, "pulses": pulses, "read_v": read_v, "reads": reads}
    return _run(backend, start, up, down, range_siemens, spread, {"purpose": "reset", **given}, start)


def _run(
    backend: DeviceBackend,
    targets: ArrayLike,
    up: Pulse,
    down: Pulse | None,
    range_siemens: float | None,
    spread: float,
    given: dict[str, Any],
    low: ArrayLike | None,
) -> Programmed:
    expect(DeviceBackend, backend=backend)
    expect(Pulse, up=up)
    expect(Pulse, optional=True, down=down)
    found = checked_targets(targets)
    check_fit(found, backend.shape)
    if not (is_number(spread) and 0 <= spread <= 5):
        raise ConfigError(f"spread {spread} must be a number from 0 to 5")
    likeness = backend if hasattr(backend, "curve") else backend.likeness() if backend.likeness is not None else None
    curve = getattr(likeness, "curve", None)
    if curve is None:
        if range_siemens is None or not (is_number(range_siemens) and range_siemens > 0):
            raise ConfigError(
                "nothing says the range of this chip, of which the tolerance is a share: give range_siemens"
            )
        response = Response.even(up, down, range_siemens)
    else:
        down = down or depressing_pulse(curve, up)
        scale, varies = (float(getattr(likeness, name, value)) for name, value in (("scale", 1), ("step_variation", 0)))
        response = response_of(ChipCurve(curve, scale, spread, varies, 0.0), up, down, backend.kind)
    settings = checked_settings(
        **given,
        range_siemens=response.span if range_siemens is None else range_siemens,
        amplitude_v=up.amplitude_v,
        width_s=up.width_s,
        depress_v=None if down is None else down.amplitude_v,
        depress_s=None if down is None else down.width_s,
    )
    check_budget(backend, settings, found)
    lows = None if low is None else checked_targets(low)
    if lows is not None:
        check_fit(lows, backend.shape, "low ends")
    loop = Loop(backend, found, response, settings, low=lows, noise=float(getattr(backend, "read_noise", 0.0)))
    return Programmed.of(settings, found, list(loop.rounds()))


def checked_settings(**given: Any) -> ProgramSettings:
    """Return checked settings.

    Raises
    ------
    ConfigError
        If one is out of its range.
    """
    try:
        return ProgramSettings(**given)
    except ValidationError as error:
        raise ConfigError("; ".join(problems_of(error))) from None


def check_budget(backend: DeviceBackend, settings: ProgramSettings, targets: Any) -> None:
    """Refuse a budget that the limits of a chip do not allow, before anything is sent; a LimitError then."""
    counts = settings.pulses * np.isfinite(targets).astype(np.int64)
    for pulse in (None if settings.purpose == "reset" else settings.up, settings.down):
        if pulse is not None:
            backend.check_pulses(counts, pulse)
