"""Homeostasis that holds for any number of images: what a spike adds to a threshold, by how many are to come.

Thresholds that neither decay nor have a cap rise with every own spike, and those of the tuned networks were found for a
number of images. Shown ten times as many, all neurons fall silent. So the increment is taken from the expected count of
own spikes: where a neuron gets more images than the network was tuned for, each of its spikes raises the threshold by
as much less, and the thresholds end where they would have. Weights change more slowly too, as there is more to learn
from. `benchmarks/spiking/spiking_homeostasis.py` chose how, on images of the training file that no network was trained
on.
"""

from dataclasses import replace

from crossbar_hil.spiking.network.model import SpikingModel
from crossbar_hil.spiking.network.network import Protocol

HOMEOSTASES = ("paced", "constant")


def pace(images: int, protocol: Protocol, outputs: int, tuned_for: float) -> float:
    """Return the share of the increment that is left.

    Parameters
    ----------
    images : int
        Training images of a pass.
    outputs : int
        Neurons among which they are shared.
    tuned_for : float
        Images a neuron, over all passes, for which the increment was found.

    Examples
    --------
    >>> pace(1000, Protocol(passes=3), 50, 60.0), pace(10_000, Protocol(passes=3), 50, 60.0)
    (1.0, 0.1)
    """
    return min(1.0, tuned_for * outputs / (images * protocol.passes))


def paced_model(model: SpikingModel, share: float) -> SpikingModel:
    """Return the model with so much of the increment of its thresholds."""
    return replace(model, neurons=replace(model.neurons, increment_v=share * model.neurons.increment_v))


def paced_protocol(protocol: Protocol, share: float, exponent: float) -> Protocol:
    """Return the protocol with changes of weights for so much of the increment, that share to a power."""
    return replace(protocol, rates=tuple(share**exponent * rate for rate in protocol.rates))
