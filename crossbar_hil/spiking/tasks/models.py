"""Models by name of spiking networks on a memristor crossbar, published and tuned, in weight units and in siemens.

Source: the programs and results of A. Dudkin's "SNN_memristor_based" (github.com/anddudkin/SNN_memristor_based, commit
5a78b3b), a network of LIF neurons with simplified STDP on MNIST. Time steps there have no length; here a step is 1 ms.
In weight units a weight of 1 stands for 1 S, so that a spike of 1 V and a gain of 1 ohm give membranes in volts with
the published numbers; `SpikingModel.scaled` moves them to any other range without changing a spike.
"""

import math
from dataclasses import replace

from crossbar_hil.errors import ConfigError
from crossbar_hil.spiking.network.model import SpikingModel
from crossbar_hil.spiking.network.network import Protocol
from crossbar_hil.spiking.network.neurons import Neurons, Singles
from crossbar_hil.spiking.network.plasticity import Plasticity
from crossbar_hil.spiking.network.states import PUBLISHED_DENSITIES, Synapses, linear_states, two_density_states

STEP_S = 1e-3
LEAK = 0.92
"""Share of the membrane left after a step: a time constant of 12 ms."""
DECAY = 0.99999
"""Share of the threshold left after a step: a time constant of 100 s."""
TRAINING_STEPS, TEST_STEPS = 350, 200
CLASSES = (0, 1, 2, 9, 5)
TUNED = Protocol(passes=3, rates=(1.0, 0.5, 0.25), label_after=True, readout="likelihood")
"""Three passes over the training images with smaller and smaller changes, then labels with fixed weights."""
TUNED_TEN = Protocol(passes=2, rates=(1.0, 0.3), label_after=True, readout="likelihood")
"""The like in two passes."""
TUNED_SHOWN, TUNED_TEN_SHOWN = 64.0, 134.0
"""Images a neuron, over all passes, for which the tuned increments of thresholds were found, rounded up: 999 images in
three passes for 50 neurons, and 10,000 in two for 150; see `crossbar_hil.spiking.network.pacing`."""
TUNED_EXPONENT, TUNED_TEN_EXPONENT = 0.25, 0.5
"""Power of what is left of the increment, by which changes of weights shrink with it, chosen on training images that
were held out: `benchmarks/spiking/spiking_homeostasis.py`."""
LOW_SIEMENS, HIGH_SIEMENS = 5e-5, 1e-2


def time_constant(share: float, step_s: float = STEP_S) -> float:
    """Return the time constant that leaves a share after one step, in seconds.

    >>> round(time_constant(0.92), 6)
    0.011993
    """
    return -step_s / math.log(share)


def published_model(units: str = "weights", *, inputs: int = 196, outputs: int = 50) -> SpikingModel:
    """Return the published network, its quirks included.

    Quirks that change results: the clock of the traces starts again at 0 after 10,000 steps; inputs that never spiked
    count as recent in the first ten; of several neurons that cross in a step only the last one spikes.

    Parameters
    ----------
    units : str
        "weights" (0 to 1) or "siemens" (50 uS to 10 mS).
    inputs, outputs : int
        Rows and columns of the crossbar.
    """
    if units not in {"weights", "siemens"}:
        raise ConfigError(f"published units {units!r} are none of weights, siemens")
    weights = units == "weights"
    threshold = 20.0 if weights else 0.2
    return SpikingModel(
        inputs,
        outputs,
        Neurons(
            threshold_v=threshold,
            increment_v=0.02 if weights else 0.0002,
            cap_v=24.0 if weights else 0.24,
            threshold_decay_s=time_constant(DECAY),
            leak_s=time_constant(LEAK),
            inhibition_v=5.0 if weights else 0.05,
            own_refractory_s=5 * STEP_S,
            others_refractory_s=(5 if weights else 6) * STEP_S,
        ),
        Plasticity(
            gain_siemens=0.005 if weights else 5e-5,
            loss_siemens=0.003 if weights else 4.4e-5,
            fall_s=5 * STEP_S,
            window_s=10 * STEP_S,
            wrap_steps=10_000,
            first_input_step=0,
        ),
        Synapses(0.0, 1.0) if weights else Synapses(LOW_SIEMENS, HIGH_SIEMENS),
        step_s=STEP_S,
    )


