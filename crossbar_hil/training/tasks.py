"""Tasks that ship: what a published experiment trained, laid over a bench by its name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from crossbar_hil.shipped import ShippedTask

WHOLLY = {"rule_options", "target0", "hidden", "bias", "shortcuts", "pairs", "layers"}
"""Settings of a bench that a task replaces also where it does not name them: they are of what is learnt."""


@dataclass(frozen=True, slots=True)
class Task(ShippedTask):
    """A pattern set, the size of its chip, and the settings with which it is learnt."""

    folder: ClassVar[str] = "tasks"

    training: Mapping[str, Any]
    """Keys of ``[training]``; pulses are those of the bench."""

    def lay_over(self, tables: Mapping[str, Any], where: str) -> dict[str, Any]:
        """Return the tables of a bench with this task to be trained.

        Raises
        ------
        ConfigError
            If the bench wires a chip of another size.
        """
        laid = ShippedTask.lay_over(self, tables, where)
        training = tables.get("training", {})
        if isinstance(training, dict):
            kept = {key: value for key, value in training.items() if key not in WHOLLY}
            laid["training"] = {**kept, **self.training}
        return laid
