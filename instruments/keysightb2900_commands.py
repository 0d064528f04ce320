"""The commands of a Keysight B2900 channel as PyMeasure properties (B2900 SCPI command reference, edition 2)."""

from pymeasure.instruments.channel import Channel
from pymeasure.instruments.validators import strict_discrete_set, strict_range

from .scpi.answers import flag

SHORTEST_PULSE_S = 50e-6
"""B2900 user's guide, pulse output."""


class B2900Commands(Channel):
    """What a channel is told and asked."""

    source_voltage = Channel.control(
        ":SOUR{ch}:VOLT?",
        ":SOUR{ch}:VOLT %.9e",
        """Control the sourced voltage, the base of a pulse, in volts (float strictly from -210 to 210).""",
        validator=strict_range,
        values=(-210, 210),
    )
    triggered_voltage = Channel.control(
        ":SOUR{ch}:VOLT:TRIG?",
        ":SOUR{ch}:VOLT:TRIG %.9e",
        """Control the peak of a pulse in volts (float strictly from -210 to 210).""",
        validator=strict_range,
        values=(-210, 210),
    )
    source_voltage_range = Channel.control(
        ":SOUR{ch}:VOLT:RANG?",
        ":SOUR{ch}:VOLT:RANG %.9e",
        """Control the source range in volts (float strictly from 0 to 200), which fixes it.""",
        validator=strict_range,
        values=(0, 200),
    )
    shape = Channel.control(
        ":SOUR{ch}:FUNC:SHAP?",
        ":SOUR{ch}:FUNC:SHAP %s",
        """Control the shape of the output (str, strictly 'DC' or 'PULS').""",
        validator=strict_discrete_set,
        values=("DC", "PULS"),
        cast=str,
    )
    pulse_width = Channel.control(
        ":SOUR{ch}:PULS:WIDT?",
        ":SOUR{ch}:PULS:WIDT %.9e",
        """Control the width of a pulse in seconds (float strictly from 5e-5 to 100000).""",
        validator=strict_range,
        values=(SHORTEST_PULSE_S, 100_000),
    )
    compliance_current = Channel.control(
        ":SENS{ch}:CURR:PROT?",
        ":SENS{ch}:CURR:PROT %.9e",
        """Control the current limit in amperes (float strictly from 0 to 3.03).""",
        validator=strict_range,
        values=(0, 3.03),
    )
    current_range = Channel.control(
        ":SENS{ch}:CURR:RANG?",
        ":SENS{ch}:CURR:RANG %.9e",
        """Control the measure range in amperes (float strictly from 0 to 3), which fixes it.""",
        validator=strict_range,
        values=(0, 3),
    )
    current_nplc = Channel.control(
        ":SENS{ch}:CURR:NPLC?",
        ":SENS{ch}:CURR:NPLC %.9e",
        """Control the integration time in power-line cycles (float strictly from 0.0005 to 100).""",
        validator=strict_range,
        values=(5e-4, 100),
    )
    current_aperture = Channel.control(
        ":SENS{ch}:CURR:APER?",
        ":SENS{ch}:CURR:APER %.9e",
        """Control the integration time in seconds (float strictly from 8e-6 to 2).""",
        validator=strict_range,
        values=(8e-6, 2),
    )
    output_off_state = Channel.control(
        ":OUTP{ch}:OFF:MODE?",
        ":OUTP{ch}:OFF:MODE %s",
        """Control what the output does while off (str, strictly 'NORM', 'HIZ' or 'ZERO').""",
        validator=strict_discrete_set,
        values=("NORM", "HIZ", "ZERO"),
        cast=str,
    )
    compliance_tripped = Channel.measurement(
        ":SENS{ch}:CURR:PROT:TRIP?",
        """Get whether the source is at its current limit (bool).""",
        cast=str,
        get_process=flag,
    )
