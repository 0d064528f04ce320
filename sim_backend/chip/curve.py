"""The measured conductance curve of a cell: what one more pulse does."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from crossbar_hil.arrays import FloatArray, checked_array
from crossbar_hil.backend import Pulse
from crossbar_hil.curves.levels import LARGEST_SIEMENS
from crossbar_hil.curves.reading import read_curves
from crossbar_hil.errors import DataError, LimitError
from crossbar_hil.shipped import BytesFile


@dataclass(frozen=True, eq=False)
class ConductanceCurve:
    """Conductance of a cell after 0, 1, 2, ... pulses of one kind, as it was measured.

    Measured curves are noisy and not monotone. They are kept so; `smoothed` gives a monotone variant.

    Parameters
    ----------
    levels_siemens : array_like of float, shape (L,)
        Conductance at level 0, 1, ... L - 1, in siemens; at least two levels.
    pulse : Pulse, optional
        The pulse that moves a cell one level; None if the measurement does not say.
    others : sequence of ConductanceCurve
        Curves of the same device for other pulses: other widths, and depression by negative pulses.
    source : str
        Where the numbers come from.
    height_v : float, optional
        Height of the pulse, in volts, where that is known and its width is not.

    Raises
    ------
    DataError
        If there are fewer than two levels or one is negative, not finite or not a conductance in siemens.

    Examples
    --------
    >>> curve = ConductanceCurve([4.5e-7, 5.1e-7, 5.2e-7])
    >>> curve.rises
    array([0.e+00, 6.e-08, 7.e-08])
    """

    levels_siemens: FloatArray
    pulse: Pulse | None = None
    others: tuple["ConductanceCurve", ...] = ()
    source: str = "array"
    height_v: float | None = None

    def __init__(
        self,
        levels_siemens: ArrayLike,
        pulse: Pulse | None = None,
        others: Sequence["ConductanceCurve"] = (),
        source: str = "array",
        height_v: float | None = None,
    ) -> None:
        levels = checked_array("curve levels", levels_siemens, (None,))
        if len(levels) < 2:
            raise DataError(f"a conductance curve of {len(levels)} point is too short, at least 2 needed")
        if levels.min() < 0:
            raise DataError(f"curve holds {levels.min():g} S at level {levels.argmin()}, a conductance is not negative")
        if levels.max() > LARGEST_SIEMENS:
            raise DataError(
                f"curve holds {levels.max():g} S at level {levels.argmax()}, above {LARGEST_SIEMENS:g} S; "
                "it must be in siemens"
            )
        levels.flags.writeable = False
        vars(self).update(levels_siemens=levels, pulse=pulse, others=tuple(others), source=source, height_v=height_v)

    @staticmethod
    def from_csv(path: str | BytesFile, pulse: Pulse | None = None) -> "ConductanceCurve":
        """Read a curve from a file of this project or of a lab, whatever `crossbar_hil.curves` understands.

        Parameters
        ----------
        path : str or path
            The file.
        pulse : Pulse, optional
            From a file that says its pulses: which curve to take, measured or interpolated between measured widths;
            without it the potentiation curve of the largest amplitude, of those the longest pulse. Otherwise: the pulse
            it was measured with.

        Raises
        ------
        DataError
            If the file cannot be read, a line is wrong, or it leaves something open; the message names the line, or
            the command that settles it.
        LimitError
            If the table has no curve for `pulse`.
        """
        file = Path(path) if isinstance(path, str) else path
        source = getattr(file, "name", str(file))
        read = read_curves(file)
        # A depression by a pulse that nobody knows can be sent by none.
        family = [ConductanceCurve(each.levels_siemens, each.pulse, source=source) for each in read if each.pulse]
        unknown = next((each for each in read if each.potentiation and each.pulse is None), None)
        if unknown is not None:
            return ConductanceCurve(unknown.levels_siemens, None, family, source, unknown.height_v)._by(pulse)
        potentiating = [curve for curve in family if curve.pulse is not None and curve.pulse.amplitude_v > 0]
        if not potentiating:
            raise DataError(f"curve file {source} holds no potentiation curve")
        # Beside half pulses the whole one is what cells are pulsed with.
        largest = max(potentiating, key=lambda curve: (curve.pulse.amplitude_v, curve.pulse.width_s))  # type: ignore[union-attr]
        whole = replace(largest, others=tuple(curve for curve in family if curve is not largest))
        if pulse is None:
            return whole
        return replace(whole.for_pulse(pulse), others=tuple(curve for curve in family if curve.pulse != pulse))

    @staticmethod
    def of_device(path: BytesFile, pulse: Pulse | None, *, smoothed: bool) -> "ConductanceCurve":
        """Read the curve of a [chip] table; `pulse` is the one that it was measured with if the file does not say."""
        curve = ConductanceCurve.from_csv(path)
        if curve.pulse is None:
            curve = curve._by(pulse)
        return curve.smoothed() if smoothed else curve

    def _by(self, pulse: Pulse | None) -> "ConductanceCurve":
        """Return a curve without a pulse as that of a pulse."""
        return self if pulse is None else replace(self.for_pulse(pulse), pulse=pulse)

    @property
    def rises(self) -> FloatArray:
        """(L,) conductance above that of level 0, in siemens; negative for depression."""
        return self.levels_siemens - self.levels_siemens[0]

    @property
    def span(self) -> float:
        """Largest rise, in siemens."""
        return float(self.rises.max())

    @property
    def flat_pulses(self) -> int:
        """Most pulses in a row that change nothing though later ones do."""
        steps = np.flatnonzero(np.diff(self.levels_siemens))
        return int(np.diff(steps, prepend=-1).max(initial=1)) - 1

    def for_pulse(self, pulse: Pulse) -> "ConductanceCurve":
        """Return the curve along which `pulse` moves a cell.

        Between measured widths of the same amplitude the conductance of each level is interpolated linearly in the
        logarithm of the width.

        Raises
        ------
        LimitError
            If no curve was measured with this amplitude, or the width lies outside the measured ones.
        """
        known = self.height_v if self.pulse is None else None
        if known is not None and not math.isclose(known, pulse.amplitude_v):
            raise LimitError(
                f"pulse of {pulse} is not that of the curve {self.source}, measured by pulses of {known:g} V (nothing "
                f"says how long); --amplitude {known:g} or --set amplitude={known:g} sends them"
            )
        if self.pulse is None or self.pulse == pulse:
            return self
        family = sorted(
            (curve for curve in (self, *self.others) if _same(curve, pulse.amplitude_v)),
            key=lambda curve: curve.pulse.width_s,  # type: ignore[union-attr]  # _same has seen a pulse
        )
        if not family:
            raise LimitError(f"pulse of {pulse} is not in the measured curves, which hold {self._held(pulse)}")
        widths = [curve.pulse.width_s for curve in family]  # type: ignore[union-attr]
        for curve, width in zip(family, widths, strict=True):
            if math.isclose(width, pulse.width_s):
                return curve
        if not widths[0] < pulse.width_s < widths[-1]:
            raise LimitError(f"pulse of {pulse} is outside the measured curves, which hold {self._held(pulse)}")
        above = int(np.searchsorted(widths, pulse.width_s))
        short, long = family[above - 1], family[above]
        if len(short.levels_siemens) != len(long.levels_siemens):
            raise DataError(
                f"the curves of {short.pulse} and {long.pulse} have {len(short.levels_siemens)} and "
                f"{len(long.levels_siemens)} points and cannot be interpolated"
            )
        share = math.log(pulse.width_s / widths[above - 1]) / math.log(widths[above] / widths[above - 1])
        levels = (1 - share) * short.levels_siemens + share * long.levels_siemens
        return ConductanceCurve(levels, pulse, source=f"{self.source}, between {short.pulse} and {long.pulse}")

    def smoothed(self) -> "ConductanceCurve":
        """Return the monotone curve closest to this one in the least-squares sense.

        Isotonic regression by pool adjacent violators (`scipy.optimize.isotonic_regression`); plateaus appear where
        the measurement goes the wrong way. The other curves are smoothed too.
        """
        from scipy.optimize import isotonic_regression  # noqa: PLC0415 - scipy takes 0.3 s to import

        depression = self.pulse is not None and self.pulse.amplitude_v < 0
        levels = isotonic_regression(self.levels_siemens, increasing=not depression).x
        return ConductanceCurve(
            levels, self.pulse, [curve.smoothed() for curve in self.others], f"{self.source}, smoothed", self.height_v
        )

    def widths_by_amplitude(self) -> dict[float, list[float]]:
        """Return the measured widths of each amplitude, the shortest first."""
        found: dict[float, list[float]] = {}
        for curve in (self, *self.others):
            if curve.pulse is not None:
                found.setdefault(curve.pulse.amplitude_v, []).append(curve.pulse.width_s)
        return {amplitude: sorted(widths) for amplitude, widths in found.items()}

    def _held(self, pulse: Pulse) -> str:
        """Say what was measured, and the options that take the nearest of it."""
        held = self.widths_by_amplitude().items()
        told = " and ".join(
            f"{amplitude:g} V from {widths[0] * 1e3:g} ms to {widths[-1] * 1e3:g} ms"
            if len(widths) > 1
            else f"{amplitude:g} V of {widths[0] * 1e3:g} ms"
            for amplitude, widths in held
        )
        alike = {amplitude: widths for amplitude, widths in held if amplitude * pulse.amplitude_v > 0}
        if not alike:
            return told
        amplitude = min(alike, key=lambda each: abs(each - pulse.amplitude_v))
        if amplitude < 0:
            return f"{told}; --depress={amplitude:g} takes that of them"
        width = min(alike[amplitude], key=lambda each: abs(each - pulse.width_s))
        wide = f"{1e3 * width:g} ms"
        return (
            f'{told}; --amplitude {amplitude:g} --width "{wide}" takes one of them'
            f' (with `tune` and `sweep`: --set amplitude={amplitude:g} --set "width={wide}")'
        )


def _same(curve: ConductanceCurve, amplitude_v: float) -> bool:
    return curve.pulse is not None and math.isclose(curve.pulse.amplitude_v, amplitude_v)
