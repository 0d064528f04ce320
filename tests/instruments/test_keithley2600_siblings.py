"""The models of the 2600 series: what tells them apart, in the driver and on the emulated box alike.

Numbers are those of the manuals (2600BS-901-01 Rev. F, entries smuX.source.limitY, smuX.source.levelY,
smuX.measure.lowrangeY; 2600AS-901-01 Rev. B, table 6-1), written out once more here.
"""

import pytest

from crossbar_hil.errors import ConfigError, InstrumentError, LimitError
from crossbar_hil.instrument import SourceSettings
from crossbar_hil.plugins import names

from ..cases import in_one_test
from .direct import connected

FORTY, TWO_HUNDRED = (0.1, 1, 6, 40), (0.2, 2, 20, 200)
SIBLINGS = {
    # channels, voltage ranges, most current, least current limit, least measure range
    "2601A": (1, FORTY, 3, 10e-9, 100e-9),
    "2601B": (1, FORTY, 3, 10e-9, 100e-9),
    "2602A": (2, FORTY, 3, 10e-9, 100e-9),
    "2602B": (2, FORTY, 3, 10e-9, 100e-9),
    "2604B": (2, FORTY, 3, 10e-9, 100e-9),
    "2611A": (1, TWO_HUNDRED, 1.5, 10e-9, 100e-9),
    "2611B": (1, TWO_HUNDRED, 1.5, 10e-9, 100e-9),
    "2612A": (2, TWO_HUNDRED, 1.5, 10e-9, 100e-9),
    "2612B": (2, TWO_HUNDRED, 1.5, 10e-9, 100e-9),
    "2614B": (2, TWO_HUNDRED, 1.5, 10e-9, 100e-9),
    "2634B": (2, TWO_HUNDRED, 1.5, 100e-12, 1e-9),
    "2635A": (1, TWO_HUNDRED, 1.5, 100e-12, 100e-12),
    "2635B": (1, TWO_HUNDRED, 1.5, 100e-12, 100e-12),
    "2636A": (2, TWO_HUNDRED, 1.5, 100e-12, 100e-12),
    "2636B": (2, TWO_HUNDRED, 1.5, 100e-12, 100e-12),
}


def name_of(model):
    return f"keithley{model.lower()}"


def box(model):
    emulated, driver = connected(name_of(model))
    return driver, emulated


def settings(volts, amperes, range_a, **others):
    return SourceSettings(range_v=volts, compliance_a=amperes, range_a=range_a, **others)


def test_every_model_has_a_driver_and_an_emulator_and_there_are_no_others():
    for group in ("instruments", "emulators"):
        assert {each for each in names(group) if each.startswith("keithley26")} == {name_of(each) for each in SIBLINGS}


@in_one_test("model", SIBLINGS)
def test_a_model_says_who_it_is_and_has_its_channels(model):
    driver, emulated = box(model)
    assert driver.identify().model.endswith(model)
    assert len(driver.source_meters()) == len(emulated.channels) == SIBLINGS[model][0]
    assert [each.shortest_pulse_s for each in driver.source_meters()] == [0.5e-3] * SIBLINGS[model][0]


@in_one_test("model", SIBLINGS)
def test_a_model_takes_its_extremes_and_refuses_what_is_beyond(model):
    _, volts, most, least, least_range = SIBLINGS[model]
    driver, _ = box(model)
    source = driver.source_meters()[-1]
    source.prepare(settings(volts[0], least, least_range))
    source.prepare(settings(volts[2], most, most))
    source.prepare(settings(volts[3], 0.1, 0.1))
    for wrong in (
        settings(volts[3] * 1.01, 0.1, 0.1),
        settings(1, least * 0.9, 1e-6),
        settings(1, most * 1.1, 1e-6),
        settings(1, 1e-6, least_range * 0.9),
        settings(1, 1e-6, most * 1.1),
    ):
        with pytest.raises(ConfigError, match=r"it takes"):
            source.prepare(wrong)
    source.prepare(settings(1, 1e-3, 1e-3))
    with pytest.raises(LimitError, match=r"pulses of 0\.0005"):
        source.pulse(0.5, 0.4e-3)


@in_one_test("model", SIBLINGS)
def test_an_emulated_model_is_no_wider_than_its_manual(model):
    _, volts, most, least, _ = SIBLINGS[model]
    _, emulated = box(model)
    for line, code in (
        (f"smua.source.levelv = {volts[3] * 1.01}", 1101),
        (f"smua.source.limiti = {most * 1.01}", 1101),
        (f"smua.source.limiti = {least * 0.9}", 1102),
    ):
        emulated.receive(line)
        assert emulated.receive("print(errorqueue.next())").startswith(f"{code:.5e}".encode()), line
    assert (b"nil" in emulated.receive("print(smub)")) is (SIBLINGS[model][0] == 1)
    has_filter = b"nil" not in emulated.receive("print(smua.measure.analogfilter)")
    assert has_filter is (model[2] == "3")
    assert (b"nil" in emulated.receive("print(smua.contact)")) is (model in {"2604B", "2614B", "2634B"})


@pytest.mark.parametrize("lacking", ["highc", "limitp", "offfunc", "settling", "sink"])
def test_an_older_box_may_lack_a_setting_and_one_that_comes_or_goes_is_named(lacking):
    driver, emulated = box("2602A")
    source = driver.source_meters()[0]
    smu = next(each for name, each in emulated.root.children.items() if name == "smua")
    for part in (smu.children["source"].getters, smu.children["source"].setters):
        part.pop(lacking)
    emulated.sandbox.start()
    source.prepare(settings(2, 1e-4, 1e-4))
    source.enable()
    assert source.changes() == []
    source.pulse(1.0, 0.01)
    assert source.changes(pulsing=True) == []
    emulated.receive("smua.measure.filter.enable = 1")
    assert source.changes() == ["it.a: smua.measure.filter.enable is 1 instead of 0"]


def test_a_newer_box_must_have_every_setting():
    driver, emulated = box("2602B")
    part = emulated.root.children["smua"].children["source"]
    part.getters.pop("limitp"), part.setters.pop("limitp")
    emulated.sandbox.start()
    with pytest.raises(InstrumentError, match="limitp"):
        driver.source_meters()[0].prepare(settings(2, 1e-4, 1e-4))
