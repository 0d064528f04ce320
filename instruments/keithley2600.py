"""Keithley Series 2600A and 2600B SMUs, of one channel or two. Emulated only.

Models differ in their limits (`settings.limits2600`), and a 2601, 2611 and 2635 has one channel. The 2604B, 2614B and
2634B lack the digital lines, TSP-Link and the contact check, none of which is used.
"""

from typing import Any, ClassVar

from pymeasure.adapters import Adapter
from pymeasure.instruments import Instrument

from crossbar_hil.instrument import SourceMeter

from .settings.limits2600 import LIMITS, Limits
from .tsp.channel import Keithley2600Channel
from .tsp.pulse import PulsingBox
from .tsp.source import Keithley2600SourceMeter


class Keithley2600(PulsingBox):
    """A box with the SMU `ch_a`, and where it has two with `ch_b`; make one of a model below."""

    limits: ClassVar[Limits]
    ch_a = Instrument.ChannelCreator(Keithley2600Channel, "a")

    def __init__(self, adapter: Adapter | str | int, name: str = "", **kwargs: Any) -> None:
        super().__init__(adapter, name, **kwargs)
        channels = [self.ch_a, *([self.ch_b] if isinstance(self, TwoChannels) else [])]
        self._meters = [Keithley2600SourceMeter(self, each, f"{self.name}.{each.id}") for each in channels]

    def source_meters(self) -> list[SourceMeter]:
        """Return the channels in the role of source-measure channels, ``<name>.a`` first; always the same objects."""
        return list(self._meters)

    def shutdown(self) -> None:
        """Bring every channel to 0 V and switch its output off, the second even if the first failed."""
        try:
            self._meters[0].output_off()
        finally:
            self._meters[-1].output_off()
        super().shutdown()


class TwoChannels(Keithley2600):
    """A box with two SMUs."""

    ch_b = Instrument.ChannelCreator(Keithley2600Channel, "b")


class Keithley2601B(Keithley2600):
    """One SMU of 40 V, 3 A."""

    model_name = "Keithley 2601B SourceMeter"
    limits = LIMITS["2601B"]


class Keithley2602B(TwoChannels):
    """Two SMUs of 40 V, 3 A."""

    model_name = "Keithley 2602B SourceMeter"
    limits = LIMITS["2602B"]


class Keithley2604B(TwoChannels):
    """Two SMUs of 40 V, 3 A."""

    model_name = "Keithley 2604B SourceMeter"
    limits = LIMITS["2604B"]


class Keithley2611B(Keithley2600):
    """One SMU of 200 V, 1.5 A."""

    model_name = "Keithley 2611B SourceMeter"
    limits = LIMITS["2611B"]


class Keithley2612B(TwoChannels):
    """Two SMUs of 200 V, 1.5 A."""

    model_name = "Keithley 2612B SourceMeter"
    limits = LIMITS["2612B"]


class Keithley2614B(TwoChannels):
    """Two SMUs of 200 V, 1.5 A."""

    model_name = "Keithley 2614B SourceMeter"
    limits = LIMITS["2614B"]


class Keithley2634B(TwoChannels):
    """Two SMUs of 200 V, 1.5 A, for small currents."""

    model_name = "Keithley 2634B SourceMeter"
    limits = LIMITS["2634B"]


class Keithley2635B(Keithley2600):
    """One SMU of 200 V, 1.5 A, for small currents."""

    model_name = "Keithley 2635B SourceMeter"
    limits = LIMITS["2635B"]


class Keithley2636B(TwoChannels):
    """Two SMUs of 200 V, 1.5 A, for small currents."""

    model_name = "Keithley 2636B SourceMeter"
    limits = LIMITS["2636B"]


class Keithley2601A(Keithley2600):
    """One SMU of 40 V, 3 A."""

    model_name = "Keithley 2601A SourceMeter"
    limits = LIMITS["2601A"]


class Keithley2602A(TwoChannels):
    """Two SMUs of 40 V, 3 A."""

    model_name = "Keithley 2602A SourceMeter"
    limits = LIMITS["2602A"]


class Keithley2611A(Keithley2600):
    """One SMU of 200 V, 1.5 A."""

    model_name = "Keithley 2611A SourceMeter"
    limits = LIMITS["2611A"]


class Keithley2612A(TwoChannels):
    """Two SMUs of 200 V, 1.5 A."""

    model_name = "Keithley 2612A SourceMeter"
    limits = LIMITS["2612A"]


class Keithley2635A(Keithley2600):
    """One SMU of 200 V, 1.5 A, for small currents."""

    model_name = "Keithley 2635A SourceMeter"
    limits = LIMITS["2635A"]


class Keithley2636A(TwoChannels):
    """Two SMUs of 200 V, 1.5 A, for small currents."""

    model_name = "Keithley 2636A SourceMeter"
    limits = LIMITS["2636A"]
