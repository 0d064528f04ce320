"""A switch matrix that is a person: says what to connect, waits for the word, and remembers it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Self

from crossbar_hil.defaults import DEADLINE_S
from crossbar_hil.errors import ConfigError, InstrumentError, Stopped, Unconfirmed
from crossbar_hil.instrument import Identity, Place, SwitchMatrix, row_number

from .transport.adapter import BenchAdapter

DONE = frozenset({"", "y", "yes", "done", "ok"})
"""Answers that confirm."""
ALL_OFF = "every connection off"


def _place(crosspoint: str) -> tuple[str, int]:
    """Return port and line of a crosspoint, to sort by: line 12 comes after line 2."""
    port, _, line = crosspoint.partition("-")
    return port, int(line)


class ManualSwitchMatrix(SwitchMatrix):
    """Cables, a patch panel or toggle switches, moved by the person at the bench.

    A crosspoint is written port, ``-``, line, such as ``A-5``, or with a slot above 1 before it, such as ``2:A-5``.
    The person is told what port and line are, too, once `explain` has said it.
    The state is what the person confirmed; nothing can be read back. After anything but a confirmation the state is
    unknown, and the next `connect` asks for everything to be taken off first.

    Parameters
    ----------
    name : str
        Name in messages.
    ask : callable
        Shows a text and returns what the person answers, as `input` does.
    tell : callable
        Shows a text, as `print` does.
    panel : BenchAdapter, optional
        An emulated panel, which is told what was confirmed; it may say that nobody is to be asked.
    """

    settle_s = 0.0

    def __init__(
        self, name: str, *, ask: Callable[[str], str], tell: Callable[[str], object], panel: BenchAdapter | None = None
    ) -> None:
        self.name = name
        self.operations = 0
        self._ask = ask
        self._tell = tell
        self._known: frozenset[str] | None = None
        self._told_off = self._alone = False
        self._ports: dict[str, str] = {}
        self._lines: dict[Place, str] = {}
        self._panel = panel
        self._answers = panel is not None and self._say("ANSWERS?") == "yes"

    @classmethod
    def open(
        cls,
        resource: str,
        *,
        name: str,
        visa: str = "@py",
        deadline_s: float = DEADLINE_S,
        ask: Callable[[str], str] | None = None,
        tell: Callable[[str], object] | None = None,
    ) -> Self:
        """Begin to work with a person, who takes as long as it takes; `resource` is that of an emulated panel, if any.

        Raises
        ------
        ConfigError
            If there is no way to ask.
        """
        if ask is None or tell is None:
            raise ConfigError(f"{name} is moved by hand, so it needs somebody to ask, and nobody is there")
        panel = BenchAdapter(resource, name=name, visa=visa, deadline_s=deadline_s) if resource else None
        return cls(name, ask=ask, tell=tell, panel=panel)

    def identify(self) -> Identity:
        """Return that it is a person; nobody is asked."""
        return Identity("crossbar-hil", "MANUAL", "0", "0")

    def crosspoint(self, slot: int, port: str, line: int) -> str:
        """Return the name of the crosspoint of a port (matrix row) and a line (matrix column)."""
        row_number(port)
        if slot < 1 or line < 1:
            raise ConfigError(f"{self.name}: slot {slot} and column {line} must be 1 or more")
        return f"{port.upper()}-{line}" if slot == 1 else f"{slot}:{port.upper()}-{line}"

    def explain(self, ports: Mapping[str, str], lines: Mapping[Place, str]) -> None:
        """Take what hangs on each port and what each line is, to name both to the person."""
        self._ports = {port.upper(): what for port, what in ports.items()}
        self._lines = dict(lines)

    def _words(self, crosspoint: str) -> str:
        """Return a crosspoint as a person reads it, such as ``A (drive) - 5 (row 2 of the chip)``."""
        port, _, line = crosspoint.partition("-")
        slot, _, plain = port.rpartition(":")
        what, where = self._ports.get(plain, ""), self._lines.get((int(slot or 1), int(line)), "")
        return f"{port}{f' ({what})' if what else ''} - {line}{f' ({where})' if where else ''}"

    def prepare(self) -> None:
        """Have everything taken off, unless that is what was confirmed last."""
        if self._known != frozenset():
            self._have_done(
                f"{self.name}: take every connection off, so that no port touches a line.", frozenset(), ALL_OFF
            )

    def connect(self, crosspoints: Iterable[str]) -> None:
        """Have exactly these crosspoints connected: the others taken off first, then these put on.

        Raises
        ------
        Unconfirmed
            If the person does not confirm; what is connected is then unknown.
        """
        wanted = frozenset(crosspoints)
        if self._known is None:
            self.prepare()
        before = self._known or frozenset()
        if wanted == before:
            return
        moves = [f"take off {self._words(name)}" for name in sorted(before - wanted, key=_place)]
        moves += [f"connect  {self._words(name)}" for name in sorted(wanted - before, key=_place)]
        more = f", and {len(moves) - 1} more" if len(moves) > 1 else ""
        first = moves[0].replace("connect  ", "connect ")
        self._have_done("\n  ".join([f"{self.name}:", *moves]), wanted, f"{first}{more}")

    def disconnect_all(self) -> None:
        """Tell the person to take everything off, unless that was said or confirmed; no answer is waited for."""
        if self._known == frozenset() or self._told_off:
            return
        self.operations += len(self._known or ())
        self._known = None
        self._told_off = True
        self._tell(f"{self.name}: take every connection off now.")

    def connected(self) -> frozenset[str]:
        """Return what the person confirmed last; after `disconnect_all` the person is asked whether it is done.

        Raises
        ------
        Unconfirmed
            If that is not confirmed; where nobody answers, nobody is asked again.
        InstrumentError
            If nothing has been confirmed since something went wrong.
        """
        if self._known is None and self._told_off:
            try:
                if not self._alone:
                    self._have_done(f"{self.name}: every connection must be off.", frozenset(), ALL_OFF)
            except (Stopped, EOFError, KeyboardInterrupt):
                self._told_off = self._alone = True
            if self._alone:
                raise Unconfirmed(f"{self.name}: nobody has confirmed that every connection is off")
        if self._known is None:
            raise InstrumentError(f"{self.name}: what is connected is not known; nobody has confirmed it")
        return self._known

    def close(self) -> None:
        """End the session; connections stay as they are."""
        if self._panel is not None:
            self._panel.close()

    def _have_done(self, text: str, after: frozenset[str], what: str) -> None:
        """Tell what is to be done, and wait for the word that it is; `what` says it in short."""
        before, self._known, self._told_off = self._known, None, False
        self._tell(text)
        if not self._answers:
            answer = self._ask(f"{self.name}: done? (Enter or y, anything else stops) ").strip().lower()
            self._alone = False
            if answer not in DONE:
                raise Unconfirmed(
                    f"{self.name}: {answer!r} is no confirmation ({what}), so what is connected is not known"
                )
        if self._panel is not None:
            said = self._say(f"CONNECT {','.join(sorted(after))}")
            if said != "done":
                raise InstrumentError(f"{self.name}: the emulated panel says {said!r}")
        self.operations += len((before or frozenset()) ^ after)
        self._known = after

    def _say(self, message: str) -> str:
        """Exchange a line with the emulated panel."""
        if self._panel is None:
            raise InstrumentError(f"{self.name}: there is no emulated panel")
        self._panel.write(message)
        return str(self._panel.read())
