"""Keithley Series 2600B dual-channel SMUs: 2602B and 2636B. Emulated only.

Numbers are sent with ``%.9e``: ``%f`` keeps six decimals and would send a limit of 100 nA as 0.000000.
"""

from typing import Any

from pymeasure.adapters import Adapter
from pymeasure.instruments import Instrument

from crossbar_hil.instrument import SourceMeter

from .tsp.channel import Keithley2600Channel, Keithley2602BChannel, Keithley2636BChannel
from .tsp.pulse import PulsingBox
from .tsp.source import Keithley2600SourceMeter


class Keithley2600(PulsingBox):
    """A box with two SMUs, `ch_a` and `ch_b`; make one of a model below."""

    ch_a: Keithley2600Channel
    ch_b: Keithley2600Channel

    def __init__(self, adapter: Adapter | str | int, name: str = "", **kwargs: Any) -> None:
        super().__init__(adapter, name, **kwargs)
        self._meters = [
            Keithley2600SourceMeter(self, channel, f"{self.name}.{channel.id}") for channel in (self.ch_a, self.ch_b)
        ]

    def source_meters(self) -> list[SourceMeter]:
        """Return the channels in the role of source-measure channels, ``<name>.a`` first; always the same objects."""
        return list(self._meters)

    def shutdown(self) -> None:
        """Bring both channels to 0 V and switch their outputs off, the second even if the first failed."""
        try:
            self._meters[0].output_off()
        finally:
            self._meters[1].output_off()
        super().shutdown()


class Keithley2602B(Keithley2600):
    """Two SMUs of 40 V, 3 A."""

    model_name = "Keithley 2602B SourceMeter"
    ch_a = Instrument.ChannelCreator(Keithley2602BChannel, "a")
    ch_b = Instrument.ChannelCreator(Keithley2602BChannel, "b")


class Keithley2636B(Keithley2600):
    """Two SMUs of 200 V, 1.5 A, for small currents."""

    model_name = "Keithley 2636B SourceMeter"
    ch_a = Instrument.ChannelCreator(Keithley2636BChannel, "a")
    ch_b = Instrument.ChannelCreator(Keithley2636BChannel, "b")
