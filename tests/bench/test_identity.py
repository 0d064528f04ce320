"""Who answers at an address: the model of the driver, or a home-made box by the name that the bench file gives it."""

import numpy as np
import pytest

from crossbar_hil.backend import Pulse
from crossbar_hil.bench.file import InstrumentTable
from crossbar_hil.bench.instruments import open_instrument, wrong_identity
from crossbar_hil.errors import ConfigError, GarbledReply
from crossbar_hil.instrument import NOT_TOLD, Identity
from crossbar_hil.plugins import load
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend
from crossbar_hil.sim_backend.emulation.serving.server import InstrumentServer
from crossbar_hil.sim_backend.emulation.world.world import World


@pytest.fixture
def meet():
    """Meet a box at an address: meet(driver, its answer to *IDN?, **keys of the bench file) -> what is wrong, who."""

    def open_it(driver, answer, **keys):
        curve = ConductanceCurve(np.array([1e-6, 2e-6]), Pulse(2.0, 0.05))
        box = load("emulators", driver)(World(SimulatedBackend(curve, np.zeros((4, 4)), scale=1.0)), "it")
        if answer is not None:
            box.identity = (lambda: answer) if callable(box.identity) else answer
        table = InstrumentTable(driver=driver, **keys)
        with InstrumentServer(box) as server:
            opened = open_instrument("smu", table, server.resource)
            try:
                found = opened.identify()
            finally:
                opened.close()
        return wrong_identity("smu", table, found), found

    return open_it


WHOLE = "Home Lab,Box 2,7,1.0"


@pytest.mark.parametrize(
    "driver", ["keysightb2902a", "keithley2400", "keithley2602b", "keithley7001", "keysightb2200a"]
)
@pytest.mark.parametrize("identity", [WHOLE, "Home Lab,Box 2", " Home Lab , Box 2 "])
def test_a_home_made_box_answers_by_its_own_name_in_whole_or_by_maker_and_model(meet, driver, identity):
    wrong, found = meet(driver, WHOLE, identity=identity)
    assert wrong == ""
    assert found == Identity("Home Lab", "Box 2", "7", "1.0")


@pytest.mark.parametrize(
    "identity", ["Home Lab", "Box 2", "Home Lab,Box", "home lab,Box 2", "Home Lab,Box 2,7", WHOLE + "1"]
)
def test_a_name_that_is_not_word_for_word_the_answer_is_refused_with_both(meet, identity):
    wrong, _ = meet("keysightb2902a", WHOLE, identity=identity)
    assert wrong == f"instruments.smu: {WHOLE!r} answers *IDN?, but its identity is {identity!r}"


def test_without_an_identity_it_is_refused_and_told_how_to_give_one(meet):
    wrong, _ = meet("keysightb2902a", WHOLE)
    assert wrong.startswith("instruments.smu: a Box 2 answers, but driver keysightb2902a is for a B2902A")
    assert wrong.endswith(f"identity = {WHOLE!r}")


@pytest.mark.parametrize("driver", ["keysightb2902a", "keithley2602b"])
@pytest.mark.parametrize("answer", ["crossbar box 3", "Home Lab,Box 3", "Home Lab,Box 3,9"])
def test_an_answer_of_any_form_is_an_identity_if_the_file_gives_it_word_for_word_and_garbled_otherwise(
    meet, driver, answer
):
    assert meet(driver, answer, identity=answer)[0] == ""
    with pytest.raises(GarbledReply, match="not maker, model, serial number, firmware"):
        meet(driver, answer, identity="another box")
    with pytest.raises(GarbledReply):
        meet(driver, answer)


def test_the_instrument_of_the_driver_is_refused_where_a_home_made_box_is_named(meet):
    assert "but its identity is 'Home Lab,Box 2'" in meet("keysightb2902a", None, identity="Home Lab,Box 2")[0]


def test_an_empty_identity_is_refused():
    with pytest.raises((ConfigError, ValueError), match="identity"):
        InstrumentTable(driver="keysightb2902a", identity="")


@pytest.mark.parametrize("driver", ["keysightb2200a", "keysightb2201a"])
def test_a_model_that_does_not_tell_its_serial_number_takes_that_of_the_label(meet, driver):
    model = driver.removeprefix("keysight").upper()
    for keys in ({}, {"serial": "JP12345678"}):
        wrong, found = meet(driver, f"AGILENT,{model},0,A.01.00", **keys)
        assert wrong == ""
        assert found.serial == NOT_TOLD == "not told by this model"


def test_another_serial_number_of_a_model_that_tells_it_is_refused(meet):
    answer = "Keysight Technologies,B2902A,MY1,1"
    assert meet("keysightb2902a", answer, serial="MY1")[0] == ""
    assert meet("keysightb2902a", answer, serial="MY2")[0].endswith("serial number MY1 answers, expected MY2")
