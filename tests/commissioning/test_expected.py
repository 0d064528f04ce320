from dataclasses import replace

import numpy as np
import pytest

from crossbar_hil.commissioning.expected import BoardModel

PORTS = ("drive", "meter", "ground")


def model(siemens, **more):
    return BoardModel(np.array(siemens), PORTS, ("drive", "meter"), **more)


def test_a_cell_at_virtual_ground_carries_ohms_law_and_the_drive_the_whole_row():
    board = model([[1e-6, 3e-6], [2e-6, 4e-6]])
    (found,) = board.currents([(("drive", "ground", "meter", "ground"), {"drive": 0.1})])
    assert found == pytest.approx([0.1 * 4e-6, -0.1 * 1e-6], rel=1e-6)


def test_one_cell_of_four_equal_ones_reads_as_one_and_a_third_with_the_others_floating():
    # Three cells in series lie beside it: G + G / 3.
    board = model(np.full((2, 2), 1e-6))
    (found,) = board.currents([(("drive", "open", "ground", "open"), {"drive": 0.1})])
    assert found == pytest.approx([0.1 * 4e-6 / 3, 0.0], rel=1e-6, abs=1e-15)


def test_a_guard_keeps_its_lines_out_and_a_divider_puts_half_on_them():
    guarded = BoardModel(
        np.full((2, 2), 1e-6), ("drive", "ground", "guard"), ("drive",), guarded="drive", guard_feeds_divider=True
    )
    (found,) = guarded.currents([(("ground", "guard", "drive", "guard"), {"drive": 0.1})])
    assert found == pytest.approx([0.1e-6], rel=1e-6)
    divided = BoardModel(np.full((2, 2), 1e-6), ("drive", "ground", "divider"), ("drive",), divided="drive")
    (found,) = divided.currents([(("drive", "divider", "ground", "divider"), {"drive": 2.0})])
    # One whole cell and one half-selected; that of the divider itself is left out.
    assert found == pytest.approx([3e-6], rel=1e-3)


def test_a_divider_on_hi_passes_on_half_of_what_the_lines_on_its_middle_take():
    # 2 V on the cell of 1 uS; 1 V on its row mate of 2 uS, which feeds the middle, and on its column mate of
    # 3 uS, which loads it. The upper resistor carries half of the difference: 2 + 2 + (3 - 2) / 2.
    board = BoardModel(
        np.array([[1e-6, 2e-6], [3e-6, 4e-6]]), ("drive", "ground", "divider"), ("drive",), divided="drive"
    )
    (found,) = board.currents([(("drive", "divider", "ground", "divider"), {"drive": 2.0})])
    assert found == pytest.approx([4.5e-6], rel=2e-3)


@pytest.mark.parametrize(
    ("fault", "currents"),
    [
        ({"dead": frozenset({("drive", 0)})}, [0.0, 0.0]),
        ({"loose": frozenset({"meter"})}, [4e-7 - 1e-7 * 3 / 3, 0.0]),
        ({"order": (1, 0, 2, 3)}, [6e-7, -2e-7]),
        ({"joined": ((0, 1, 1e-7),)}, [4e-7 + 1e-8, -1e-7]),
        ({"joined": ((0, None, 1e-7),)}, [4e-7 + 1e-8, -1e-7]),
    ],
)
def test_a_fault_shows_as_kirchhoff_has_it(fault, currents):
    board = replace(model([[1e-6, 3e-6], [2e-6, 4e-6]]), **fault)
    (found,) = board.currents([(("drive", "ground", "meter", "ground"), {"drive": 0.1})])
    if "loose" in fault:  # column 1 floats between row 1 at 0.1 V and row 2 at ground: 1 uS and 2 uS in series
        currents = [3e-7 + 0.1 / (1e6 + 5e5), 0.0]
    assert found == pytest.approx(currents, rel=1e-5, abs=1e-14)


def test_a_welded_relay_shorts_the_drive():
    board = replace(model(np.full((2, 2), 1e-6)), welded=frozenset({("ground", 0)}))
    (found,) = board.currents([(("drive", "ground", "meter", "ground"), {"drive": 0.1})])
    assert abs(found[0]) > 1.0
