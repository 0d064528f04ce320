"""Trigger models that an emulated Keithley 2450 makes by itself: those of ``:TRIGger:LOAD`` and of sweeps.

The order of blocks follows the descriptions of the Model 2450 reference manual; their exact numbers are an assumption.
"""

from collections.abc import Iterable

from . import blocks as block
from .blocks import Block

Blocks = dict[int, Block]


def _numbered(blocks: Iterable[Block]) -> Blocks:
    return dict(enumerate(blocks, start=1))


def simple_loop(count: int, delay_s: float, name: str) -> Blocks:
    """Return the model that measures so often."""
    return _numbered(
        (
            block.clear(name),
            block.output(True),
            block.delay(delay_s),
            block.measure(name),
            block.branch_counter(5, count, 3),
            block.output(False),
        )
    )


def duration_loop(duration_s: float, delay_s: float, name: str) -> Blocks:
    """Return the model that measures for a while."""
    again = block.branch_if("BRANCH_ON_EVENT", lambda smu, run: smu.world.clock.now() - run.began_s < duration_s, 3)
    return _numbered(
        (block.clear(name), block.output(True), block.delay(delay_s), block.measure(name), again, block.output(False))
    )


def loop_until_event(event: str, forget: bool, delay_s: float, name: str) -> Blocks:
    """Return the model that waits for an event and then measures once.

    The instrument measures all the while; here nothing can come while a model runs.
    """
    return _numbered(
        (
            block.clear(name),
            block.output(True),
            block.wait((event,), forget, needs_all=False),
            block.delay(delay_s),
            block.measure(name),
            block.output(False),
        )
    )


def logic_trigger(in_line: int, count: int, delay_s: float, name: str) -> Blocks:
    """Return the model that measures at each event of a digital line."""
    return _numbered(
        (
            block.clear(name),
            block.output(True),
            block.wait((f"DIG{in_line}",), forget=False, needs_all=False),
            block.delay(delay_s),
            block.measure(name),
            block.nothing("NOTIFY"),
            block.branch_counter(7, count, 3),
            block.output(False),
        )
    )


def config_list(names: tuple[str, ...], count: int, delay_s: float, name: str) -> Blocks:
    """Return the model that goes through configuration lists of the same length."""
    return _numbered(
        (
            block.clear(name),
            block.recall(*((each, 1) for each in names)),
            block.output(True),
            block.delay(delay_s),
            block.measure(name),
            block.branch_counter(6, count, 8),
            block.branch_always(10),
            block.recall_next(1, *names),
            block.branch_always(4),
            block.output(False),
        )
    )


def sweep(levels: str, points: int, start: int, delay_s: float, count: int, name: str, fail_abort: bool) -> Blocks:
    """Return the model of a sweep through a configuration list."""
    return _numbered(
        (
            block.clear(name),
            block.recall((levels, start)),
            block.output(True),
            block.branch_always(6),
            block.recall_next(1, levels),
            block.delay(delay_s),
            block.measure(name, stop_at=9 if fail_abort else 0),
            block.branch_counter(8, points * count, 5),
            block.output(False),
        )
    )
