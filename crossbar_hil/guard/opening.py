"""Open a bench behind its guard, and make one safe whoever holds it."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from crossbar_hil.arguments import COUNT, expect
from crossbar_hil.backend import DeviceBackend
from crossbar_hil.bench.file import BENCH_FILE, Bench, InstrumentTable, load_bench
from crossbar_hil.bench.instruments import (
    Seen,
    check_addresses,
    open_instrument,
    say_silence,
    write_to_stderr,
    wrong_identity,
)
from crossbar_hil.bench.opening import check_chip_keys, fresh_seed, likeness_of, open_backend, without_bad_cells
from crossbar_hil.bench.recorded import bench_hash
from crossbar_hil.bench.twin_of_chip import with_known_noise
from crossbar_hil.errors import BenchBusy, ConfigError, CrossbarError, DeadlineError, RunError
from crossbar_hil.guard.client import GuardedBackend, Hello
from crossbar_hil.guard.ledger import default_path, why_dose_unknown
from crossbar_hil.guard.lock import BenchLock
from crossbar_hil.guard.names import file_name, same_identity
from crossbar_hil.instrument import Identity, SourceMeter
from crossbar_hil.owners.addresses import is_loopback_allowed, on_loopback
from crossbar_hil.owners.state import state_folder
from crossbar_hil.owners.takeover import PATIENCE_S, take_over
from crossbar_hil.owners.wear import read_wear, wear_text
from crossbar_hil.plugins import load
from crossbar_hil.shipped import ShippedTask
from crossbar_hil.survey.on_bench.surveying import check_cells
from crossbar_hil.training.settings import BenchTraining
from crossbar_hil.visa_record import is_replayed

JOURNAL = "journal.sqlite"
EMULATED_STATE = "emulated.json"
LEFT_OUT = {
    "last": "physical.jsonl keeps the last events alone (emulation.log = last): it says how many were dropped",
    "none": "physical.jsonl is left out (emulation.log = none): nothing can show what physically happened",
}
"""What a person is told where an emulated bench does not keep all of its log."""
AT_RESCUE = 0.5
"""Share of the deadline in which an instrument says who it is, before others are made safe without it."""


def open_bench(
    name_or_file: str | Path = "simulated",
    *,
    seed: int | None = None,
    task: str | ShippedTask | None = None,
    preset: str | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> DeviceBackend:
    """Open a bench; use what comes back in a ``with`` statement, which makes it safe on every way out.

    A bench with instruments is kept by a guard process, which has the journal of the session in a fresh folder of the
    person's state folder.

    Parameters
    ----------
    name_or_file, task, preset, overrides
        As of `crossbar_hil.bench.file.load_bench`.
    seed : int, optional
        Seed of a virtual chip; a fresh one if not given.

    Raises
    ------
    ConfigError
        If the bench is wrong; nothing was opened.

    Examples
    --------
    >>> with open_bench("simulated", seed=1) as backend:
    ...     backend.shape, backend.kind
    ((4, 4), 'simulated')
    """
    expect(COUNT, ConfigError, optional=True, seed=seed)
    bench = load_bench(name_or_file, task=task, preset=preset, overrides=overrides)
    return open_checked(bench, seed=fresh_seed() if seed is None else int(seed))


def open_checked(bench: Bench, *, seed: int) -> DeviceBackend:
    """Open a bench that is already checked, for a session that is no run; see `open_bench`."""
    check_cells(bench, seed)
    guarded = bool(bench.instruments)
    backend = open_guarded(bench, seed=seed, folder=session_folder()) if guarded else open_backend(bench, seed=seed)
    backend.training = BenchTraining(bench.name, with_known_noise(bench).training, seed)
    return backend


def session_folder() -> Path:
    """Make a fresh folder for the journal of a session that is no run."""
    folder = state_folder() / "sessions" / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}_{secrets.token_hex(2)}"
    folder.mkdir(parents=True, mode=0o700)
    return folder


def open_guarded(
    bench: Bench,
    *,
    seed: int,
    folder: Path,
    resume: bool = False,
    accept_change: bool = False,
    on_trial: bool = False,
) -> GuardedBackend:
    """Open a checked bench with instruments behind a guard process, which keeps its journal in a folder.

    Parameters
    ----------
    seed : int
        An emulated chip is drawn from it, unless its state file is there already.
    folder : Path
        Where bench file, journal, and state and physical log of an emulated bench are, or will be.
    resume : bool
        Whether the journal is there already and is to be gone on with.
    accept_change : bool
        Whether a person says that this is the chip that the journal left, although it reads otherwise.
    on_trial : bool
        Whether a board of resistors is in place of the chip: no dose is kept, and lines may be left open.

    Raises
    ------
    CrossbarError
        If the bench cannot be opened; it is safe.
    """
    from crossbar_hil.bench.served import start_served  # noqa: PLC0415

    has_chip = bench.kind == "hardware" and not on_trial
    if has_chip and bench.chip_id is None:
        raise ConfigError(
            f"bench {bench.name} has no chip_id, the name of the chip in the socket, by which its dose is kept"
        )
    chip_id = bench.chip_id if has_chip else None
    if chip_id is not None and (unknown := why_dose_unknown(chip_id)):
        write_to_stderr(f"warning: {unknown}")
    if not bench.brings_instruments:
        check_addresses(bench)
    elif not resume:
        check_chip_keys(bench)
    if not resume:
        bench.copy_into(folder)
    with ExitStack() as owned:
        resources: Mapping[str, str] | Callable[[], Mapping[str, str]] | None = None
        keep_open: tuple[int, ...] = ()
        if bench.brings_instruments and is_replayed():
            resources = {name: f"replayed {name}" for name in bench.instruments}
        elif bench.brings_instruments:
            if bench.emulation is not None and bench.emulation.log != "whole":
                write_to_stderr(f"note: {LEFT_OUT[bench.emulation.log]}")
            served = start_served(
                folder / BENCH_FILE,
                seed=seed,
                state=folder / EMULATED_STATE,
                log=folder / "physical.jsonl",
                wait=False,  # the guard starts beside it
            )
            owned.callback(served.close)
            resources, keep_open = lambda: served.resources, (served.lifeline,)
        header: dict[str, Any] = {
            "run": folder.name,
            "bench": bench.name,
            "kind": bench.kind,
            "chip": chip_id,
            "seed": seed,
            "bench_sha256": bench_hash(folder),
        }
        if bench.kind == "hardware" and is_loopback_allowed():
            header["on_loopback"] = on_loopback({name: table.resource for name, table in bench.instruments.items()})
        hello = Hello(
            bench=folder / BENCH_FILE,
            journal=folder / JOURNAL,
            resume=resume,
            resources=resources,
            header={**header, "token": secrets.token_hex(8)},
            ledger=default_path(chip_id) if chip_id is not None else folder / "ledger.sqlite",
            keep_open=keep_open,
            allow_loopback=is_loopback_allowed(),
            on_trial=on_trial,
            accept_change=accept_change,
        )
        backend = GuardedBackend(hello)
        backend.owned = owned.pop_all()
        backend.noisy, backend.likeness = bench.noisy, likeness_of(bench)
        without_bad_cells(bench, backend)
        return backend


def make_bench_safe(
    bench: Bench, *, patience_s: float = PATIENCE_S, tell: Callable[[str], object] = lambda _: None
) -> list[str]:
    """Make a bench safe now, whoever holds it: a guard that does is told to end, which makes it safe too.

    One that has not ended after `patience_s` seconds is killed; see `crossbar_hil.owners.takeover`. Both is told, and
    which instrument does not answer.

    Returns
    -------
    list of str
        What failed or is not confirmed; nothing if the bench is safe.

    Raises
    ------
    ConfigError
        If the instruments are where those of its kind cannot be; nothing was opened.
    BenchBusy
        If who holds it can not be told to end; nothing was sent to the bench.
    """
    if bench.draws_chip:
        with open_backend(bench, seed=0):
            return []
    check_addresses(bench)
    lock = BenchLock(lock_names(bench.instruments), run="safe")
    take_over(lock, patience_s=patience_s, tell=tell)
    try:
        return rescue(bench, lock, warn=tell)
    finally:
        lock.release()


@contextmanager
def held_for_a_look(name_or_file: str, task: str | ShippedTask | None = None) -> Iterator[Seen]:
    """Hold a real bench for the length of a ``with`` block, in which its instruments are only asked who they are.

    Some instruments take one client at a time, so even a question would disturb a run.

    Yields
    ------
    callable
        To be told of each instrument that has said who it is.

    Raises
    ------
    BenchBusy
        If another process has the bench; nothing was opened.
    """
    bench = None
    with suppress(ConfigError):  # whoever looks tells what is wrong with it
        bench = load_bench(name_or_file, task=task)
    if bench is None or bench.kind != "hardware" or not bench.instruments:
        yield lambda name, identity: None  # noqa: ARG005 - the signature of one
        return
    lock = BenchLock(lock_names(bench.instruments), run="check")
    lock.acquire()
    try:
        yield claim(bench, lock)
    finally:
        lock.release()


def wear_path(identity: Identity) -> Path | None:
    """Return where the closings of a matrix are counted, by who it says it is; None if it has no serial number."""
    same = same_identity(identity)
    return state_folder() / "relays" / file_name(same, ".sqlite") if same else None


def wear_of_matrix(bench: Bench, identity: Identity | None) -> list[str]:
    """Say how often the relays of a bench's matrix have closed in all runs, if that was counted."""
    path = None if identity is None else wear_path(identity)
    if path is None or bench.wiring is None:
        return []
    driver = load("instruments", bench.instruments[bench.wiring.matrix].driver)
    try:
        said = wear_text(bench.wiring.matrix, read_wear(path), getattr(driver, "rated_closings", None))
    except RunError as error:
        return [f"{error}; move it away, and counting begins again"]
    return [said] if said else []


