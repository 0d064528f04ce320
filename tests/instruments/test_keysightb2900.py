import re
from typing import ClassVar

import pytest
from pymeasure.adapters import ProtocolAdapter
from pymeasure.test import expected_protocol

from crossbar_hil.errors import ConfigError, DeadlineError, GarbledReply, InstrumentError, LimitError, TransportError
from crossbar_hil.instrument import Identity, Reading, SourceSettings
from crossbar_hil.instruments.keithley2450 import Keithley2450
from crossbar_hil.instruments.keysightb2900 import KeysightB2902A
from crossbar_hil.plugins import load

from ..cases import in_one_test

SETTINGS = SourceSettings(range_v=2.0, compliance_a=1e-4, range_a=1e-4)
NO_ERROR = (":SYST:ERR?", '+0,"No error"')


def other(answer):
    """An answer that says something else: the other switch, a word, or a number."""
    return {"0": "1", "1": "0"}.get(answer, "OTHER" if re.search("[A-DF-Z]", answer) else "+7.700000E+00")


def taken(lines):
    return [pair for line in lines for pair in ((line, None), NO_ERROR)]


def off(n):
    return [
        (f":ABOR:ALL (@{n})", None),
        (f":SOUR{n}:VOLT 0", None),
        (f":OUTP{n} OFF", None),
        (f":SOUR{n}:FUNC:SHAP DC", None),
    ]


def rows(n):
    """What is written, the question that asks it back, and the answer."""

    def simple(header, value, answer=None, asked=None):
        told = answer if answer is not None else {"OFF": "0", "ON": "1"}.get(value, value)
        return f"{header} {value}", f"{asked or header}?", told

    out, sour, sens, arm, trig = f":OUTP{n}", f":SOUR{n}", f":SENS{n}", f":ARM{n}", f":TRIG{n}"
    return [
        simple(out, "OFF"),
        simple(f"{out}:ON:AUTO", "OFF"),
        simple(f"{out}:OFF:AUTO", "OFF"),
        simple(f"{out}:OFF:MODE", "NORM"),
        simple(f"{out}:LOW", "GRO"),
        simple(f"{out}:HCAP", "OFF"),
        simple(f"{out}:PROT", "OFF"),
        simple(f"{out}:FILT", "ON"),
        simple(f"{out}:FILT:AUTO", "OFF"),
        simple(f"{out}:FILT:TCON", "5.000000000e-06", "+5.0E-006"),
        simple(f"{sour}:FUNC:MODE", "VOLT"),
        simple(f"{sour}:VOLT:MODE", "FIX"),
        simple(f"{sour}:FUNC:SHAP", "DC"),
        simple(f"{sour}:FUNC:TRIG:CONT", "OFF"),
        simple(f"{sour}:SWE:RANG", "FIX"),
        simple(f"{sour}:VOLT", "0.000000000e+00", "+0.0E+000"),
        simple(f"{sour}:VOLT:TRIG", "0.000000000e+00", "+0.0E+000"),
        simple(f"{sour}:VOLT:RANG:AUTO", "OFF"),
        simple(f"{sour}:VOLT:RANG", "2.000000000e+00", "+2.0E+000"),
        simple(f"{sour}:PULS:DEL", "0.000000000e+00", "+0.0E+000"),
        simple(f"{sour}:PULS:WIDT", "5.000000000e-05", "+5.0E-005"),
        simple(f"{sour}:WAIT", "OFF"),
        simple(f"{sens}:REM", "OFF"),
        simple(f"{sens}:WAIT", "OFF"),
        simple(f"{sens}:CURR:PROT", "1.000000000e-04", "+1.0E-004", f"{sens}:CURR:PROT:POS"),
        simple(f"{sens}:CURR:PROT:NEG", "1.000000000e-04", "+1.0E-004"),
        (f"{sens}:FUNC:OFF:ALL", "", ""),
        simple(f"{sens}:FUNC", '"CURR"'),
        simple(f"{sens}:RES:MODE", "MAN"),
        simple(f"{sens}:RES:OCOM", "OFF"),
        simple(f"{sens}:CURR:RANG:AUTO", "OFF"),
        simple(f"{sens}:CURR:RANG", "1.000000000e-04", "+1.0E-004"),
        simple(f"{sens}:CURR:APER:AUTO", "OFF"),
        simple(f"{sens}:CURR:NPLC", "1.000000000e+00", "+1.0E+000"),
        *(
            row
            for layer in (arm, trig)
            for node, value, answer in (
                ("COUN", "1", "1"),
                ("DEL", "0.000000000e+00", "+0E+00"),
                ("SOUR", "AINT", "AINT"),
            )
            for row in (
                simple(f"{layer}:ALL:{node}", value, answer, f"{layer}:TRAN:{node}"),
                simple(f"{layer}:ACQ:{node}", value, answer),
            )
        ),
        simple(f"{trig}:ALL:TIM", "1.000000000e-03", "+1.0E-003", f"{trig}:TRAN:TIM"),
        simple(f":CALC{n}:MATH:STAT", "OFF"),
        simple(f":CALC{n}:CLIM:STAT", "OFF"),
        simple(f":TRAC{n}:FEED:CONT", "NEV"),
        simple(":FORM", "ASC"),
        simple(":FORM:BORD", "NORM"),
        simple(":FORM:ELEM:SENS", "CURR"),
        ("", ":SYST:LFR?", "50"),
        ("", ":SYST:GRO?", "(@1)"),
    ]


