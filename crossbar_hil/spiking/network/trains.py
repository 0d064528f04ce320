"""Which inputs spike in which step: at rates or at times, a pure function of the key of a presentation and the step.

Rates are probabilities of a spike at every step (see `encoding`). With times each input spikes once in a cycle of
steps: at its own step, there or up to a few steps from it, at a step drawn anew for every cycle, or not at all. The
key is made of seed, stream and number of the presentation, so a presentation that is shown again is shown as before.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray, IntArray, checked_array
from crossbar_hil.errors import DataError
from crossbar_hil.spiking.network.encoding import Words, input_spikes, random_words, step_key

SILENT_INPUT, ANY_STEP = -1, -2
"""Instead of a step: an input that does not spike, and one that spikes at a step drawn anew for every cycle."""


class Trains(Protocol):
    """Spike trains of K inputs in P samples."""

    def __len__(self) -> int:
        """Return P."""
        ...

    @property
    def inputs(self) -> int:
        """Return K."""
        ...

    def spikes(self, sample: int, key: int, step: int) -> BoolArray:
        """Return which (K,) inputs spike in a step, from 0, of a sample under the key of its presentation."""
        ...


Shown: TypeAlias = Words | Trains
"""What an engine is shown: (P, K) spike probabilities, or trains; compiled engines take probabilities only."""
Encode: TypeAlias = Callable[[FloatArray], Shown]
"""Makes (P, C) numbers of samples what an engine is shown."""


@dataclass(frozen=True, slots=True, eq=False)
class Rates:
    """Trains without memory: at every step each input spikes with its probability."""

    probabilities: Words
    """(P, K), in units of 2**-32."""

    def __len__(self) -> int:
        return len(self.probabilities)

    @property
    def inputs(self) -> int:
        """Return K."""
        return self.probabilities.shape[1]

    def spikes(self, sample: int, key: int, step: int) -> BoolArray:
        """Return which (K,) inputs spike in a step."""
        return input_spikes(self.probabilities[sample], step_key(key, step))


@dataclass(frozen=True, slots=True, eq=False)
class Times:
    """Trains in cycles of so many steps, in each of which an input spikes once, or not at all."""

    steps: IntArray
    """(P, K) step within the cycle, from 0; `SILENT_INPUT` or `ANY_STEP`."""
    cycle: int
    jitter: int = 0
    """Steps up to which a spike may come early or late, anew in every cycle, each as likely."""

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def inputs(self) -> int:
        """Return K."""
        return self.steps.shape[1]

    def spikes(self, sample: int, key: int, step: int) -> BoolArray:
        """Return which (K,) inputs spike in a step."""
        number, now = divmod(step, self.cycle)
        own = self.steps[sample]
        words = random_words(step_key(key, number), len(own))
        at = np.where(own == ANY_STEP, below(words, self.cycle), own + below(words, 2 * self.jitter + 1) - self.jitter)
        return (at == now) & (own != SILENT_INPUT)


def below(words: Words, bound: int) -> IntArray:
    """Return whole numbers from 0 up to below a bound, each as likely, of random words below 2**32."""
    return ((words * np.uint64(bound)) >> np.uint64(32)).astype(np.int64)


@dataclass(frozen=True, slots=True)
class SpikeTimes:
    """An encoding: numbers of steps become trains, perhaps through delay lines.

    Raises
    ------
    DataError
        If the cycle is too short, or a delay negative.
    """

    cycle: int
    jitter: int = 0
    taps: tuple[tuple[int, int], ...] = ()
    """For each row of the array the channel, from 0, that it listens to, and the steps by which a line delays it;
    nothing for one row a channel, without delay."""

    def __post_init__(self) -> None:
        if self.jitter < 0 or self.cycle < 2 * self.jitter + 1:
            raise DataError(f"a cycle of {self.cycle} steps is too short for a jitter of {self.jitter} steps")
        if any(channel < 0 or delay < 0 for channel, delay in self.taps):
            raise DataError(f"taps {self.taps} must be channels from 0 and delays that are not negative")

    def __call__(self, values: FloatArray) -> Times:
        """Return the trains of (P, C) steps within the cycle.

        Raises
        ------
        DataError
            If a spike, delayed and with its jitter, does not fall into the cycle, or a tap has no channel.
        """
        array = checked_array("spike times", values, (None, None))
        if len(wrong := array[(np.rint(array) != array) | (np.abs(array) > 2**31)]):
            raise DataError(f"spike times hold {wrong[0]:g}, which is no whole number of steps")
        steps = array.astype(np.int64)
        if self.taps:
            channels, delays = np.array(self.taps).T
            if channels.max() >= steps.shape[1]:
                raise DataError(f"a tap of channel {channels.max()} is there for channels 0 to {steps.shape[1] - 1}")
            if (steps == ANY_STEP).any():
                raise DataError("an input that spikes at any step cannot go through delay lines")
            steps = np.where(steps[:, channels] == SILENT_INPUT, SILENT_INPUT, steps[:, channels] + delays)
        low, high = self.jitter, self.cycle - 1 - self.jitter
        outside = steps[~np.isin(steps, (SILENT_INPUT, ANY_STEP)) & ((steps < low) | (steps > high))]
        if len(outside):
            raise DataError(
                f"a spike at step {outside[0]} does not fall into {low} to {high}, which a cycle of {self.cycle} steps "
                f"with a jitter of {self.jitter} leaves"
            )
        return Times(steps, self.cycle, self.jitter)
