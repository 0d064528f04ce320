"""Programming as a terminal shows it: a line a round, in words."""

from crossbar_hil.programming.loop import Round, unmet
from crossbar_hil.programming.settings import ProgramSettings
from crossbar_hil.screen.view import NothingShown
from crossbar_hil.text import counted


class Told:
    """Tells of each round."""

    def __init__(self, view: NothingShown, settings: ProgramSettings) -> None:
        self._view, self._settings = view, settings

    def show(self, step: Round) -> None:
        """Tell of a round that is on disk."""
        left = int(unmet(step.standing).sum())
        rising, falling = int(step.rising.sum()), int(step.falling.sum())
        sent = f"{counted(rising, 'potentiating pulse')}, {counted(falling, 'depressing pulse')}"
        if self._settings.purpose == "reset":
            sent = counted(falling, "depressing pulse")
        self._view.phase(f"round {step.number}  {counted(left, 'cell')} off target  {sent if step.pulses else 'done'}")
