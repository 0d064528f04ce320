"""The contract that every backend must pass, for our own tests and for those of a lab that writes its own.

Subclass `BackendContract` in a test file; pytest does the rest::

    from crossbar_hil.testing import BackendContract

    class TestMyChip(BackendContract):
        @pytest.fixture
        def backend(self):
            with MyChip() as backend:
                yield backend

Without a fixture of its own the contract runs on the bench that ``pytest --bench NAME_OR_FILE`` names. It sends a few
dozen pulses: do not point it at a chip that you want to keep.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
import pytest

from crossbar_hil.arrays import FloatArray
from crossbar_hil.backend import KINDS, DeviceBackend, Limits, Pulse
from crossbar_hil.errors import BackendError, ChipStateUnknown, DataError, LimitError
from crossbar_hil.training.trainer import Trainer
from crossbar_hil.visa_record import REPLAY, Recording, read_recording


class BackendContract:
    """What training relies on. Set the class attributes to what your device can do."""

    read_v: ClassVar[float] = 0.1
    """A voltage that reads a cell without changing it, in volts."""
    pulse: ClassVar[Pulse] = Pulse(2.0, 0.05)
    """A pulse that raises the conductance of a fresh cell."""
    relative_tolerance: ClassVar[float] = 1e-6
    """How well two reads of an untouched cell agree, relative to the largest conductance."""
    smallest_step: ClassVar[float] = 1e-3
    """Least relative rise that three pulses make on a fresh cell."""
    additive: ClassVar[bool] = True
    """Whether currents add up over the rows: true for short wires, and for cells of any kind at 0 V columns."""

    @pytest.fixture
    def backend(self, crossbar_backend: DeviceBackend) -> DeviceBackend:
        """Return the device under test; override it, or name a bench with --bench."""
        return crossbar_backend

    def read(self, backend: DeviceBackend) -> FloatArray:
        """Conductances at the reading voltage."""
        return backend.read_conductances(self.read_v)

    def agree(self, first: FloatArray, second: FloatArray) -> bool:
        """Whether two arrays agree within the tolerance."""
        return bool(np.abs(first - second).max() <= self.relative_tolerance * max(np.abs(first).max(), 1e-30))

    def test_it_says_its_shape_kind_limits_and_name(self, backend: DeviceBackend) -> None:
        rows, columns = backend.shape
        assert rows >= 1
        assert columns >= 1
        assert backend.kind in KINDS
        assert isinstance(backend.limits, Limits)
        assert backend.identify()

    def test_a_read_gives_one_current_a_pattern_and_column(self, backend: DeviceBackend) -> None:
        rows, columns = backend.shape
        currents = backend.read_currents(np.full((3, rows), self.read_v))
        assert currents.shape == (3, columns)
        assert np.isfinite(currents).all()

    def test_no_voltage_gives_no_current(self, backend: DeviceBackend) -> None:
        rows, _ = backend.shape
        driven = backend.read_currents(np.full((1, rows), self.read_v))
        quiet = backend.read_currents(np.zeros((1, rows)))
        assert np.abs(quiet).max() <= self.relative_tolerance * np.abs(driven).max()

    def test_conductances_are_not_negative_and_not_all_zero(self, backend: DeviceBackend) -> None:
        conductances = self.read(backend)
        assert conductances.shape == backend.shape
        assert (conductances >= 0).all()
        assert (conductances > 0).any()

    def test_a_positive_row_voltage_drives_current_out_of_the_column(self, backend: DeviceBackend) -> None:
        rows, _ = backend.shape
        plus = backend.read_currents(np.full((1, rows), self.read_v))
        minus = backend.read_currents(np.full((1, rows), -self.read_v))
        assert (plus >= 0).all()
        assert (minus <= 0).all()

    def test_currents_add_up_over_the_rows(self, backend: DeviceBackend) -> None:
        if not self.additive:
            pytest.skip("this device says that its currents do not add up over the rows")
        rows, _ = backend.shape
        voltages = self.read_v * np.where(np.arange(rows) % 2, -1.0, 1.0)
        together = backend.read_currents(voltages[None, :])[0]
        apart = backend.read_currents(np.diag(voltages)).sum(axis=0)
        scale = np.abs(backend.read_currents(np.full((1, rows), self.read_v))).max()
        assert np.abs(together - apart).max() <= 2 * rows * self.relative_tolerance * scale

    def test_reading_does_not_change_the_chip(self, backend: DeviceBackend) -> None:
        before = self.read(backend)
        for _ in range(5):
            backend.read_currents(np.full((1, backend.shape[0]), self.read_v))
        assert self.agree(before, self.read(backend))

    def test_three_pulses_raise_the_pulsed_cell(self, backend: DeviceBackend) -> None:
        before = self.read(backend)
        counts = np.zeros(backend.shape, dtype=int)
        counts[0, 0] = 3
        backend.send_pulses(counts, self.pulse)
        assert self.read(backend)[0, 0] > before[0, 0] * (1 + self.smallest_step)

    def test_pulses_leave_every_other_cell(self, backend: DeviceBackend) -> None:
        before = self.read(backend)
        counts = np.zeros(backend.shape, dtype=int)
        counts[-1, 0] = 3
        backend.send_pulses(counts, self.pulse)
        after = self.read(backend)
        after[-1, 0] = before[-1, 0]
        assert self.agree(before, after)

    def test_no_counts_change_nothing(self, backend: DeviceBackend) -> None:
        before = self.read(backend)
        backend.send_pulses(np.zeros(backend.shape, dtype=int), self.pulse)
        assert self.agree(before, self.read(backend))

    def test_voltages_of_the_wrong_shape_are_refused(self, backend: DeviceBackend) -> None:
        rows, _ = backend.shape
        shapes = {"one dimension": (rows,), "no pattern": (0, rows), "a row too many": (1, rows + 1)}
        cases = {name: partial(backend.read_currents, np.zeros(shape)) for name, shape in shapes.items()}
        assert _not_refused(DataError, cases) == []

    def test_a_voltage_that_is_no_number_is_refused(self, backend: DeviceBackend) -> None:
        zeros = [0.0] * (backend.shape[0] - 1)
        cases = {
            f"{each}": partial(backend.read_currents, np.array([[*zeros, each]])) for each in (np.nan, np.inf, -np.inf)
        }
        assert _not_refused(DataError, cases) == []

    def test_a_read_voltage_beyond_the_limit_is_refused(self, backend: DeviceBackend) -> None:
        zeros, beyond = [0.0] * (backend.shape[0] - 1), backend.limits.read_v * 1.001
        cases = {f"{each} V": partial(backend.read_currents, np.array([[each, *zeros]])) for each in (beyond, -beyond)}
        assert _not_refused(LimitError, cases) == []

    def test_a_conductance_without_a_voltage_is_refused(self, backend: DeviceBackend) -> None:
        with pytest.raises(DataError):
            backend.read_conductances(0.0)

    def test_wrong_counts_are_refused_and_change_nothing(self, backend: DeviceBackend) -> None:
        before = self.read(backend)
        wrong = {
            "shape": np.ones((backend.shape[0] + 1, backend.shape[1]), dtype=int),
            "negative": -np.ones(backend.shape, dtype=int),
            "fraction": np.full(backend.shape, 0.5),
        }
        cases = {name: partial(backend.send_pulses, counts, self.pulse) for name, counts in wrong.items()}
        assert _not_refused(DataError, cases) == []
        assert self.agree(before, self.read(backend))

    def test_a_pulse_beyond_the_limits_is_refused_and_changes_nothing(self, backend: DeviceBackend) -> None:
        before = self.read(backend)
        limits, one = backend.limits, np.ones(backend.shape, dtype=int)
        wrong = {
            "amplitude": Pulse(limits.pulse_v * 1.001, self.pulse.width_s),
            "width": Pulse(self.pulse.amplitude_v, limits.width_s * 1.001),
        }
        cases = {name: partial(backend.send_pulses, one, pulse) for name, pulse in wrong.items()}
        assert _not_refused(LimitError, cases) == []
        assert self.agree(before, self.read(backend))

    def test_after_a_failed_pulse_no_more_are_sent_until_the_chip_is_read(
        self, backend: DeviceBackend, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(counts: object, pulse: object) -> None:
            raise BackendError("the plug was pulled")

        one = np.ones(backend.shape, dtype=int)
        with monkeypatch.context() as patch:
            patch.setattr(backend, "_send_pulses", fail)
            with pytest.raises(BackendError, match="plug"):
                backend.send_pulses(one, self.pulse)
        with pytest.raises(ChipStateUnknown, match="plug"):
            backend.send_pulses(one, self.pulse)
        self.read(backend)
        backend.send_pulses(np.zeros(backend.shape, dtype=int), self.pulse)

    def test_it_can_be_made_safe_twice(self, backend: DeviceBackend) -> None:
        backend.make_safe()
        backend.make_safe()

    def test_training_raises_only_plus_cells_where_a_one_is_wanted(self, backend: DeviceBackend) -> None:
        rows, columns = backend.shape
        if columns % 2:
            pytest.skip("training needs an even number of columns")
        before = self.read(backend)
        # One pattern, all ones, wants 1 everywhere; a gain this small keeps every activation below its target.
        trainer = Trainer(
            backend, pulse=self.pulse, beta=1.0, target=0.9, epochs=3, confirm=1, v0=-self.read_v, v1=self.read_v
        )
        result = trainer.run(np.ones((1, rows), dtype=int), np.ones((1, columns // 2), dtype=int))
        assert not result.converged
        assert result.pulses == 2 * rows * columns // 2
        after = self.read(backend)
        assert (after[:, 0::2] > before[:, 0::2]).all()
        assert self.agree(before[:, 1::2], after[:, 1::2])


def _not_refused(refusal: type[Exception], cases: Mapping[str, Callable[[], object]]) -> list[str]:
    """Return the names of the cases that are not refused in this way."""
    taken = []
    for name, attempt in cases.items():
        try:
            attempt()
        except refusal:
            continue
        taken.append(name)
    return taken


def _lay_out(told: Recording, folder: Path) -> list[str]:
    """Write the files of a recording into one folder, and return the words of its command that name them there."""
    words = list(told.command)
    plain: dict[str, str] = {}
    for name in told.files:
        own = Path(name).name
        plain[name] = own if own not in plain.values() else f"{len(plain)}_{own}"
    for name, text in told.files.items():
        kept = folder / plain[name]
        for inner, there in plain.items() if kept.suffix == ".toml" else ():
            text = text.replace(f'"{inner}"', f'"{there}"').replace(f"'{inner}'", f"'{there}'")  # noqa: PLW2901
        kept.write_text(text, encoding="utf-8")
        words = [
            word if word.partition("=")[2] != name and word != name else word.replace(name, str(kept)) for word in words
        ]
    return words


ANSWERS = 10_000
"""So often a command may ask at most: a person who moves the relays is asked before every state."""


class Replayed(NamedTuple):
    """What a command said when its recorded instruments were played to it."""

    code: int
    out: str
    err: str


def replay(recording: str | Path, folder: Path, *, answer: str = "y") -> Replayed:
    """Run the command of a recording again, with its recorded exchanges in place of instruments.

    Every exchange must come again: the same messages to each instrument in the same order, session by session, to the
    end, and the same exit code. So a first day at a bench, recorded by ``--record-visa``, is a test of the drivers ever
    after. What the run leaves lies in `folder` and says that it was replayed.

    Parameters
    ----------
    recording : str or Path
        What ``--record-visa`` wrote.
    folder : Path
        An empty folder to work in.
    answer : str
        To every question: before a real chip is pulsed, and of a matrix that is a person.

    Raises
    ------
    AssertionError
        If something differs; it says which instrument, which exchange, what then and what now.
    DataError
        If the recording cannot be read.
    """
    told = read_recording(recording)
    claims = folder / "claims"
    claims.mkdir(parents=True)
    words = _lay_out(told, folder)
    environment = {
        **os.environ,
        REPLAY: f"{Path(recording).resolve()}{os.pathsep}{claims}",
        "XDG_STATE_HOME": str(folder / "state"),
        "CROSSBAR_HIL_LOCKS": str(folder / "locks"),
    }
    command = [sys.executable, "-m", "crossbar_hil", *words]
    done = subprocess.run(  # noqa: S603 - the package itself
        command, cwd=folder, env=environment, input=f"{answer}\n" * ANSWERS, capture_output=True, text=True, check=False
    )
    said = f"exit code {done.returncode}, at its recording {told.code}: {done.stderr.strip()[-2000:]}"
    left = [each.read_text() or f"{each.name} was not ended" for each in sorted(claims.iterdir())]
    wrong = [line.strip() for line in left if ": 0 of " not in line]
    if len(left) != len(told.sessions):
        wrong.append(f"{len(left)} of {len(told.sessions)} sessions were opened")
    if wrong or done.returncode != told.code:
        raise AssertionError("; ".join([*wrong, said]))
    return Replayed(done.returncode, done.stdout, done.stderr)