def settings_of(n):
    return [line for line, _, _ in rows(n) if line]


def read_back(n):
    return {question: answer for _, question, answer in rows(n) if question}


def begun(n):
    left_alone = [(":SYST:LFR?", "50"), (":SYST:GRO?", "(@1)")]
    return [*off(n), ("*CLS", None), *taken([":SYST:GRO:RES"]), *left_alone, ("*CLS", None)]


def prepared(n):
    return [*begun(n), *taken(settings_of(n)), *read_back(n).items()]


def loaded(n, amplitude, count, error=NO_ERROR[1], answers=None):
    lines = [
        f":SOUR{n}:VOLT 0.000000000e+00",
        f":SOUR{n}:FUNC:SHAP PULS",
        f":SOUR{n}:VOLT:TRIG {amplitude}",
        f":SOUR{n}:PULS:WIDT 5.000000000e-02",
        f":SOUR{n}:PULS:DEL 0.000000000e+00",
        f":SOUR{n}:WAIT OFF",
        f":SENS{n}:WAIT OFF",
        f":ARM{n}:ALL:COUN 1",
        f":ARM{n}:ALL:DEL 0.000000000e+00",
        f":ARM{n}:ALL:SOUR AINT",
        f":TRIG{n}:ALL:DEL 0.000000000e+00",
        f":TRIG{n}:ACQ:DEL 3.000000000e-02",
        f":TRIG{n}:ALL:SOUR TIM",
        f":TRIG{n}:ALL:TIM 1.000000000e-01",
        f":TRIG{n}:ALL:COUN {count}",
        f":SENS{n}:CURR:APER 1.000000000e-02",
    ]
    asked = {
        f":SOUR{n}:FUNC:SHAP?": "PULS",
        f":SOUR{n}:VOLT:TRIG?": amplitude,
        f":SOUR{n}:PULS:WIDT?": "+5.0E-002",
        f":ARM{n}:TRAN:COUN?": "1",
        f":TRIG{n}:TRAN:COUN?": str(count),
    } | (answers or {})
    return ";".join((*lines, *asked, NO_ERROR[0])), ";".join((*asked.values(), error))


def ended(n):
    lines = [
        f":SOUR{n}:VOLT 0.000000000e+00",
        f":SOUR{n}:VOLT:TRIG 0.000000000e+00",
        f":SOUR{n}:FUNC:SHAP DC",
        f":TRIG{n}:ALL:SOUR AINT",
        f":TRIG{n}:ALL:COUN 1",
        f":TRIG{n}:ALL:DEL 0.000000000e+00",
        f":SENS{n}:CURR:NPLC 1.000000000e+00",
    ]
    return ";".join((*lines, NO_ERROR[0])), NO_ERROR[1]


@pytest.mark.parametrize("n", [1, 2])
def test_a_channel_is_prepared_without_touching_the_other_and_everything_read_back(n):
    with expected_protocol(KeysightB2902A, prepared(n)) as smu:
        smu.source_meters()[n - 1].prepare(SETTINGS)


@pytest.mark.fault("I5")
@in_one_test("query", read_back(1))
def test_every_setting_that_reads_back_wrong_is_an_error_and_the_output_goes_off(query):
    back = read_back(1)
    before, wrong = list(back.items())[: list(back).index(query)], other(back[query])
    pairs = [*begun(1), *taken(settings_of(1)), *before, (query, wrong), *off(1)]
    with (
        expected_protocol(KeysightB2902A, pairs) as smu,
        pytest.raises(InstrumentError, match=re.escape(f"{query[:-1]} reads back")),
    ):
        smu.ch_1.prepare(SETTINGS)


