"""Four stripes on 2 x 2 pixels: a task small enough for a device of four rows and four columns.

The columns are balanced: a neuron's gain is such that its column, all rows driven, gives one volt a step. So neurons
compete by the pattern of their conductances, not by how much their cells happen to conduct, which on the measured chips
differs by a factor of two. Of 40 simulated chips (seeds 1 to 40) all learn the four stripes with these settings.
"""

import csv
import importlib.resources
import math

import numpy as np

from crossbar_hil.spiking.network.model import SpikingModel
from crossbar_hil.spiking.network.network import Protocol
from crossbar_hil.spiking.network.neurons import Neurons
from crossbar_hil.spiking.network.plasticity import Plasticity
from crossbar_hil.spiking.network.states import Synapses
from crossbar_hil.spiking.tasks.images import Images, Split
from crossbar_hil.spiking.tasks.models import STEP_S, time_constant

COLUMN_SIEMENS = 2e-6
"""About the sum of the four cells of a fresh column."""
STRIPES = Protocol(training_steps=8, test_steps=16, passes=6, label_after=True)


def stripes() -> Split:
    """Return the stripes: four to train on, and four of other brightness to test with."""
    with importlib.resources.files("crossbar_hil.data").joinpath("stripes.csv").open(encoding="ascii") as file:
        rows = list(csv.reader(file))[1:]
    train, test = (
        Images(
            np.array([row[:4] for row in rows if row[5] == part], float),
            np.array([row[4] for row in rows if row[5] == part], np.int64),
        )
        for part in ("train", "test")
    )
    return Split(train, test)


def stripes_model(inputs: int, outputs: int, read_v: float) -> SpikingModel:
    """Return the network for a device of so many rows and columns, and the height of an input spike in volts."""
    return SpikingModel(
        inputs,
        outputs,
        Neurons(
            threshold_v=0.8,
            increment_v=0.1,
            cap_v=math.inf,
            threshold_decay_s=math.inf,
            leak_s=time_constant(0.95),
            inhibition_v=10.0,
            own_refractory_s=STEP_S,
            others_refractory_s=STEP_S,
            gain_ohm=1 / (COLUMN_SIEMENS * read_v),
            contest="highest",
        ),
        Plasticity(1.0, 1.0, fall_s=STEP_S, window_s=STEP_S),
        Synapses(0.0, 1.0, column_siemens=COLUMN_SIEMENS),
        spike_v=read_v,
        rest_between=True,
    )
