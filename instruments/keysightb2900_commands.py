"""The commands of a Keysight B2900 channel as PyMeasure properties (B2900 SCPI command reference, edition 2)."""

from pymeasure.instruments.channel import Channel

from .scpi.properties import number_property, tripped_property, word_property

SHORTEST_PULSE_S = 50e-6
"""B2900 user's guide, pulse output."""


class B2900Commands(Channel):
    """What a channel is told and asked."""

    source_voltage = number_property(":SOUR{ch}:VOLT", "the sourced voltage, the base of a pulse, in volts", -210, 210)
    triggered_voltage = number_property(":SOUR{ch}:VOLT:TRIG", "the peak of a pulse in volts", -210, 210)
    source_voltage_range = number_property(
        ":SOUR{ch}:VOLT:RANG", "the source range in volts, which is fixed by it", 0, 200
    )
    shape = word_property(":SOUR{ch}:FUNC:SHAP", "the shape of the output", "DC", "PULS")
    pulse_width = number_property(":SOUR{ch}:PULS:WIDT", "the width of a pulse in seconds", SHORTEST_PULSE_S, 100_000)
    compliance_current = number_property(":SENS{ch}:CURR:PROT", "the current limit in amperes", 0, 3.03)
    current_range = number_property(":SENS{ch}:CURR:RANG", "the measure range in amperes, which is fixed by it", 0, 3)
    current_nplc = number_property(":SENS{ch}:CURR:NPLC", "the integration time in power-line cycles", 5e-4, 100)
    current_aperture = number_property(":SENS{ch}:CURR:APER", "the integration time in seconds", 8e-6, 2)
    output_off_state = word_property(":OUTP{ch}:OFF:MODE", "what the output does while off", "NORM", "HIZ", "ZERO")
    compliance_tripped = tripped_property(":SENS{ch}:CURR:PROT:TRIP?")
