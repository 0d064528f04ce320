"""What a spiking training is shown with: a view that shows nothing, of which others are made."""

from crossbar_hil.screen.view import NothingShown
from crossbar_hil.spiking.progress import Progress


class SilentView(NothingShown):
    """Shows nothing of a training."""

    def begin(self, total: int, shape: tuple[int, int]) -> None:
        """Take note of how many training images there are in all, and of the rows and columns."""

    def show(self, progress: Progress) -> None:
        """Take note of where the training stands."""

    def tick(self, what: str, done: int, total: int) -> None:
        """Take note of how far labelling or testing is."""
