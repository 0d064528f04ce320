"""The composition root: open the device that a bench names."""

import secrets
from collections.abc import Mapping
from typing import Any

import numpy as np

from crossbar_hil.backend import KINDS, DeviceBackend
from crossbar_hil.config import Bench, load_bench
from crossbar_hil.errors import ConfigError
from crossbar_hil.plugins import load
from crossbar_hil.training import Trainer


def open_bench(
    name_or_file: str = "simulated",
    *,
    seed: int | None = None,
    preset: str | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> DeviceBackend:
    """Open a bench; use what comes back in a ``with`` statement, which makes it safe on every way out.

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
    return open_backend(bench, seed=fresh_seed() if seed is None else seed)


def open_backend(bench: Bench, *, seed: int) -> DeviceBackend:
    """Open the backend of a bench that is already checked.

    The generator is ``numpy.random.default_rng(seed)``, so that ``lognormal_shifts`` with the same generator draws the
    same chip.
    """
    factory = load("backends", bench.backend)
    if not (isinstance(factory, type) and issubclass(factory, DeviceBackend)):
        raise ConfigError(f"backend {bench.backend!r} is {factory!r}, not a subclass of DeviceBackend")
    if seed < 0:
        raise ConfigError(f"seed {seed} must not be negative")
    try:
        backend = factory.from_bench(bench, np.random.default_rng(seed))
    except TypeError as error:
        raise ConfigError(f"bench {bench.name}: backend {bench.backend!r} cannot be made: {error}") from error
    if backend.kind not in KINDS:
        raise ConfigError(f"backend {bench.backend!r} is of kind {backend.kind!r}, expected one of {', '.join(KINDS)}")
    if bench.kind is not None and backend.kind != bench.kind:
        raise ConfigError(
            f"bench {bench.name} asks for kind {bench.kind}, but backend {bench.backend!r} is {backend.kind}"
        )
    return backend


def make_trainer(bench: Bench, backend: DeviceBackend) -> Trainer:
    """Make the trainer with the settings of a bench."""
    settings = bench.training
    return Trainer(
        backend,
        pulse=settings.pulse,
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
