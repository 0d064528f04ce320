"""What outlives an emulated bench: its chip, and what clients keep in its instruments, in one file.

The file is JSON, floats as `repr` writes them. Its last entry, ``sha256``, is the SHA-256 of the same text without that
entry. It is replaced whole, so it is always either the old or the new one; a machine that loses its power may lose the
newest.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from crossbar_hil.errors import ConfigError, DataError, LimitError, reason_of
from crossbar_hil.guard.storage import replace_file
from crossbar_hil.parsing import parse_json

from ..chip.simulated import SimulatedBackend
from .world.damage import Damage
from .world.instrument import EmulatedInstrument, Scratch
from .world.world import World

FORMAT = "crossbar-hil emulated bench"
VERSION = 1


class StateFile:
    """The state of a bench in a file, which is written whenever it has changed.

    Parameters
    ----------
    path : Path
        The file. If it exists the bench is brought to what it holds, otherwise it is written at once.
    world : World
        Its chip is kept.
    instruments : mapping of str to EmulatedInstrument
        What clients keep in them is kept.

    Raises
    ------
    ConfigError
        If the file cannot be read or written, is damaged, or belongs to another bench; the bench must not be used.
    """

    def __init__(self, path: Path, world: World, instruments: Mapping[str, EmulatedInstrument]) -> None:
        self.path, self._world, self._instruments = path, world, instruments
        self.failure = ""
        """Why the file could not be written the last time; empty if it could."""
        self._curve = fingerprint(world.chip)
        if path.exists():
            self._restore()
        self._scratch = {name: dict(each.scratch()) for name, each in instruments.items()}
        self._given: dict[str, Scratch] = {}  # what each gave the last time
        self._moves, self._broken = world.moves, self._damage()
        self._write()
        if self.failure:
            raise ConfigError(self.failure)

    def update(self, name: str) -> None:
        """Write the file if a cell has moved, or if clients have changed what they keep in an instrument."""
        given, damage = self._instruments[name].scratch(), self._damage()
        same = given is self._given.get(name)
        scratch = self._scratch[name] if same else dict(given)
        self._given[name] = given
        # Compared as text: to a dict 1 and true are the same.
        changed = (not same and repr(scratch) != repr(self._scratch[name])) or damage != self._broken
        if changed or self._world.moves != self._moves or self.failure:
            self._scratch[name], self._broken = scratch, damage
            self._moves = self._world.moves
            self._write()

    def close(self) -> None:
        """Write the file for the last time."""
        for name in self._instruments:
            self.update(name)
        if self._world.chip.takes_time or self._world.chip.noisy:
            self._write()

    def _write(self) -> None:
        chip = self._world.chip
        body: dict[str, Any] = {
            "format": FORMAT,
            "version": VERSION,
            "shape": list(chip.shape),
            "curve": self._curve,
            "chip": {key: value.tolist() for key, value in chip.state().items()},
            "generator": chip.rng.bit_generator.state if chip.rng is not None and chip.step_variation else None,
            "damage": self._damage(),
            "instruments": self._scratch,
        }
        try:
            replace_file(self.path, seal(body))
        except OSError as error:
            self.failure = f"state of the emulated bench cannot be written to {self.path}: {reason_of(error)}"
        else:
            self.failure = ""

    def _damage(self) -> dict[str, Any] | None:
        return self._world.damage.as_json() if self._world.damage else None

    def _restore(self) -> None:
        chip = self._world.chip
        body = read(self.path)
        if body["shape"] != list(chip.shape):
            raise ConfigError(
                f"state {self.path} is of a chip of {_by(body['shape'])} cells, the bench has one of {_by(chip.shape)}"
            )
        if body["curve"] != self._curve:
            raise ConfigError(f"state {self.path} is of a chip with another curve or scale")
        if set(body["instruments"]) != set(self._instruments):
            raise ConfigError(
                f"state {self.path} is of a bench with {', '.join(sorted(body['instruments']))}, "
                f"not {', '.join(sorted(self._instruments))}"
            )
        try:
            chip.restore({key: np.array(value) for key, value in body["chip"].items()})
            if body["generator"] is not None and chip.rng is not None:
                chip.rng.bit_generator.state = body["generator"]
            if body["damage"] is not None:
                self._world.damage = Damage(np.random.default_rng(0))
                self._world.damage.restore(body["damage"])
                self._world.apply_damage()
        except (DataError, LimitError, ValueError, TypeError, KeyError) as error:
            raise ConfigError(f"state {self.path} does not fit the chip: {error}") from error
        for name, each in self._instruments.items():
            each.set_scratch(body["instruments"][name])


def read(path: Path) -> dict[str, Any]:
    """Return what a state file holds.

    Raises
    ------
    ConfigError
        If it cannot be read, is damaged, or is none.
    """
    try:
        content = path.read_bytes()
        body = parse_json(content)
    except OSError as error:
        raise ConfigError(f"state {path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ConfigError(f"state {path} is damaged: {error}") from error
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        raise ConfigError(f"{path} is not the state of an emulated bench")
    if body.get("version") != VERSION:
        raise ConfigError(f"state {path} is of version {body.get('version')}, this program reads version {VERSION}")
    body.pop("sha256", None)
    if content != seal(body):
        raise ConfigError(f"state {path} is damaged: its checksum is not that of its content")
    return body


def seal(body: Mapping[str, Any]) -> bytes:
    """Return the file of a state."""
    text = json.dumps(body)
    return f'{text[:-1]}, "sha256": "{hashlib.sha256(text.encode()).hexdigest()}"}}'.encode()


def fingerprint(chip: SimulatedBackend) -> str:
    """Return what a state must have in common with a chip besides the shape: the curves and the scale."""
    digest = hashlib.sha256(np.float64(chip.scale).tobytes())
    for curve in (chip.curve, *chip.curve.others):
        digest.update(f"{curve.pulse!r}".encode() + curve.levels_siemens.tobytes())
    return digest.hexdigest()


def _by(shape: Any) -> str:
    return " by ".join(str(each) for each in shape)