def lock_names(instruments: Mapping[str, InstrumentTable], resources: Mapping[str, str] | None = None) -> list[str]:
    """Return what a bench is locked by: the VISA resource of every instrument, the name of one that is a person."""
    return [(resources or {}).get(name) or table.resource or f"manual {name}" for name, table in instruments.items()]


def rescue(
    bench: Bench,
    lock: BenchLock,
    resources: Mapping[str, str | None] | None = None,
    *,
    ask: Callable[[str], str] | None = None,
    tell: Callable[[str], None] | None = None,
    warn: Callable[[str], object] = lambda _: None,
) -> list[str]:
    """Make safe whatever of a bench answers: sources to 0 V and off, then every relay open, then both read back.

    Parameters
    ----------
    lock : BenchLock
        Held; an instrument that another process has by another name is left alone.
    resources, ask, tell
        As of `crossbar_hil.bench.opening.open_backend`.
    warn : callable
        Told at once which instrument does not answer, before anything else is tried.

    Returns
    -------
    list of str
        What failed or is not confirmed, one sentence each; nothing if the bench is safe.
    """
    named = resources or {name: table.resource for name, table in bench.instruments.items()}
    failures: list[str] = []
    sources: list[SourceMeter] = []
    matrices = []
    with ExitStack() as owned:
        for name, table in bench.instruments.items():
            try:
                instrument = open_instrument(name, table, named[name] or "", ask=ask, tell=tell)
                owned.callback(instrument.close)
                if hasattr(instrument, "tell_silence"):  # not a person
                    instrument.tell_silence(partial(say_silence, warn))
                hurried = getattr(instrument, "hurried", lambda share: nullcontext())  # noqa: ARG005
                with hurried(AT_RESCUE):  # the others wait for their turn
                    identity = instrument.identify()
                wrong = wrong_identity(name, table, identity)
                if not wrong:
                    claim(bench, lock)(name, identity)
            except (ConfigError, BenchBusy) as error:
                failures.append(f"{error}; nothing was sent to it")
                continue
            except CrossbarError as error:
                failures.append(f"instruments.{name} cannot be reached: {error}")
                if not isinstance(error, DeadlineError):  # of which was told when it passed
                    warn(failures[-1])
                continue
            if wrong:
                failures.append(f"{wrong}; nothing was sent to it")
            elif hasattr(instrument, "source_meters"):
                sources += instrument.source_meters()
            else:
                if bench.wiring is not None and name == bench.wiring.matrix:
                    # A matrix of several cards asks those that were named which relays of theirs are closed.
                    one_of = dict(reversed(bench.wiring.lines))
                    for port, slot in product(bench.wiring.ports.values(), one_of):
                        instrument.crosspoint(slot, port, one_of[slot])
                matrices.append(instrument)
        return failures + load("backends", bench.backend).rescue(sources, matrices)


def claim(bench: Bench, lock: BenchLock) -> Callable[[str, Identity], None]:
    """Return what takes an instrument, once it has said who it is, so that nobody has it by another name.

    Emulated ones are many of one serial number, and nobody's chip hangs on them.
    """

    def take(name: str, identity: Identity) -> None:
        if bench.kind != "hardware":
            return
        try:
            lock.claim(same_identity(identity))
        except (BenchBusy, ConfigError) as error:
            raise type(error)(f"instruments.{name}: {error}") from error

    return take
