"""Name every problem of a bench at once, without sourcing a voltage."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np

from crossbar_hil.bench import find_source, open_backend, wrong_identity
from crossbar_hil.config import Bench, load_bench
from crossbar_hil.errors import ConfigError, CrossbarError
from crossbar_hil.patterns import PatternSet
from crossbar_hil.plugins import load


def check_bench(name_or_file: str) -> list[str]:
    """Return what is wrong with a bench, one sentence each; an empty list if nothing is.

    The file is checked first; if it is sound, the instruments are asked who they are and what they can do. Outputs and
    relays stay as they are.
    """
    try:
        bench = load_bench(name_or_file)
    except ConfigError as error:
        return list(error.problems)
    problems = [f"bench {bench.name}: {problem}" for problem in _file_problems(bench)]
    if problems:
        return problems
    if not bench.instruments:
        return [
            f"bench {bench.name}: {problem}" for problem in _caught(lambda: open_backend(bench, seed=0).make_safe())
        ]
    return [f"bench {bench.name}: {problem}" for problem in _instrument_problems(bench)]


def _file_problems(bench: Bench) -> Iterator[str]:
    """What can be seen without opening anything."""
    yield from _caught(lambda: load("backends", bench.backend))
    yield from _caught(lambda: load("rules", bench.training.rule))
    yield from _caught(lambda: bench.training.pulse)
    yield from _caught(lambda: bench.limits)
    yield from _pattern_problems(bench)
    yield from _limit_problems(bench)
    if not bench.instruments:
        return
    if bench.kind not in ("emulated", "hardware"):
        yield f"kind {bench.kind} does not go with instruments; it must be emulated or hardware"
    for name, table in bench.instruments.items():
        yield from _caught(lambda table=table: load("instruments", table.driver))  # type: ignore[misc]
        if bench.kind == "hardware" and table.resource is None:
            yield f"instruments.{name} has no resource, the VISA name of the instrument"
    resources = [table.resource for table in bench.instruments.values() if table.resource is not None]
    for resource in sorted({each for each in resources if resources.count(each) > 1}):
        yield f"resource {resource} is given to {resources.count(resource)} instruments"
    for key, value in (("wiring", bench.wiring), ("scheme", bench.scheme), ("measurement", bench.measurement)):
        if value is None:
            yield f"[{key}] is missing"
    if bench.limits is None:
        yield "[limits] is missing; a chip behind instruments needs every limit written down"
    if bench.wiring is not None and bench.wiring.matrix not in bench.instruments:
        yield f"wiring.matrix {bench.wiring.matrix!r} is not among the instruments {', '.join(bench.instruments)}"


def _pattern_problems(bench: Bench) -> Iterator[str]:
    found: list[PatternSet] = []
    yield from _caught(lambda: found.append(PatternSet.from_csv(bench.training.pattern_file)))
    shape = _shape(bench)
    if not found or shape is None:
        return
    rows, columns = shape
    if columns % 2:
        yield f"{columns} columns are odd; an output is the difference of two columns"
    elif found[0].train.shape[1] != rows or found[0].train_labels.shape[1] != columns // 2:
        yield (
            f"patterns of {found[0].train.shape[1]} bits with {found[0].train_labels.shape[1]} label bits do not fit "
            f"{rows} rows and {columns} columns"
        )


def _limit_problems(bench: Bench) -> Iterator[str]:
    limits, training = bench.limit_table, bench.training
    if limits is None:
        return
    for name, value, bound, unit in (
        ("training.v0", abs(training.v0), limits.read_v, "V"),
        ("training.v1", abs(training.v1), limits.read_v, "V"),
        ("training.amplitude_v", abs(training.amplitude_v), limits.pulse_v, "V"),
        ("training.width_s", training.width_s, limits.width_s, "s"),
    ):
        if value > bound:
            yield f"{name} of {value:g} {unit} exceeds its limit of {bound:g} {unit}"


def _shape(bench: Bench) -> tuple[int, int] | None:
    if bench.wiring is not None:
        return len(bench.wiring.rows), len(bench.wiring.columns)
    return (bench.chip.rows, bench.chip.columns) if bench.chip is not None else None


def _instrument_problems(bench: Bench) -> Iterator[str]:
    """What the instruments say; no voltage is sourced and no relay moves."""
    with ExitStack() as owned:
        resources: Any = {name: table.resource for name, table in bench.instruments.items()}
        if bench.kind == "emulated":
            resources = owned.enter_context(load("emulation", "bench")(bench, np.random.default_rng(0))).resources
        instruments: dict[str, Any] = {}
        models: dict[str, str] = {}
        for name, table in bench.instruments.items():
            opened: list[Any] = []
            yield from _caught(
                lambda name=name, table=table, opened=opened: opened.append(  # type: ignore[misc]
                    load("instruments", table.driver).open(
                        resources[name], name=name, visa=table.visa, deadline_s=table.deadline_s
                    )
                )
            )
            if not opened:
                continue
            owned.callback(opened[0].close)
            identity: list[Any] = []
            yield from _caught(lambda opened=opened, identity=identity: identity.append(opened[0].identify()))  # type: ignore[misc]
            if identity:
                models[name] = identity[0].model
                wrong = wrong_identity(name, table, identity[0])
                if wrong:
                    yield wrong + _swapped(name, identity[0], bench)
                else:
                    instruments[name] = opened[0]
        if len(instruments) == len(bench.instruments) and bench.wiring is not None:
            sources: dict[str, Any] = {}
            for port, source in bench.wiring.sources.items():
                yield from _caught(
                    lambda port=port, source=source: sources.update({port: find_source(instruments, source)})  # type: ignore[misc]
                )
            if len(sources) == len(bench.wiring.sources):
                factory = load("backends", bench.backend)
                yield from factory.problems(bench, sources=sources, matrix=instruments[bench.wiring.matrix])


def _swapped(name: str, identity: Any, bench: Bench) -> str:
    """Say which other instrument of the bench would fit who answers here."""
    for other, table in bench.instruments.items():
        if other != name and not wrong_identity(other, table, identity):
            return f"; it fits instruments.{other}, so the two addresses are probably swapped"
    return ""


def _caught(act: Callable[[], Any]) -> Iterator[str]:
    """Do something and yield the sentence of the error, if there is one."""
    try:
        act()
    except ConfigError as error:
        yield from error.problems
    except CrossbarError as error:
        yield str(error)
