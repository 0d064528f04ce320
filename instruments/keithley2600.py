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

    two_channels = True

    ch_b = Instrument.ChannelCreator(Keithley2600Channel, "b")


ONE_CHANNEL = frozenset({"2601", "2611", "2635"})


def _model(model: str) -> type[Keithley2600]:
    """Return the class of a model."""
    base, smus = (Keithley2600, "One SMU") if model[:4] in ONE_CHANNEL else (TwoChannels, "Two SMUs")
    limits = LIMITS[model]
    small = ", for small currents" if limits.analog_filter else ""
    doc = f"{smus} of {limits.ranges_v[-1]:g} V, {limits.most_current_a:g} A{small}."
    return base.variant(f"Keithley{model}", doc, model_name=f"Keithley {model} SourceMeter", limits=limits)


Keithley2601A, Keithley2602A, Keithley2611A = map(_model, ("2601A", "2602A", "2611A"))
Keithley2612A, Keithley2635A, Keithley2636A = map(_model, ("2612A", "2635A", "2636A"))
Keithley2601B, Keithley2602B, Keithley2604B = map(_model, ("2601B", "2602B", "2604B"))
Keithley2611B, Keithley2612B, Keithley2614B = map(_model, ("2611B", "2612B", "2614B"))
Keithley2634B, Keithley2635B, Keithley2636B = map(_model, ("2634B", "2635B", "2636B"))