@pytest.mark.fault("I4")
@in_one_test("place", range(len(settings_of(2))))
def test_a_setting_that_is_not_taken_is_named_with_its_error_and_the_output_goes_off(place):
    lines = settings_of(2)
    refused = [(lines[place], None), (":SYST:ERR?", '-221,"Settings conflict"'), NO_ERROR]
    pairs = [*begun(2), *taken(lines[:place]), *refused, *off(2)]
    with expected_protocol(KeysightB2902A, pairs, name="smu") as smu:
        with pytest.raises(InstrumentError) as error:
            smu.ch_2.prepare(SETTINGS)
        assert str(error.value) == f"smu reports error -221, Settings conflict after {lines[place]!r}"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (SourceSettings(220, 1e-4, 1e-4), "range_v is 220"),
        (SourceSettings(2, 1e-7, 1e-4), "compliance_a is 100 nA, not from 1 uA"),
        (SourceSettings(200, 0.5, 0.1), "compliance_a is 500 mA, not from 1 mA to 105 mA"),
        (SourceSettings(2, 1e-4, 1e-3), "range above that of the compliance"),
        (SourceSettings(2, 1e-4, 1e-4, nplc=1e-4), "nplc is 0.0001"),
        (SourceSettings(2, 1e-4, 1e-4, guard=True), "no guard at low impedance"),
    ],
)
def test_what_the_model_cannot_do_is_refused_before_anything_is_sent(settings, message):
    with expected_protocol(KeysightB2902A, []) as smu, pytest.raises(ConfigError, match=message):
        smu.ch_1.prepare(settings)


@pytest.mark.parametrize("series", ["A", "B"])
@pytest.mark.parametrize(
    ("model", "channels", "lowest_a"), [("B2901", 1, 1e-7), ("B2902", 2, 1e-7), ("B2911", 1, 1e-8), ("B2912", 2, 1e-8)]
)
def test_the_models_differ_in_channels_and_lowest_range(model, channels, lowest_a, series):
    with expected_protocol(load("instruments", f"keysight{model}{series}".lower()), []) as smu:
        sources = smu.source_meters()
        assert len(sources) == channels
        assert smu.name == f"Keysight {model}{series}"
        for source in sources:
            assert source.ranges_a[0] == lowest_a
            assert source.least_compliance_a == pytest.approx(1e-9)
            assert [source.pulses_with(other) for other in sources] == [other is not source for other in sources]


@in_one_test("volts", [(6.0, 6.0), (6.0, 6.1), (6.1, 6.0), (21.0, 21.0), (21.1, 6.0)])
@in_one_test("amperes", [(2.0, 2.0), (2.1, 2.0), (0.9, 1.5), (1.5, 1.5), (1.5, 0.9), (1.3, 1.25)])
def test_two_channels_get_no_more_than_the_table_of_the_manual_gives_them_together(volts, amperes):
    # Table 2-4 of the user's guide, edition 5, page 2-14, word for word.
    (v1, v2), (i1, i2) = volts, amperes
    if v1 > 21 or v2 > 21:
        allowed = True  # nothing is said of it
    elif v1 <= 6:
        allowed = i1 + i2 <= 4 if v2 <= 6 else i1 + 1.6 * i2 <= 4
    else:
        allowed = i1 + 0.625 * i2 <= 2.5 if v2 <= 6 else i1 + i2 <= 2.5
    first, second = (SourceSettings(volt, ampere, 0.1) for volt, ampere in zip(volts, amperes, strict=True))
    with expected_protocol(KeysightB2902A, []) as smu:
        if allowed:
            smu.ch_1.check_beside(first, smu.ch_2, second)
            return
        with pytest.raises(ConfigError, match=r"^compliance_a allows .*\.a .* A at up to .* V and .*\.b .* mainframe"):
            smu.ch_1.check_beside(first, smu.ch_2, second)


@pytest.mark.parametrize(
    ("volt", "most_a"), [(0.2, 3.03), (6.0, 3.03), (6.1, 1.515), (21.0, 1.515), (21.1, 0.105), (210.0, 0.105)]
)
def test_the_largest_limit_is_that_of_the_data_sheet_for_the_voltage(volt, most_a):
    with expected_protocol(KeysightB2902A, []) as smu:
        smu.ch_1.check(SourceSettings(volt, most_a, 0.1))
        with pytest.raises(ConfigError, match=f"compliance_a is .* to ({most_a:g} A|{1e3 * most_a:g} mA)"):
            smu.ch_1.check(SourceSettings(volt, most_a * 1.001, 0.1))


