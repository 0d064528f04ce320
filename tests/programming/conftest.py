"""What several tests of programming need: the shipped curve as the product takes it."""

import numpy as np
import pytest

from crossbar_hil.backend import Pulse
from crossbar_hil.programming.response import Response
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend import ConductanceCurve, SimulatedBackend

UP, DOWN = Pulse(2.0, 0.05), Pulse(-2.8, 0.05)
CURVE = ConductanceCurve.from_csv(data_file("figure2a"))
SPAN = 10 * CURVE.span


def response(**more):
    return Response.of(UP, DOWN, 10 * CURVE.rises, CURVE.for_pulse(DOWN).levels_siemens, **more)


def chip(shifts=((2e-8, 5e-8), (3e-8, 8e-8)), **more):
    return SimulatedBackend(CURVE, np.array(shifts), **more)


@pytest.fixture
def reference():
    return chip()
