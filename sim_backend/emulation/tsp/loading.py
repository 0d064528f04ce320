"""A script that comes in line by line, after ``loadscript`` or ``loadandrunscript``."""

import re

from .lua.objects import Refused

LONGEST_SCRIPT = 2**20
"""Characters, a line feed counted for each line."""


class Loading:
    """The lines so far.

    Parameters
    ----------
    name : str
        Name of the script; empty for the anonymous one.
    at_once : bool
        Whether it runs when it is complete.
    """

    def __init__(self, name: str, *, at_once: bool) -> None:
        self._name, self.at_once = name, at_once
        self._lines: list[str] = []
        self._length = 0

    def take(self, line: str) -> None:
        """Add a line.

        Raises
        ------
        Refused
            If the script gets too long; what is there is worth nothing.
        """
        self._length += len(line) + 1
        if self._length > LONGEST_SCRIPT:
            raise Refused(-225, "Out of memory")
        self._lines.append(line)

    def name(self) -> str:
        """Return the name.

        Raises
        ------
        Refused
            If it is not one.
        """
        if self._name and not re.fullmatch(r"[A-Za-z_]\w*", self._name, re.ASCII):
            raise Refused(-285, f"script name {self._name[:40]!r} is not a name")
        return self._name

    def source(self) -> str:
        """Return the script."""
        return "\n".join(self._lines)