def test_the_channels_are_a_and_b():
    with expected_protocol(KeysightB2902A, [], name="smu") as smu:
        assert [each.name for each in smu.source_meters()] == ["smu.a", "smu.b"]


def test_a_channel_asks_who_the_instrument_is():
    with expected_protocol(KeysightB2902A, [("*IDN?", "Keysight Technologies,B2902A,MY5114,3.4.1")]) as smu:
        assert smu.ch_2.identify() == Identity("Keysight Technologies", "B2902A", "MY5114", "3.4.1")


def test_the_output_goes_on_at_0_v_and_a_voltage_is_set():
    pairs = [
        *prepared(2),
        *taken([":SOUR2:VOLT 0", ":OUTP2 ON"]),
        (":OUTP2?", "1"),
        (":SOUR2:VOLT -1.000000000e-01;:SOUR2:VOLT?", "-1.000000E-001"),
    ]
    with expected_protocol(KeysightB2902A, pairs) as smu:
        smu.ch_2.prepare(SETTINGS)
        smu.ch_2.enable()
        smu.ch_2.set_voltage(-0.1)
        with pytest.raises(LimitError, match=r"voltage is 3 V, not from -2 to 2 V"):
            smu.ch_2.set_voltage(3)


@pytest.mark.parametrize(
    ("reply", "tripped", "reading"),
    [("+1.000206E-006", "0", Reading(1.000206e-6, False)), ("-1.000000E-004", "1", Reading(-1e-4, True))],
)
def test_a_reading_is_a_current_and_whether_it_is_limited(reply, tripped, reading):
    pairs = [*prepared(2), (":MEAS? (@2);:SENS2:CURR:PROT:TRIP?", f"{reply};{tripped}")]
    with expected_protocol(KeysightB2902A, pairs) as smu:
        smu.ch_2.prepare(SETTINGS)
        assert smu.ch_2.measure() == reading


@pytest.mark.fault("I8")
@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ("+9.910000E+37", InstrumentError),
        ("-9.9E37", InstrumentError),
        ("1E-6,0", GarbledReply),
        ("x", GarbledReply),
    ],
)
def test_an_overflow_or_another_form_is_an_error(reply, error):
    with expected_protocol(KeysightB2902A, [*prepared(1), (":MEAS? (@1);:SENS1:CURR:PROT:TRIP?", f"{reply};0")]) as smu:
        smu.ch_1.prepare(SETTINGS)
        with pytest.raises(error):
            smu.ch_1.measure()


def test_pulses_are_the_instruments_own_shape():
    pairs = [
        *prepared(1),
        loaded(1, "2.000000000e+00", 2),
        (":INIT (@1);*OPC?", "1"),
        (":FETC:ARR? (@1)", "+2.000000E-005,+1.000000E-004"),
        ended(1),
    ]
    with expected_protocol(KeysightB2902A, pairs) as smu:
        smu.ch_1.prepare(SETTINGS)
        assert smu.ch_1.pulse(2.0, 0.05, 2) == [Reading(2e-5, False), Reading(1e-4, True)]


def test_both_channels_start_by_one_command():
    pairs = [
        *prepared(1),
        *prepared(2),
        loaded(1, "1.000000000e+00", 1),
        loaded(2, "-1.000000000e+00", 1),
        (":INIT (@1,2);*OPC?", "1"),
        (":FETC:ARR? (@1)", "+2.0E-005"),
        (":FETC:ARR? (@2)", "-1.0E-004"),
        ended(1),
        ended(2),
    ]
    with expected_protocol(KeysightB2902A, pairs) as smu:
        smu.ch_1.prepare(SETTINGS)
        smu.ch_2.prepare(SETTINGS)
        found = smu.ch_1.pulse_together(1.0, smu.ch_2, -1.0, 0.05)
        assert found == [(Reading(2e-5, False), Reading(-1e-4, True))]  # at its limit, whatever the sign


def test_a_refused_pulse_starts_nothing_and_leaves_the_output_off():
    refused = [loaded(1, "2.000000000e+00", 1, '-221,"Settings conflict"')]
    with expected_protocol(KeysightB2902A, [*prepared(1), *refused, *off(1)]) as smu:
        smu.ch_1.prepare(SETTINGS)
        with pytest.raises(InstrumentError, match="-221"):
            smu.ch_1.pulse(2.0, 0.05)