def published_states_model(count: int, spacing: str = "linear", **sizes: int) -> SpikingModel:
    """Return the published network in siemens with discrete states, updates put on the nearest one.

    Parameters
    ----------
    spacing : str
        "linear", or "nonlinear" for the two densities, which exist for 16, 32, 64, 128 and 256 states.
    """
    if spacing == "linear":
        states = linear_states(count, LOW_SIEMENS, HIGH_SIEMENS)
    elif spacing == "nonlinear" and count in PUBLISHED_DENSITIES:
        states = two_density_states(*PUBLISHED_DENSITIES[count], LOW_SIEMENS, HIGH_SIEMENS)
    else:
        raise ConfigError(f"{count} states of {spacing!r} spacing are not published; spacing is linear or nonlinear")
    synapses = Synapses(LOW_SIEMENS, HIGH_SIEMENS, "nearest", states, start_on_states=False)
    return replace(published_model("siemens", **sizes), synapses=synapses)


def tuned_model(
    units: str = "weights", *, inputs: int = 196, outputs: int = 50, states: Singles | None = None
) -> SpikingModel:
    """Return a network that learns better than the published one from as few images; for the protocol `TUNED`.

    What differs: a threshold rises with every own spike and neither decays nor has a cap, so that no neuron answers to
    everything; a spike clears all other membranes; the neuron highest above its threshold wins, not the last one;
    weights change faster, start lower, and are rounded by chance where there are states. Found on images that are
    neither in the training set nor in the test set (MNIST training images from index 30,000 on).

    Parameters
    ----------
    units : str
        "weights" (0 to 1) or "siemens" (50 uS to 10 mS).
    inputs, outputs : int
        Rows and columns of the crossbar.
    states : ndarray of float32, optional
        Increasing states of the cells, in siemens.
    """
    model = published_model(units, inputs=inputs, outputs=outputs)
    low, high = model.synapses.low_siemens, model.synapses.high_siemens
    return replace(
        model,
        neurons=Neurons(
            threshold_v=20 * high,
            increment_v=0.02 * high,
            cap_v=math.inf,
            threshold_decay_s=math.inf,
            leak_s=time_constant(LEAK),
            inhibition_v=80 * high,
            own_refractory_s=2 * STEP_S,
            others_refractory_s=2 * STEP_S,
            contest="highest",
        ),
        plasticity=Plasticity(0.01 * high, 0.006 * high, fall_s=5 * STEP_S, window_s=10 * STEP_S),
        synapses=Synapses(low, high, "stochastic" if states is not None else "continuous", states, initial_mean=0.5),
    )


def tuned_ten_model(
    units: str = "weights", *, inputs: int = 196, outputs: int = 150, states: Singles | None = None
) -> SpikingModel:
    """Return the like for all ten digits and about 10,000 training images; for the protocol `TUNED_TEN`.

    More kinds of digits ask for neurons that integrate longer, change less at a time and stop softly at the ends of
    the range. Parameters are those of `tuned`; it was found on the same kind of images.
    """
    model = tuned_model(units, inputs=inputs, outputs=outputs, states=states)
    high = model.synapses.high_siemens
    return replace(
        model,
        neurons=replace(
            model.neurons,
            threshold_v=28 * high,
            increment_v=0.0224 * high,
            leak_s=time_constant(0.96),
            inhibition_v=112 * high,
            own_refractory_s=5 * STEP_S,
            others_refractory_s=5 * STEP_S,
        ),
        plasticity=Plasticity(0.005 * high, 0.004 * high, fall_s=3 * STEP_S, window_s=10 * STEP_S, soft=True),
        synapses=replace(model.synapses, initial_mean=0.7),
    )
