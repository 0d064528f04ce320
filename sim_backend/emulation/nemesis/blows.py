"""What a nemesis does to the instruments of a bench and to what hangs on them."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from math import copysign, isfinite
from typing import Any, Protocol

import numpy as np

from crossbar_hil.errors import ConfigError

from ..scpi.instrument import EmulatedScpiInstrument
from ..scpi.status import Register
from ..tsp.messages import EmulatedTspInstrument
from ..world.damage import BEYOND_A, BrokenCell, BrokenRelay, Damage
from ..world.instrument import EmulatedInstrument
from ..world.world import World
from .faults import Fault, Nemesis
from .verbs import ELSEWHERE

INTERLOCK = (802, "OUTPUT blocked by interlock")
"""Keithley 2600B reference manual, error summary."""
TOO_HOT = (-300, "Output switched off: over temperature")
OVER_TEMPERATURE = 1 << 4
"""Temperature in the questionable status register (SCPI-99, volume 1, section 9.5)."""


class Server(Protocol):
    """What blows need of the server of an instrument."""

    def replace(self, instrument: EmulatedInstrument) -> None:
        """Let another one answer, and end every connection."""

    def freeze(self, seconds: float | None) -> None:
        """Do nothing for a while."""

    def lose(self, seconds: float | None) -> None:
        """Lose everything for a while."""

    def refuse(self, seconds: float | None, attempts: int) -> None:
        """Refuse connections for a while, or a few of them."""


class Blows:
    """Everything that can be done to a bench; called while nobody else acts on the world.

    Parameters
    ----------
    nemesis : Nemesis
        Who says what is done.
    world : World
        What the instruments hang on.
    instruments : mapping of str to EmulatedInstrument
        The instruments that are there now.
    remake : callable
        Makes the instrument of a name anew, as after power-on, in place of the old one.

    Raises
    ------
    ConfigError
        If a fault names an instrument or a cell that is not there.
    """

    def __init__(
        self,
        nemesis: Nemesis,
        world: World,
        instruments: Mapping[str, EmulatedInstrument],
        remake: Callable[[str], EmulatedInstrument],
    ) -> None:
        self.nemesis = nemesis
        self.servers: dict[str, Server] = {}
        self._world, self._instruments, self._remake = world, instruments, remake
        for fault in nemesis.faults:
            self._check(fault)

    def _check(self, fault: Fault) -> None:
        args = fault.args
        for name in (fault.instrument, args.get("of")):
            if name is not None and name not in self._instruments:
                raise ConfigError(
                    f"fault {fault.verb}: there is no instrument {name!r} on the bench; "
                    f"there is {', '.join(self._instruments)}"
                )
        if fault.verb == "relay":
            self._matrix(args["matrix"])
        if fault.verb in ("cell", "trip"):
            rows, columns = self._world.chip.shape
            if not (0 <= args["row"] < rows and 0 <= args["column"] < columns):
                raise ConfigError(
                    f"fault {fault.verb}: cell [{args['row']}, {args['column']}] is not on the chip of {rows} by "
                    f"{columns} cells"
                )

    def begin(self) -> None:
        """Do what is done before the first message."""
        with self._world.at_work(), ExitStack() as lasting:
            for fault in self.nemesis.at_start():
                named = fault.args.get("of") or fault.instrument
                everywhere = list(self.servers) if fault.verb in ELSEWHERE else list(self.servers)[:1]
                for name in [named] if named else everywhere:
                    self.strike(fault, name, "", lasting)

    def strike(self, fault: Fault, name: str, message: str, lasting: ExitStack) -> None:
        """Do what a fault says to an instrument; what is only for one message is undone when `lasting` closes."""
        entry = self.nemesis.entry(fault, name, message)
        self._world.log.add(self._world.clock.elapsed(), "nemesis", **entry)
        if fault.verb in _BLOWS:
            _BLOWS[fault.verb](self, fault.args, fault.args.get("of") or name, lasting)

    def reboot(self, name: str, seconds: float) -> None:
        """Take an instrument's power away and bring it back: outputs off, relays open, everything forgotten."""
        channels = self._instruments[name].channels
        self._world.set_terminals(
            {channel: {"on": False, "level_v": 0.0, "off_state": "highz"} for channel in channels}
        )
        if not channels:
            self._world.move_relays(name, ())
        self.servers[name].replace(self._remake(name))
        if seconds:
            self.servers[name].refuse(seconds, 0)

    def enforce(self, name: str) -> None:
        """Switch off again what an open interlock or heat keeps from being on, and say so in the error queue."""
        damage, instrument = self._world.damage, self._instruments[name]
        blocked = damage.blocked.intersection(instrument.channels) if damage else set()
        if any(self._world.wanted(channel).on for channel in blocked):
            switch_off(instrument)
            instrument.report(*(INTERLOCK if instrument.interlock_open else TOO_HOT))

    def _reboot_before(self, name: str, seconds: float, when: str, of: str | None) -> None:
        """Reboot at once, unless it is the instrument that was spoken to and its message comes first."""
        if when == "before" or of is not None:
            self.reboot(name, seconds)

    def _matrix(self, name: str | None) -> str:
        """Return the name of a matrix, the only one or the first if none is given."""
        known = [key for key, each in self._instruments.items() if not each.channels]
        if not known or (name is not None and name not in known):
            raise ConfigError(f"there is no matrix {name or ''} on the bench; there is {', '.join(known) or 'none'}")
        return name or known[0]

    def _damage(self) -> Damage:
        if self._world.damage is None:
            self._world.damage = Damage(np.random.default_rng([self.nemesis.seed, 2]))
        return self._world.damage

    # ------------------------------------------------------------------ instruments

    def _interlock(self, instrument: EmulatedInstrument, is_open: bool) -> None:
        instrument.interlock_open = is_open
        # A 3700A opens only its backplane relays, which are not emulated; the modules of a 34980A close nothing.
        if not instrument.channels and not isinstance(instrument, EmulatedTspInstrument):
            (self._damage().unpowered.add if is_open else self._damage().unpowered.discard)(instrument.name)
        self._block(instrument, is_open, INTERLOCK)

    def _mode(self, instrument: EmulatedInstrument, what: str, volt: float) -> None:
        damage = self._damage()
        channels = set(instrument.channels)
        if what == "overtemp":
            instrument.too_hot = True
            questionable = getattr(instrument, "questionable", None)
            if isinstance(questionable, Register):
                questionable.condition |= OVER_TEMPERATURE
                questionable.latch(OVER_TEMPERATURE)
            self._block(instrument, True, TOO_HOT)
        elif what == "output_stuck_on":
            damage.welded |= channels
            self._world.apply_damage()
        elif what == "sense_open":
            damage.run_away_v |= dict.fromkeys(channels, volt) if senses_remotely(instrument) else {}
            self._world.apply_damage()
        elif what == "normal":
            instrument.too_hot = False
            if isinstance(getattr(instrument, "questionable", None), Register):
                instrument.questionable.condition &= ~OVER_TEMPERATURE  # type: ignore[attr-defined]  # just seen
            damage.welded -= channels
            damage.run_away_v = {key: each for key, each in damage.run_away_v.items() if key not in channels}
            self._block(instrument, False, TOO_HOT)

    def _block(self, instrument: EmulatedInstrument, blocked: bool, error: tuple[int, str]) -> None:
        """Hold the outputs of an instrument open, or let them go."""
        damage, channels = self._damage(), set(instrument.channels)
        if blocked and channels:
            damage.blocked |= channels
            if any(self._world.wanted(channel).on for channel in channels):
                switch_off(instrument)
                instrument.report(*error)
        else:
            damage.blocked -= channels
        self._world.apply_damage()

    def _overflow(self, instrument: EmulatedInstrument, value: float, lasting: ExitStack) -> None:
        """Have readings go beyond every range; a value that is no number is put into the answer later."""
        if isfinite(value):
            beyond = self._damage().beyond
            for channel in instrument.channels:
                beyond[channel] = copysign(BEYOND_A, value)
                lasting.callback(beyond.pop, channel, None)

    # ------------------------------------------------------------------ cells and relays

    def _trip(self, cell: tuple[int, int], siemens: float, lasting: ExitStack) -> None:
        damage = self._damage()
        before = damage.cells.get(cell)
        damage.cells[cell] = BrokenCell(siemens=siemens)
        self._world.apply_damage()

        def heal() -> None:
            if before is None:
                damage.cells.pop(cell, None)
            else:
                damage.cells[cell] = before
            self._world.apply_damage()

        lasting.callback(heal)

    def _break_cell(self, what: str, row: int, column: int, amount: float | None) -> None:
        damage = self._damage()
        if what == "whole":
            damage.cells.pop((row, column), None)
        else:
            made, usual = _CELLS[what]
            damage.cells[row, column] = made(usual if amount is None else amount)
        self._world.apply_damage()

    def _break_relay(self, what: str, row: int, column: int, slot: int, seconds: float, matrix: str | None) -> None:
        name = self._matrix(matrix)
        relay = (f"{name}.row.{slot}.{row}", f"{name}.column.{slot}.{column}")
        damage = self._damage()
        damage.relays.pop((name, relay), None)
        if what != "whole":
            damage.relays[name, relay] = BrokenRelay(what, seconds)  # type: ignore[arg-type]  # one of its kinds
        self._world.apply_damage()


