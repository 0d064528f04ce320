"""A spiking network that holds its state: trained, labelled and tested on images."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from crossbar_hil.arrays import FloatArray, IntArray
from crossbar_hil.errors import ConfigError, DataError
from crossbar_hil.spiking.network.encoding import LABELLING, TESTING, TRAINING, spike_probabilities
from crossbar_hil.spiking.network.labels import Evaluation, Labels, answers, evaluate, label_neurons
from crossbar_hil.spiking.network.model import NetworkState, SpikingModel, at_rest, initial_state
from crossbar_hil.spiking.network.stepwise import Engine, Showing
from crossbar_hil.spiking.network.trains import Encode


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a network is trained, labelled and tested."""

    training_steps: int = 350
    test_steps: int = 200
    passes: int = 1
    """How often the training images are shown."""
    rates: tuple[float, ...] = (1.0,)
    """Factor on every change of a weight in each pass, the last one for all further passes."""
    label_after: bool = False
    """Whether labels come from showing the training images once more with fixed weights, or, as published, from the
    spikes of the training itself."""
    readout: str = "winner"
    reset_tests: bool = True
    """Whether neurons start afresh with every test image; the published system lets them run on."""

    def __post_init__(self) -> None:
        for name in ("training_steps", "test_steps", "passes"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} {getattr(self, name)} must be at least 1")
        if not self.rates or min(self.rates) < 0:
            raise ConfigError(f"rates {self.rates} must be at least one factor, none negative")


PUBLISHED = Protocol(reset_tests=False)
"""One pass; labels from the spikes of the training; the neuron with most spikes decides; in the test, neurons run on
from one image to the next, after a single rest before the first."""


class SpikingNetwork:
    """A network and where it stands.

    Parameters
    ----------
    engine : Engine
        What does the steps: `StepwiseEngine`, or the compiled one of the simulation back end.
    seed : int
        Seed of initial conductances and of every spike.
    protocol : Protocol
        How it is trained and tested.
    encode : callable
        What makes (P, C) numbers of images spike trains; rates unless another is given.
    """

    def __init__(
        self,
        model: SpikingModel,
        engine: Engine,
        *,
        seed: int,
        protocol: Protocol = PUBLISHED,
        encode: Encode = spike_probabilities,
    ) -> None:
        self.model = model
        self.engine = engine
        self.seed = seed
        self.protocol = protocol
        self.encode = encode
        self.state: NetworkState = initial_state(model, np.random.default_rng(seed))
        self.labels: Labels | None = None

    def train(self, images: FloatArray, labels: IntArray) -> Labels:
        """Train on images (P, K) of intensities 0 to 1 and label the neurons by the images' labels (P,).

        Labels play no part in the training of the weights.
        """
        counts = np.concatenate([self.learn(images, number) for number in range(self.protocol.passes)])
        if self.protocol.label_after:
            return self.label(images, labels)
        self.labels = label_neurons(counts, np.tile(labels, self.protocol.passes))
        return self.labels

    def label(self, images: FloatArray, labels: IntArray) -> Labels:
        """Label the neurons by the labels (P,) of images (P, K) that are shown with fixed weights."""
        showing = self._showing(LABELLING, self.protocol.test_steps)
        counts = self.engine.show(self.model, at_rest(self.state), self.encode(images), showing).counts
        self.labels = label_neurons(counts, labels)
        return self.labels

    def learn(self, images: FloatArray, number: int = 0) -> IntArray:
        """Show training images once, in pass `number` from 0; returns their (P, N) output spikes.

        A pass that is shown in parts, one after the other, ends as one that is shown whole.
        """
        rates = self.protocol.rates
        rate = rates[min(number, len(rates) - 1)]
        model = replace(self.model, plasticity=self.model.plasticity.scaled(rate))
        showing = replace(
            self._showing(TRAINING, self.protocol.training_steps),
            first=self.state.presented,
            learn=True,
            reset=self.model.rest_between,
        )
        presentation = self.engine.show(model, self.state, self.encode(images), showing)
        self.state = presentation.state
        return presentation.counts

    def respond(self, images: FloatArray, *, first: int = 0) -> IntArray:
        """Return the (P, N) output spikes for images with fixed weights; the network stays as it is."""
        showing = replace(self._showing(TESTING, self.protocol.test_steps), first=first)
        return self.engine.show(self.model, at_rest(self.state), self.encode(images), showing).counts

    def respond_in_parts(self, images: FloatArray, part: int, stream: int = TESTING) -> Iterator[IntArray]:
        """Show images with fixed weights in parts; yields the (part, N) output spikes that `respond` gives for all.

        Parameters
        ----------
        images : ndarray of float, shape (P, K)
            Intensities, 0 to 1.
        stream : int
            `encoding.TESTING`, or `encoding.LABELLING` for the spikes by which `train` labels the neurons.
        """
        state = at_rest(self.state)
        for first in range(0, len(images), part):
            showing = replace(self._showing(stream, self.protocol.test_steps), first=first)
            shown = self.engine.show(self.model, state, self.encode(images[first : first + part]), showing)
            state = shown.state
            yield shown.counts

    def test(self, images: FloatArray, labels: IntArray) -> Evaluation:
        """Return how the network does on images that it was not trained on.

        Raises
        ------
        DataError
            If the network has not been trained.
        """
        if self.labels is None:
            raise DataError("the neurons have no labels yet; train the network before the test")
        given = answers(self.respond(images), self.labels, self.protocol.readout)
        return evaluate(given, labels, self.labels.classes)

    def _showing(self, stream: int, steps: int) -> Showing:
        return Showing(steps, self.seed, stream, reset=self.protocol.reset_tests)
