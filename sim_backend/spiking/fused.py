"""The compiled engine of the spiking network on an ideal crossbar; same spikes as `StepwiseEngine`."""

from crossbar_hil.spiking.network.encoding import Words
from crossbar_hil.spiking.network.model import NetworkState, SpikingModel
from crossbar_hil.spiking.network.stepwise import Presentation, Showing

from .working import lay_out


class FusedEngine:
    """Shows images with all steps of all images in one compiled call."""

    def show(self, model: SpikingModel, state: NetworkState, images: Words, showing: Showing) -> Presentation:
        """Return the network after it was shown images, given as (P, K) spike probabilities, and its output spikes."""
        from . import kernel  # noqa: PLC0415 - numba takes long to import

        work = lay_out(model, state, images, showing)
        arguments = (*work.arguments(), None, None, work.effects)
        kernel.show(*arguments)
        return work.presentation()
