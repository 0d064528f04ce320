"""Ranges of a 2600B channel: ``rangeY``, ``autorangeY`` and ``lowrangeY``, Y being ``v`` or ``i``."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from ..lua.objects import Node, Refused, Value, choice, number


class Ranges:
    """The ranges of a source or of a measurement.

    Parameters
    ----------
    node : Node
        Gets the attributes.
    of : mapping of str to sequence of float
        All ranges by axis, ascending, in volts and amperes.
    present : callable
        Returns full scale of the range in use, by axis.
    auto : sequence of float
        What ``autorangeY`` can be.
    check : callable
        Refuses a range of an axis that cannot be taken now.
    locked : callable
        Says whether the range in use of an axis is not one of these.
    """

    def __init__(
        self,
        node: Node,
        of: Mapping[str, Sequence[float]],
        present: Callable[[str], float],
        auto: Sequence[float] = (0, 1),
        check: Callable[[str, float], None] = lambda _axis, _range: None,
        locked: Callable[[str], bool] = lambda _axis: False,
    ) -> None:
        self._values, self._present, self._auto = node.values, present, choice(*auto)
        self._check, self._locked = check, locked
        self.of = of
        self.fixed = {axis: ranges[0] for axis, ranges in of.items()}
        """The range of each axis that is not automatic."""
        for axis, ranges in of.items():
            node.attribute(f"range{axis}", partial(present, axis), partial(self.fix, axis))
            node.setting(f"autorange{axis}", 1.0, partial(self._automatic, axis))
            node.setting(f"lowrange{axis}", ranges[0], partial(self.holding, axis))

    def automatic(self, axis: str) -> float:
        """Return what ``autorangeY`` is."""
        return float(self._values[f"autorange{axis}"])

    def chosen(self, axis: str, value: float, share: float = 1.0) -> float:
        """Return the range that is chosen for a value."""
        return max(range_for(value, self.of[axis], share), self._values[f"lowrange{axis}"])

    def holding(self, axis: str, value: Value) -> float:
        """Check a number that stands for the smallest range that holds it."""
        return range_for(number()(value), self.of[axis])

    def fix(self, axis: str, value: Value) -> None:
        """``rangeY = value``: stay in the smallest range that holds it."""
        wanted = self.holding(axis, value)
        self._check(axis, wanted)
        self.fixed[axis] = wanted
        self._values[f"autorange{axis}"] = 0.0

    def _automatic(self, axis: str, value: Value) -> float:
        """Check ``autorangeY``; a range that is no longer automatic stays what it is."""
        wanted = self._auto(value)
        if not wanted and self.automatic(axis) and not self._locked(axis):
            self.fixed[axis] = self._present(axis)
        return float(wanted)


def range_for(value: float, ranges: Sequence[float], share: float = 1.0) -> float:
    """Return the smallest range that holds a value, at up to a share of its full scale.

    >>> range_for(2.5e-6, (1e-6, 1e-5, 1e-4))
    1e-05
    """
    for each in ranges:
        if abs(value) <= each * share * (1 + 1e-12):
            return each
    raise Refused(1101, "Parameter too big")
