"""One SMU of a Keithley Series 2600B as a PyMeasure channel.

Numbers are sent with ``%.9e``: ``%f`` keeps six decimals and would send a limit of 100 nA as 0.000000.
"""

from typing import Any, ClassVar

from pymeasure.instruments import Channel
from pymeasure.instruments.validators import strict_discrete_set, strict_range


def _number_property(path: str, doc: str, least: float, most: float, *, dynamic: bool = True) -> Any:
    """Return a property that is a number of the SMU; a model has bounds of its own where it is dynamic."""
    return Channel.control(
        f"print(smu{{ch}}.{path})",
        f"smu{{ch}}.{path}=%.9e",
        doc,
        validator=strict_range,
        values=(least, most),
        dynamic=dynamic,
        check_set_errors=True,
    )


class Keithley2600Channel(Channel):
    """An SMU, ``smua`` or ``smub``; its limits are those of the model, set by the subclass."""

    ranges_v: ClassVar[tuple[float, ...]] = ()
    """Voltage ranges, in volts, ascending."""
    least_compliance_a: ClassVar[float]
    """Smallest current limit, in amperes."""
    most_current_a: ClassVar[float]
    """Largest current limit and measure range, in amperes."""
    least_range_a: ClassVar[float]
    """Smallest measure range, in amperes."""

    source_mode = Channel.control(
        "print(smu{ch}.source.func)",
        "smu{ch}.source.func=%d",
        """Control what is sourced (str, strictly ``current`` or ``voltage``).""",
        validator=strict_discrete_set,
        values={"current": 0, "voltage": 1},
        map_values=True,
        check_set_errors=True,
    )
    source_enabled = Channel.control(
        "print(smu{ch}.source.output)",
        "smu{ch}.source.output=%d",
        """Control whether the output is on (bool).""",
        validator=strict_discrete_set,
        values={True: 1, False: 0},
        map_values=True,
        check_set_errors=True,
    )
    source_voltage = _number_property(
        "source.levelv", "Control the sourced voltage in volts (float, strictly within the largest range).", -40, 40
    )
    source_voltage_range = _number_property(
        "source.rangev", "Control the voltage range in volts (float, the smallest range that holds it is taken).", 0, 40
    )
    compliance_current = _number_property(
        "source.limiti",
        "Control the current limit in amperes (float, strictly within the limits of the model).",
        10e-9,
        3,
    )
    compliance_tripped = Channel.measurement(
        "print(smu{ch}.source.compliance)",
        """Get whether the source is at its limit (bool).""",
        cast=str,
        values={True: "true", False: "false"},
        map_values=True,
    )
    current = Channel.measurement(
        "print(smu{ch}.measure.i())",
        """Measure the current in amperes (float); 9.91e37 means overrange.""",
    )
    voltage = Channel.measurement(
        "print(smu{ch}.measure.v())",
        """Measure the voltage in volts (float); 9.91e37 means overrange.""",
    )
    current_range = _number_property(
        "measure.rangei",
        "Control the current measure range in amperes (float, the smallest range that holds it is taken).",
        100e-9,
        3,
    )
    measure_nplc = _number_property(
        "measure.nplc",
        "Control the integration time in power-line cycles (float, strictly from 0.001 to 25).",
        0.001,
        25,
        dynamic=False,
    )


class Keithley2602BChannel(Keithley2600Channel):
    """An SMU of the 40 V, 3 A kind (Keithley 2600B reference manual, smuX.source.limiti and smuX.source.rangev)."""

    ranges_v: ClassVar[tuple[float, ...]] = (0.1, 1.0, 6.0, 40.0)
    least_compliance_a: ClassVar[float] = 10e-9
    most_current_a: ClassVar[float] = 3.0
    least_range_a: ClassVar[float] = 100e-9


class Keithley2636BChannel(Keithley2600Channel):
    """An SMU of the 200 V, 1.5 A low-current kind (same manual, same pages)."""

    ranges_v: ClassVar[tuple[float, ...]] = (0.2, 2.0, 20.0, 200.0)
    least_compliance_a: ClassVar[float] = 100e-12
    most_current_a: ClassVar[float] = 1.5
    least_range_a: ClassVar[float] = 100e-12

    source_voltage_values = (-200, 200)
    source_voltage_range_values = (0, 200)
    compliance_current_values = (100e-12, 1.5)
    current_range_values = (100e-12, 1.5)
