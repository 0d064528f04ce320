"""Open the backend that a bench file names, in this process and without a journal; serve its emulated instruments."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from crossbar_hil.backend import KINDS, DeviceBackend
from crossbar_hil.bench.file import Bench, Chip, load_bench
from crossbar_hil.bench.instruments import Seen, find_source, open_instruments
from crossbar_hil.curves.levels import PULSE_UNSAID
from crossbar_hil.errors import ConfigError
from crossbar_hil.instrument import place_of
from crossbar_hil.plugins import load
from crossbar_hil.shipped import data_file
from crossbar_hil.survey.file import read_cells


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
    seed = fresh_seed() if seed is None else seed
    with make_emulated(load_bench(name_or_file), seed, proven=True, remembered=False) as emulated:
        yield emulated.resources


def make_emulated(bench: Bench, seed: int, **settings: Any) -> Any:
    """Return the emulated bench of a bench file, with settings as it takes them; use it in a ``with`` statement.

    One that is `proven` is believed by this user's programs to be emulated, see `crossbar_hil.owners.proof`.

    Raises
    ------
    ConfigError
        If the bench is not of kind ``emulated``, or the seed is negative.
    """
    if bench.kind != "emulated":
        raise ConfigError(f"bench {bench.name} is of kind {bench.kind}, only an emulated one can be served")
    return load("emulation", "bench")(bench, _generator(seed), **settings)


def open_backend(
    bench: Bench,
    *,
    seed: int,
    resources: Mapping[str, str | None] | None = None,
    ask: Callable[[str], str] | None = None,
    tell: Callable[[str], None] | None = None,
    seen: Seen = lambda name, identity: None,  # noqa: ARG005 - the signature of one
    on_trial: bool = False,
    patience: Callable[[], float] | None = None,
    silence: Callable[[str, float | None], object] | None = None,
) -> DeviceBackend:
    """Open the backend of a bench that is already checked, in this process and without a journal.

    Parameters
    ----------
    seed : int
        Seed of a virtual chip.
    resources : mapping, optional
        VISA resources of the instruments, instead of those that the bench file names.
    ask, tell : callable
        How to talk to the person at the terminal.
    seen : callable
        Called with name and identity of every instrument that has said who it is, before anything else is sent to it.
    on_trial : bool
        Whether the bench holds no chip and may leave lines open, see `crossbar_hil.witness`.
    patience : callable
        Asked while an instrument is waited for: the share of its deadline that it still has; 1 for all of it.
    silence : callable
        Told at once which instrument has let its deadline pass, after how many seconds, and None when it answers again.

    The generator is ``numpy.random.default_rng(seed)``, so that ``lognormal_shifts`` with the same generator draws the
    same chip, simulated or emulated.
    """
    rng = _generator(seed)
    if not bench.instruments:
        return without_bad_cells(bench, make_backend(bench, rng))
    factory = _factory(bench)
    with ExitStack() as owned:
        heard = {"ask": ask, "tell": tell, "seen": seen, "patience": patience, "silence": silence}
        instruments = open_instruments(bench, rng, owned, resources, **heard)  # type: ignore[arg-type]
        chip = _assemble(bench, factory, instruments, {"on_trial": True} if on_trial else {})
        chip.owned = owned.pop_all()
        return without_bad_cells(bench, chip)


def without_bad_cells(bench: Bench, chip: DeviceBackend) -> DeviceBackend:
    """Have a chip refuse pulses to the cells that its bench leaves out, whoever sends them."""
    name = bench.training.cells
    if name is not None:
        cells = read_cells(data_file(name))
        cells.check_shape(name, chip.shape)
        chip.left_out = cells.left_out if cells.left_out.any() else None
    return chip


def words_of_opening(bench: Bench | None) -> str:
    """Say what somebody waits for while a bench is opened, to whom nothing else is shown."""
    if bench is None or not bench.instruments:
        return "making the virtual device"
    return "starting the emulated instruments" if bench.brings_instruments else "asking the instruments who they are"


def make_backend(bench: Bench, rng: np.random.Generator) -> DeviceBackend:
    """Make the backend of a checked bench without instruments: its ``from_bench`` with a generator.

    Raises
    ------
    ConfigError
        If it cannot be made, or is of another kind than the bench says.
    """
    factory = _factory(bench)
    check_chip_keys(bench)
    try:
        backend: DeviceBackend = factory.from_bench(bench, rng)
    except TypeError as error:
        raise ConfigError(f"bench {bench.name}: backend {bench.backend!r} cannot be made: {error}") from error
    if backend.kind not in KINDS:
        raise ConfigError(f"backend {bench.backend!r} is of kind {backend.kind!r}, expected one of {', '.join(KINDS)}")
    if bench.kind is not None and backend.kind != bench.kind:
        raise ConfigError(
            f"bench {bench.name} asks for kind {bench.kind}, but backend {bench.backend!r} is {backend.kind}"
        )
    _check_size(bench, backend)
    if backend.noisy is None:
        backend.noisy = bench.noisy
    return backend


def check_chip_keys(bench: Bench) -> None:
    """Refuse what [chip] says to a device that is not made from it: a ConfigError names every such key.

    On a real one it is that of its dry run. One that is made from it has no key that makes no difference, and behind
    emulated instruments a curve says its pulse.
    """
    factory, chip = _factory(bench), bench.chip
    if bench.brings_instruments and chip is not None and chip.twin is None:
        curve = load("curves", "measured").of_device(chip.curve_file, chip.curve_pulse, smoothed=chip.smoothed)
        if not curve.widths_by_amplitude():
            raise ConfigError(PULSE_UNSAID.format(chip.curve_file.name))
    if chip is None or not _ignores_chip(bench, factory):
        if bench.draws_chip and chip is not None:
            chip.check_companions(chip.model_fields_set)
        return
    usual = (Chip(), Chip.usual({}))  # a copy in a folder of a run has every default spelled out, and the curve copied
    found = [
        name
        for name in Chip.model_fields
        if name not in ("rows", "columns")
        and all(getattr(chip, name) != getattr(each, name) for each in usual)
        and not (name == "curve" and chip.curve_cells == 0)
    ]
    if found:
        raise ConfigError(_does_nothing(bench, found))


def _check_size(bench: Bench, backend: DeviceBackend) -> None:
    """Refuse another size than that of a device that is not made from [chip]."""
    if bench.chip is None or not _ignores_chip(bench, type(backend)):
        return
    wanted = {"rows": bench.chip.rows, "columns": bench.chip.columns}
    is_size = dict(zip(wanted, backend.shape, strict=True))
    found = [name for name in wanted if wanted[name] not in (is_size[name], getattr(Chip(), name))]
    if found:
        raise ConfigError(_does_nothing(bench, found))


def _ignores_chip(bench: Bench, factory: type[DeviceBackend]) -> bool:
    return not factory.simulates_chip and not bench.instruments and getattr(factory, "kind", bench.kind) != "hardware"


def _does_nothing(bench: Bench, keys: list[str]) -> str:
    return (
        f"bench {bench.name}: backend {bench.backend!r} is not made from [chip], so {', '.join(keys)} there would "
        "do nothing; leave it out, or take the backend simulated"
    )


def likeness_of(bench: Bench) -> Callable[[], DeviceBackend] | None:
    """Return what makes a simulated chip of the curve that a bench with instruments names, if it names one."""
    chip = bench.chip
    if chip is None or (bench.kind == "hardware" and not {"curve", "twin"} & chip.model_fields_set):
        return None
    return lambda: make_backend(bench.model_copy(update={"backend": "simulated", "kind": "simulated"}), _generator(0))


def _factory(bench: Bench) -> Any:
    factory = load("backends", bench.backend)
    if not (isinstance(factory, type) and issubclass(factory, DeviceBackend)):
        raise ConfigError(f"backend {bench.backend!r} is {factory!r}, not a subclass of DeviceBackend")
    return factory


def _assemble(bench: Bench, factory: Any, instruments: Mapping[str, Any], details: Mapping[str, Any]) -> DeviceBackend:
    """Make a chip of the instruments of a bench, emulated or real."""
    matrix = bench.wiring.matrix if bench.wiring else ""
    if matrix not in instruments:
        raise ConfigError(f"bench {bench.name}: wiring.matrix {matrix!r} is not among the instruments")
    if bench.wiring is not None:
        lines = {
            place_of(column, bench.wiring.slot): f"{axis} {place} of the chip"
            for axis, columns in (("row", bench.wiring.rows), ("column", bench.wiring.columns))
            for place, column in enumerate(columns, start=1)
        }
        instruments[matrix].explain({row: port for port, row in bench.wiring.ports.items()}, lines)
    wired = bench.wiring.sources if bench.wiring else {}
    sources = {port: find_source(instruments, name) for port, name in wired.items()}
    chip: DeviceBackend = factory.assemble(bench, sources=sources, matrix=instruments[matrix], **details)
    chip.noisy, chip.likeness = bench.noisy, likeness_of(bench)
    return chip


def _generator(seed: int) -> np.random.Generator:
    if seed < 0:
        raise ConfigError(f"seed {seed} must not be negative")
    return np.random.default_rng(seed)


def fresh_seed() -> int:
    """Return a seed that was never used before, short enough to type."""
    return secrets.randbits(32)
