"""Train a chip as the command line does, from a program: told what is assumed and foretold, asked, guarded, recorded.

`record` is ``crossbar-hil train``; both are this module.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossbar_hil.arguments import COUNT, FUNCTION, PATH, TEXT, expect
from crossbar_hil.arrays import FloatArray
from crossbar_hil.bench.file import Bench, load_bench
from crossbar_hil.bench.headroom import headroom
from crossbar_hil.bench.instruments import check_addresses
from crossbar_hil.bench.named_files import digests_of
from crossbar_hil.bench.opening import check_chip_keys, fresh_seed
from crossbar_hil.bench.twin_of_chip import moved_since, of_another_bench, twin_of_bench, with_known_noise
from crossbar_hil.bench.virtual_chips import VirtualChips, assumptions, lines_of_chips, virtual_chips
from crossbar_hil.commissioning.record import why_not_proven
from crossbar_hil.errors import ConfigError, CrossbarError, DataError, Declined
from crossbar_hil.guard.opening import open_checked
from crossbar_hil.guard.since import pulses_since_calibration
from crossbar_hil.runs.interruption import Button
from crossbar_hil.runs.life import Show
from crossbar_hil.runs.run import Run, RunOutcome
from crossbar_hil.runs.store import load_run
from crossbar_hil.runs.training import dry_bench, train_and_record
from crossbar_hil.screen.view import Phase, no_phase
from crossbar_hil.studies.convergence.forecast import Forecast, forecast
from crossbar_hil.training.result import Epoch
from crossbar_hil.training.settings import check_labels, make_update
from crossbar_hil.twins.file import Twin

Tell = Callable[[str], object]
Ask = Callable[[str], bool]


def _print(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def record(
    bench: str | Path = "simulated",
    *,
    seed: int | None = None,
    task: str | None = None,
    preset: str | None = None,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    out: str | Path = "runs",
    label: str = "",
    chips: int | None = None,
    ask: Ask | None = None,
    tell: Tell = _print,
    show: Show[Epoch] = lambda _: None,
) -> Run:
    """Train the chip on a bench behind its guard, with a journal, and leave a run folder.

    Parameters
    ----------
    bench : str or Path
        Shipped bench, bench file or backend.
    seed : int, optional
        Of a virtual chip, and of the virtual chips of the forecast; a fresh one if not given.
    task : str, optional
        Shipped task to be trained, laid over the bench: ``crossbar-hil tasks`` lists them.
    preset : str, optional
        Settings laid over that.
    overrides : mapping, optional
        Keys of the bench file by table, such as ``{"training": {"epochs": 96}}``.
    out : str or Path
        Folder that holds run folders.
    label : str
        A word of yours, kept with the run.
    chips : int, optional
        Foretell the outcome by so many virtual chips; as many as ``train --forecast`` takes if not given, 0 for none.
    ask : callable, optional
        Is asked, with one sentence, before a real chip is pulsed; nothing but True is a yes, no text is. Only
        ``kind = "hardware"`` needs it: ``lambda question: input(question + " Go on? ") == "y"`` asks the person at the
        terminal.
    tell : callable
        Is told, line by line, what a person should know; prints to standard error if not given.
    show : callable
        Is given each epoch once it is on disk.

    Returns
    -------
    Run
        The recorded run. Also when training did not converge: that is a result, not an error.

    Raises
    ------
    ConfigError
        If the bench is wrong, or a real chip is to be trained and there is nobody to ask; nothing was sent.
    Declined
        If the answer is no; nothing was sent.
    CrossbarError
        If the run cannot start, or fails; what was done is kept, and ``load_run(folder).resume()`` goes on, of a
        real chip with ``agree=``.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = record("simulated", seed=1, out=folder, tell=lambda line: None)
    ...     run.facts["verdict"]
    'converged'
    """
    expect(COUNT, ConfigError, optional=True, seed=seed, chips=chips)
    expect(PATH, ConfigError, out=out)
    expect(TEXT, ConfigError, label=label)
    expect(FUNCTION, ConfigError, tell=tell, show=show)
    expect(FUNCTION, ConfigError, optional=True, ask=ask)
    checked = load_bench(bench, task=task, preset=preset, overrides=overrides)
    seed = fresh_seed() if seed is None else int(seed)
    chips = None if chips is None else int(chips)
    prepared = prepare_training(checked, seed=seed, chips=chips, tell=tell, ask=ask)
    return load_run(prepared.run(out=Path(out), task=task, preset=preset, label=label, show=show).folder)


@dataclass(frozen=True)
class PreparedTraining:
    """A training that nothing forbids: what is known was told, and whoever had to be asked has agreed."""

    bench: Bench
    seed: int
    forecast: Mapping[str, Any] | None
    """What was foretold, as the run keeps it."""
    warnings: list[str]
    chips: VirtualChips | None
    """What its virtual chips are like; None with a real one."""
    files: Mapping[str, str]
    """Digests of the files that the bench names, as they were before anything was told or asked."""

    def run(
        self,
        *,
        out: Path,
        task: str | None = None,
        preset: str | None = None,
        label: str = "",
        show: Show[Epoch] = lambda _: None,
        button: Button | None = None,
        phase: Phase = no_phase,
    ) -> RunOutcome:
        """Train, and leave a run folder in `out`; see `crossbar_hil.runs.training.train_and_record`.

        Raises
        ------
        DataError
            If a file that the bench names is not the one that was told of; nothing was sent.
        """
        now = digests_of(self.bench)
        for name, digest in self.files.items():
            if now[name] != digest:
                raise DataError(f"{name} was changed since training was asked about, so nothing was sent: start again")
        return train_and_record(
            self.bench,
            seed=self.seed,
            out=out,
            task=task,
            preset=preset,
            label=label,
            forecast=self.forecast,
            warnings=self.warnings,
            chips=self.chips,
            show=show,
            button=button,
            phase=phase,
        )


def prepare_training(
    bench: Bench, *, seed: int, chips: int | None, tell: Tell, ask: Ask | None, phase: Phase = no_phase
) -> PreparedTraining:
    """Check what a training needs, say what is assumed and foretold, and ask before a real chip is changed.

    Raises
    ------
    ConfigError, DataError
        If something is wrong; nothing was sent.
    Declined
        If the answer is no.
    """
    if bench.kind == "hardware" and ask is None:
        raise ConfigError(
            f"bench {bench.name} has a real chip, which pulses change for good, and there is nobody to ask: give ask"
        )
    check_chip_keys(bench)
    make_update(bench.training)  # which refuses what does not go together, before anybody is asked
    check_addresses(bench)
    files = digests_of(bench)
    for each in assumptions(bench):
        tell(f"note    {each}")
    twin = twin_of_bench(bench)
    bench = with_known_noise(bench)
    virtual = None
    if bench.kind == "hardware":
        check_labels(bench.training)  # before anybody is asked, and before the chip is read
    else:
        virtual = warn_of_chips(bench, tell)
    another = of_another_bench(bench, twin)
    if another is not None:
        tell(f"note    {another}")
    foretold = _foretell(bench, seed, chips, tell, phase)
    ends = f"ends once {bench.confirm} evaluations in a row meet every target (confirm)" if bench.confirm > 1 else ""
    warnings: list[str] = []
    if bench.kind == "hardware" and ask is not None:
        warnings = _tell_and_ask(bench, twin, foretold, ends, tell, ask, phase)
    elif ends:
        tell(f"note    training {ends}")
    uncounted = {} if another is None else {"counts": False}
    kept = None if foretold is None else foretold.as_record() | uncounted
    return PreparedTraining(bench, seed, kept, warnings, virtual, files)


def warn_of_chips(bench: Bench, tell: Tell) -> VirtualChips | None:
    """Say before a dry run what does not fit its virtual chips, and return them; the run says it again at its end."""
    try:
        found = virtual_chips(bench)
    except CrossbarError:  # the run refuses it, after all that comes before
        return None
    for each in () if found is None else found.warnings:
        tell(f"warning {each}")
    return found


def _tell_and_ask(
    bench: Bench, twin: Twin | None, foretold: Forecast | None, ends: str, tell: Tell, ask: Ask, phase: Phase
) -> list[str]:
    """Say what a person must know before a real chip is changed, and ask; return the warnings."""
    unproven = why_not_proven(bench)
    if unproven and ask(unproven) is not True:
        raise Declined(f"the answer was no, so nothing was sent to bench {bench.name}")
    phase("reading the chip before anything is sent to it")
    siemens = _read_chip(bench)
    warnings = [] if twin is None else moved_since(twin, siemens)
    found = virtual_chips(dry_bench(bench))
    warnings += [unproven] if unproven else []
    left = headroom(bench, siemens, since=pulses_since_calibration(bench))
    for line in (
        *([] if found is None else lines_of_chips(found.as_record())),
        *left.lines,
        *(f"warning {each}" for each in warnings),
    ):
        tell(line)
    what = f"training sends pulses of {bench.training.pulse} to the chip on bench {bench.name}"
    what += f" and {ends}" if ends else ""
    what += f"; of {foretold.about.partition(':')[0]} {foretold.sentence}" if foretold else ""
    if ask(what) is not True:
        raise Declined(f"the answer was no, so no pulse was sent to the chip on bench {bench.name}")
    return warnings


def _foretell(bench: Bench, seed: int, chips: int | None, tell: Tell, phase: Phase) -> Forecast | None:
    """Foretell the outcome by virtual chips; None unless asked for, or there is a real chip or a twin."""
    by_default = bench.kind == "hardware" or (bench.chip is not None and bench.chip.twin is not None)
    if chips == 0 or (chips is None and not by_default):
        return None
    phase("foretelling the outcome by virtual chips")
    try:
        return forecast(bench, seed=seed, chips=chips)
    except CrossbarError as error:
        if chips is not None:
            raise
        tell(f"note    no virtual chips can foretell the outcome: {error}")
        return None


def _read_chip(bench: Bench) -> FloatArray:
    """Read the conductances (R, C) of a chip that is to be trained, in siemens."""
    training = bench.training
    with open_checked(bench, seed=0) as backend:
        return backend.read_conductances(max(abs(training.v0), abs(training.v1)))
