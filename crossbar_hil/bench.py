"""The composition root: open the device that a bench names."""

import inspect
import re
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crossbar_hil.backend import KINDS, DeviceBackend
from crossbar_hil.config import BENCH_FILE, Bench, InstrumentTable, load_bench
from crossbar_hil.errors import ConfigError, CrossbarError
from crossbar_hil.instrument import Identity, SourceMeter
from crossbar_hil.plugins import load
from crossbar_hil.training import Trainer
from crossbar_hil.updates import Update

if TYPE_CHECKING:
    from crossbar_hil.guard.client import GuardedBackend

JOURNAL = "journal.sqlite"
EMULATED_STATE = "emulated.json"


def open_bench(
    name_or_file: str = "simulated",
    *,
    seed: int | None = None,
    preset: str | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> DeviceBackend:
    """Open a bench; use what comes back in a ``with`` statement, which makes it safe on every way out.

    A bench with instruments is kept by a guard process, which has the journal of the session in a fresh folder of the
    person's state folder.

    Parameters
    ----------
    name_or_file : str
        Name of a shipped bench, path of a bench file, or name of an installed backend.
    seed : int, optional
        Seed of a virtual chip; a fresh one if not given.
    preset : str, optional
        Name of a shipped preset, laid over the bench.
    overrides : mapping, optional
        Tables laid over both, as a bench file would spell them.

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
    bench = load_bench(name_or_file, preset=preset, overrides=dict(overrides or {}))
    seed = fresh_seed() if seed is None else seed
    if bench.instruments:
        return open_guarded(bench, seed=seed, folder=session_folder())
    return open_backend(bench, seed=seed)


def session_folder() -> Path:
    """Make a fresh folder for the journal of a session that is no run."""
    from crossbar_hil.guard.ledger import state_folder  # noqa: PLC0415

    folder = state_folder() / "sessions" / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}_{secrets.token_hex(2)}"
    folder.mkdir(parents=True, mode=0o700)
    return folder


def open_guarded(
    bench: Bench,
    *,
    seed: int,
    folder: Path,
    resume: bool = False,
    ask: Callable[[str], str] | None = None,
    tell: Callable[[str], None] | None = None,
) -> "GuardedBackend":
    """Open a bench with instruments behind a guard process, which keeps its journal in a folder.

    Parameters
    ----------
    bench : Bench
        The checked bench.
    seed : int
        An emulated chip is drawn from it, unless its state file is there already.
    folder : Path
        Where bench file, journal, and state and physical log of an emulated bench are, or will be.
    resume : bool
        Whether the journal is there already and is to be gone on with.
    ask, tell : callable
        How to talk to the person at the terminal.

    Raises
    ------
    CrossbarError
        If the bench cannot be opened; it is safe.
    """
    from crossbar_hil.guard.client import GuardedBackend, Hello  # noqa: PLC0415 - a virtual chip needs no guard
    from crossbar_hil.guard.ledger import default_path  # noqa: PLC0415
    from crossbar_hil.served import start_served  # noqa: PLC0415

    if bench.kind == "hardware" and bench.chip_id is None:
        raise ConfigError(
            f"bench {bench.name} has no chip_id, the name of the chip in the socket, by which its dose is kept"
        )
    if not resume:
        bench.copy_into(folder)
    with ExitStack() as owned:
        resources: Mapping[str, str] | None = None
        keep_open: tuple[int, ...] = ()
        if bench.kind == "emulated" and not any(table.resource for table in bench.instruments.values()):
            served = start_served(
                folder / BENCH_FILE, seed=seed, state=folder / EMULATED_STATE, log=folder / "physical.jsonl"
            )
            owned.callback(served.close)
            resources, keep_open = served.resources, (served.lifeline,)
        chip_id = bench.chip_id if bench.kind == "hardware" else None
        header = {
            "run": folder.name,
            "bench": bench.name,
            "kind": bench.kind,
            "chip": chip_id,
            "seed": seed,
            "token": secrets.token_hex(8),
        }
        hello = Hello(
            bench=folder / BENCH_FILE,
            journal=folder / JOURNAL,
            resume=resume,
            resources=resources,
            header=header,
            ledger=default_path(chip_id) if chip_id is not None else folder / "ledger.sqlite",
            keep_open=keep_open,
        )
        backend = GuardedBackend(hello, ask=ask or input, tell=tell or _tell)
        backend.owned = owned.pop_all()
        return backend


def make_bench_safe(bench: Bench, *, patience_s: float = 5.0) -> list[str]:
    """Make a bench safe now, whoever holds it: a guard that does is told to end, which makes it safe too.

    Returns
    -------
    list of str
        What failed or is not confirmed; nothing if the bench is safe.
    """
    from crossbar_hil.guard.lock import BenchLock  # noqa: PLC0415

    if not bench.instruments or (bench.kind == "emulated" and not any(t.resource for t in bench.instruments.values())):
        with open_backend(bench, seed=0):
            return []
    lock = BenchLock(lock_names(bench.instruments), run="safe")
    lock.take_over(patience_s)
    try:
        return rescue(bench)
    finally:
        lock.release()


def lock_names(instruments: Mapping[str, InstrumentTable], resources: Mapping[str, str] | None = None) -> list[str]:
    """Return what a bench is locked by: the VISA resource of every instrument, the name of one that is a person."""
    return [(resources or {}).get(name) or table.resource or f"manual {name}" for name, table in instruments.items()]


def rescue(
    bench: Bench,
    resources: Mapping[str, str | None] | None = None,
    *,
    ask: Callable[[str], str] | None = None,
    tell: Callable[[str], None] | None = None,
) -> list[str]:
    """Make safe whatever of a bench answers: sources to 0 V and off, then every relay open, then both read back.

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
                instrument = open_instrument(name, table, named[name] or "", ask=ask, tell=tell or _tell)
                owned.callback(instrument.close)
                wrong = wrong_identity(name, table, instrument.identify())
            except CrossbarError as error:
                failures.append(f"instruments.{name} cannot be reached: {error}")
                continue
            if wrong:
                failures.append(f"{wrong}; nothing was sent to it")
            elif hasattr(instrument, "source_meters"):
                sources += instrument.source_meters()
            else:
                matrices.append(instrument)
        return failures + load("backends", bench.backend).rescue(sources, matrices)


@contextmanager
def serve_emulated(name_or_file: str, *, seed: int | None = None) -> Iterator[Mapping[str, str]]:
    """Serve the emulated instruments of a bench for the length of a ``with`` block.

    Yields
    ------
    mapping of str to str
        VISA resource name of each instrument.

    Raises
    ------
    ConfigError
        If the bench is not of kind ``emulated``.
    """
    bench = load_bench(name_or_file)
    if bench.kind != "emulated":
        raise ConfigError(f"bench {bench.name} is of kind {bench.kind}, only an emulated one can be served")
    rng = np.random.default_rng(fresh_seed() if seed is None else seed)
    with load("emulation", "bench")(bench, rng) as emulated:
        yield emulated.resources


def open_backend(
    bench: Bench,
    *,
    seed: int,
    resources: Mapping[str, str | None] | None = None,
    ask: Callable[[str], str] | None = None,
    tell: Callable[[str], None] | None = None,
) -> DeviceBackend:
    """Open the backend of a bench that is already checked, in this process and without a journal.

    Parameters
    ----------
    bench : Bench
        The checked bench.
    seed : int
        Seed of a virtual chip.
    resources : mapping, optional
        VISA resources of the instruments, instead of those that the bench file names.
    ask, tell : callable
        How to talk to the person at the terminal.

    The generator is ``numpy.random.default_rng(seed)``, so that ``lognormal_shifts`` with the same generator draws the
    same chip, simulated or emulated.
    """
    factory = load("backends", bench.backend)
    if not (isinstance(factory, type) and issubclass(factory, DeviceBackend)):
        raise ConfigError(f"backend {bench.backend!r} is {factory!r}, not a subclass of DeviceBackend")
    if seed < 0:
        raise ConfigError(f"seed {seed} must not be negative")
    rng = np.random.default_rng(seed)
    if bench.instruments:
        return _open_chip(bench, factory, rng, resources, ask, tell or _tell)
    try:
        backend = factory.from_bench(bench, rng)
    except TypeError as error:
        raise ConfigError(f"bench {bench.name}: backend {bench.backend!r} cannot be made: {error}") from error
    if backend.kind not in KINDS:
        raise ConfigError(f"backend {bench.backend!r} is of kind {backend.kind!r}, expected one of {', '.join(KINDS)}")
    if bench.kind is not None and backend.kind != bench.kind:
        raise ConfigError(
            f"bench {bench.name} asks for kind {bench.kind}, but backend {bench.backend!r} is {backend.kind}"
        )
    return backend


def _open_chip(
    bench: Bench,
    factory: Any,
    rng: np.random.Generator,
    resources: Mapping[str, str | None] | None,
    ask: Callable[[str], str] | None,
    tell: Callable[[str], None],
) -> DeviceBackend:
    """Open the instruments of a bench, emulated or real, and make a chip of them."""
    with ExitStack() as owned:
        instruments = open_instruments(bench, rng, owned, resources, ask=ask, tell=tell)
        matrix_name = bench.wiring.matrix if bench.wiring else ""
        if matrix_name not in instruments:
            raise ConfigError(f"bench {bench.name}: wiring.matrix {matrix_name!r} is not among the instruments")
        sources = {
            port: find_source(instruments, name)
            for port, name in (bench.wiring.sources if bench.wiring else {}).items()
        }
        backend: DeviceBackend = factory.assemble(bench, sources=sources, matrix=instruments[matrix_name])
        backend.owned = owned.pop_all()
        return backend


def open_instruments(
    bench: Bench,
    rng: np.random.Generator,
    owned: ExitStack,
    resources: Mapping[str, str | None] | None = None,
    *,
    ask: Callable[[str], str] | None = None,
    tell: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Connect to every instrument of a bench and see that each is the one that the file names.

    Parameters
    ----------
    bench : Bench
        A bench with instruments.
    rng : numpy.random.Generator
        The chip of an emulated bench is drawn from it.
    owned : ExitStack
        Closes the sessions, and the emulated instruments, when it is closed.
    resources : mapping, optional
        VISA resources, instead of those that the bench file names.
    ask, tell : callable
        How to talk to the person at the terminal.

    Raises
    ------
    ConfigError
        If the file lacks something, or another model or serial number answers.
    TransportError
        If an instrument does not answer.
    """
    if bench.kind not in ("emulated", "hardware"):
        raise ConfigError(
            f"bench {bench.name} has instruments, so its kind must be emulated or hardware, not {bench.kind}"
        )
    resources = resources or find_resources(bench, rng, owned)
    instruments = {}
    for name, table in bench.instruments.items():
        resource = resources[name]
        if resource is None and table.driver != "manual":
            raise ConfigError(
                f"bench {bench.name}: instruments.{name} has no resource, the VISA name of the instrument"
            )
        instrument = open_instrument(name, table, resource or "", ask=ask, tell=tell or _tell)
        owned.callback(instrument.close)
        wrong = wrong_identity(name, table, instrument.identify())
        if wrong:
            raise ConfigError(wrong)
        instruments[name] = instrument
    return instruments


def find_resources(bench: Bench, rng: np.random.Generator, owned: ExitStack) -> Mapping[str, str | None]:
    """Return the VISA resource of every instrument of a bench, None where its file names none.

    An emulated bench whose file names no resource brings its instruments along; they are served until `owned` is
    closed. One that names them is served by somebody else on this machine, such as ``crossbar-hil emulate``.

    Raises
    ------
    ConfigError
        If an emulated bench names a resource that is neither on the loopback interface nor one of pyvisa-sim, or a
        bench of real instruments one of pyvisa-sim.
    """
    named = {name: table.resource for name, table in bench.instruments.items()}
    if bench.kind == "emulated" and not any(named.values()):
        resources: Mapping[str, str] = owned.enter_context(load("emulation", "bench")(bench, rng)).resources
        return resources
    for name, resource in named.items():
        visa = bench.instruments[name].visa
        if bench.kind == "hardware" and visa.endswith(_SIMULATED):
            raise ConfigError(f"bench {bench.name} is hardware, but instruments.{name} has visa {visa}, a simulation")
        # A real bench whose file was only relabelled must not be pulsed as if it were an emulated one.
        elsewhere = resource is not None and not _LOOPBACK.match(resource) and not visa.endswith(_SIMULATED)
        if bench.kind == "emulated" and elsewhere:
            raise ConfigError(
                f"bench {bench.name} is emulated, but instruments.{name} is at {resource}, "
                "which is not on the loopback interface of this machine (127.0.0.1)"
            )
    return named


_SIMULATED = "@sim"
"""How PyVISA names a library that simulates instruments, such as ``instruments.yaml@sim``."""
_LOOPBACK = re.compile(r"TCPIP\d*::(127\.\d+\.\d+\.\d+|localhost)::", re.IGNORECASE)


def open_instrument(
    name: str,
    table: InstrumentTable,
    resource: str,
    *,
    ask: Callable[[str], str] | None = None,
    tell: Callable[[str], None] | None = None,
) -> Any:
    """Open one instrument; one that is a person is asked on the terminal."""
    driver = load("instruments", table.driver).open
    asks = {"ask": ask or input, "tell": tell or _tell} if "ask" in inspect.signature(driver).parameters else {}
    return driver(resource, name=name, visa=table.visa, deadline_s=table.deadline_s, **asks)


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def wrong_identity(name: str, table: InstrumentTable, found: Identity) -> str:
    """Say what is wrong with who answers; empty if it is the instrument that the bench file names."""
    # A driver is named by maker and model: keithley2602b answers as model 2602B.
    model = re.sub(r"^[a-z]+?(?=b?\d)", "", table.driver).upper()
    if model not in found.model.upper().replace("-", ""):
        return f"instruments.{name}: a {found.model} answers, but driver {table.driver} is for a {model}"
    if table.serial is not None and table.serial != found.serial:
        return f"instruments.{name}: serial number {found.serial} answers, expected {table.serial}"
    return ""


def find_source(instruments: Mapping[str, Any], name: str) -> SourceMeter:
    """Return the source channel that a bench file writes as ``smu.a``: instrument, channel letter."""
    instrument, _, letter = name.partition(".")
    if instrument not in instruments or not hasattr(instruments[instrument], "source_meters"):
        raise ConfigError(f"source {name!r}: {instrument!r} is no source-measure unit of this bench")
    channels: list[SourceMeter] = instruments[instrument].source_meters()
    place = "abcdefgh".find(letter) if len(letter) == 1 else -1
    if not 0 <= place < len(channels):
        raise ConfigError(
            f"source {name!r}: {instrument} has {len(channels)} channel(s), a to {'abcdefgh'[len(channels) - 1]}"
        )
    return channels[place]


def make_trainer(bench: Bench, backend: DeviceBackend) -> Trainer:
    """Make the trainer with the settings of a bench."""
    settings = bench.training
    update = Update(
        settings.pulse,
        settings.depress,
        both_ways=settings.both_ways,
        ceiling_siemens=settings.ceiling_siemens,
        verify_siemens=settings.verify_siemens,
        tries=settings.tries,
    )
    return Trainer(
        backend,
        update=update,
        pull_back=settings.pull_back,
        dead_zone=settings.dead_zone,
        beta=settings.beta,
        target=settings.target,
        target0=settings.target0,
        epochs=settings.epochs,
        v0=settings.v0,
        v1=settings.v1,
        rule=load("rules", settings.rule),
    )


def fresh_seed() -> int:
    """Return a seed that was never used before, short enough to type."""
    return secrets.randbits(32)
