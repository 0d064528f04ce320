"""The shadow: what the gate believes of one source, from what it was told, and whether its lines may hold a charge."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from crossbar_hil.instrument import SourceSettings

T = TypeVar("T")
HOT_V = 0.05
"""A line that was above 50 mV is charged, and a relay that moves before it is discharged is switched hot."""
EXACT = 1e-9
"""Relative difference within which two voltages are the same."""


@dataclass
class Shadow:
    """The shadow of one source: its state as far as it is certain."""

    port: str
    name: str
    settings: SourceSettings
    volts: float | None = None
    """What it sources, or would if it were on; None if not known."""
    on: bool = False
    told_off: bool = False
    """Whether it was told to go to 0 V and off, which no answer confirms."""
    charged: bool = True
    """Whether its lines may hold a charge, because it was above `HOT_V` since they were last discharged."""
    rested_s: float = 0.0
    """Time since it was told its voltage, as far as somebody waited for it to pass."""

    def forget(self, *, told_off: bool = False) -> None:
        """Take nothing for granted."""
        self.volts, self.on, self.told_off = None, False, told_off
        self.charged, self.rested_s = True, 0.0

    def know(self, volts: float, *, on: bool) -> None:
        """Take note of what it does now."""
        self.volts, self.on, self.told_off = volts, on, False
        self.charged, self.rested_s = self.charged or abs(volts) > HOT_V, 0.0

    def act(self, act: Callable[..., T], *details: float, then_v: float, on: bool) -> T:
        """Have something done after which the source is at a voltage, and as charged as before or more.

        Nothing is certain meanwhile, nor if it fails.
        """
        charged = self.charged
        self.forget()
        found = act(*details)
        self.charged = charged
        self.know(then_v, on=on)
        return found

    def rest(self, seconds: float, discharge_s: float) -> None:
        """Let time pass; it discharges the lines if the source is at 0 V, or was told to be."""
        if self.volts == 0 or self.told_off:
            self.rested_s += seconds
            self.charged = self.charged and self.rested_s < discharge_s * (1 - EXACT)