_BLOWS: Mapping[str, Callable[[Blows, Mapping[str, Any], str, ExitStack], object]] = {
    "refuse": lambda self, args, name, _: self.servers[name].refuse(args["seconds"], args["attempts"]),
    "blackhole": lambda self, args, name, _: self.servers[name].lose(args["seconds"]),
    "freeze": lambda self, args, name, _: self.servers[name].freeze(args["seconds"]),
    "reboot": lambda self, args, name, _: self._reboot_before(name, **args),
    "err": lambda self, args, name, _: self._instruments[name].report(args["code"], args["text"]),
    "frontpanel": lambda self, args, name, _: self._instruments[name].receive(args["command"]),
    "interlock": lambda self, args, name, _: self._interlock(self._instruments[name], args["open"]),
    "mode": lambda self, args, name, _: self._mode(self._instruments[name], args["what"], args["volt"]),
    "sentinel": lambda self, args, name, lasting: self._overflow(self._instruments[name], args["value"], lasting),
    "trip": lambda self, args, _, lasting: self._trip((args["row"], args["column"]), 1 / args["ohm"], lasting),
    "cell": lambda self, args, *_: self._break_cell(**args),
    "relay": lambda self, args, *_: self._break_relay(**args),
    "clock": lambda self, args, *_: self._world.clock.jump(args["seconds"]),
}
"""What each verb does to the bench; verbs that only change a message or its answer are in `plan`."""
_CELLS: Mapping[str, tuple[Callable[[float], BrokenCell], float]] = {
    "short": (lambda ohm: BrokenCell(siemens=1 / ohm), 10.0),
    "open": (lambda _: BrokenCell(siemens=0.0), 0.0),
    "stuck": (lambda _: BrokenCell(stuck=True), 0.0),
    "drift": (lambda per_s: BrokenCell(drift_per_s=per_s), -0.1),
    "burst": (lambda factor: BrokenCell(burst=factor), 10.0),
    "noisy": (lambda relative: BrokenCell(noise=relative), 0.3),
}
"""What breaks a cell, with the amount that is meant if none is given: ohm, 1/s, factor, relative deviation."""


def switch_off(instrument: EmulatedInstrument) -> None:
    """Have an instrument switch its outputs off, as if somebody had told it in its own language."""
    for number in range(len(instrument.channels)):
        if isinstance(instrument, EmulatedTspInstrument):
            instrument.receive(f"smu{'ab'[number]}.source.output = 0")
        else:
            instrument.receive(f":OUTP{number + 1} OFF")


def senses_remotely(instrument: EmulatedInstrument) -> bool:
    """Return whether an instrument measures its voltage by sense lines of its own."""
    if isinstance(instrument, EmulatedTspInstrument):
        asked = [f"print(smu{letter}.sense)" for letter, _ in zip("ab", instrument.channels, strict=False)]
    else:
        model = instrument.model if isinstance(instrument, EmulatedScpiInstrument) else ""
        if "B29" in model:
            return True  # each of its terminals says so itself, whenever that changes
        asked = [question for name, question in _REMOTE_SENSE.items() if name in model]
    return any(float(instrument.receive(question)) != 0 for question in asked)


_REMOTE_SENSE = {"2400": ":SYST:RSEN?", "2450": ":SENS:CURR:RSEN?"}