@pytest.mark.parametrize(
    "question", [":ARM1:TRAN:COUN?", ":TRIG1:TRAN:COUN?", ":SOUR1:PULS:WIDT?", ":SOUR1:VOLT:TRIG?"]
)
def test_a_pulse_that_was_taken_otherwise_is_named_and_starts_nothing(question):
    wrong = [loaded(1, "2.000000000e+00", 2, answers={question: "+3.0E+000"})]
    with expected_protocol(KeysightB2902A, [*prepared(1), *wrong, *off(1)]) as smu:
        smu.ch_1.prepare(SETTINGS)
        with pytest.raises(InstrumentError, match=re.escape(f"{question[:-1]} is +3.0E+000 instead of")):
            smu.ch_1.pulse(2.0, 0.05, 2)


@pytest.mark.parametrize("reply", ["2E-5", "2E-5,2E-5,2E-5", "2E-5,2E-5,2E-5,2E-5"])
def test_more_or_fewer_readings_than_pulses_are_told_as_such_and_leave_the_output_off(reply):
    pulses = [
        loaded(1, "2.000000000e+00", 2),
        (":INIT (@1);*OPC?", "1"),
        (":FETC:ARR? (@1)", reply),
    ]
    with expected_protocol(KeysightB2902A, [*prepared(1), *pulses, *off(1)]) as smu:
        smu.ch_1.prepare(SETTINGS)
        with pytest.raises(InstrumentError, match=f"answers {reply.count(',') + 1} readings for 2 pulses") as error:
            smu.ch_1.pulse(2.0, 0.05, 2)
        assert not isinstance(error.value, TransportError)


@pytest.mark.parametrize(
    ("amplitude_v", "width_s", "count"), [(2.1, 0.05, 1), (2.0, 4e-5, 1), (2.0, 0.05, 0), (2.0, float("nan"), 1)]
)
def test_a_pulse_beyond_the_model_is_refused_before_anything_is_sent(amplitude_v, width_s, count):
    with expected_protocol(KeysightB2902A, prepared(1)) as smu:
        smu.ch_1.prepare(SETTINGS)
        with pytest.raises(LimitError):
            smu.ch_1.pulse(amplitude_v, width_s, count)


def test_a_channel_pulses_together_only_with_the_other_one_of_its_instrument():
    with (
        expected_protocol(KeysightB2902A, [], name="smu") as smu,
        expected_protocol(KeysightB2902A, [], name="second") as second,
        expected_protocol(Keithley2450, [], name="third") as third,
    ):
        for other in (smu.ch_1, second.ch_2, third):
            with pytest.raises(ConfigError, match="not the two channels of one B2900"):
                smu.ch_1.pulse_together(1.0, other, -1.0, 0.05)


@pytest.mark.fault("I11", "V7")
def test_switching_off_writes_and_never_asks():
    with expected_protocol(KeysightB2902A, off(2)) as smu:
        smu.ch_2.output_off()


def test_shutdown_switches_both_off():
    with expected_protocol(KeysightB2902A, [*off(1), *off(2)]) as smu:
        smu.shutdown()


def test_shutdown_switches_the_second_channel_off_even_if_the_first_could_not_be():
    class CutAdapter(ProtocolAdapter):
        sent: ClassVar[list[str]] = []

        def _write(self, command, **kwargs):
            self.sent.append(command)
            if len(self.sent) == 1:
                raise DeadlineError("no room")

    with pytest.raises(DeadlineError):
        KeysightB2902A(CutAdapter()).shutdown()
    assert CutAdapter.sent == [line for line, _ in [*off(1), *off(2)]]


def test_output_and_limit_are_asked_for():
    with expected_protocol(KeysightB2902A, [(":OUTP2?", "1"), (":SENS2:CURR:PROT:TRIP?", "0")]) as smu:
        assert smu.ch_2.output_is_on()
        assert not smu.ch_2.limit_tripped()
        smu.ch_2.close()


def test_before_it_is_prepared_nothing_is_sent():
    with expected_protocol(KeysightB2902A, [], name="smu") as smu:
        channel = smu.ch_1
        for act in (channel.enable, channel.measure, lambda: channel.set_voltage(0.1), lambda: channel.pulse(1, 0.05)):
            with pytest.raises(LimitError, match=r"smu\.a has not been prepared"):
                act()


def test_properties_are_asked_for_as_they_are_set():
    with expected_protocol(
        KeysightB2902A,
        [(":SENS2:CURR:PROT:TRIP?", "1"), (":OUTP2:OFF:MODE?", "HIZ"), (":SOUR2:PULS:WIDT?", "+5.0E-002")],
    ) as smu:
        assert smu.ch_2.compliance_tripped is True
        assert smu.ch_2.output_off_state == "HIZ"
        assert smu.ch_2.pulse_width == pytest.approx(0.05)
