"""Readings of channels in several boxes at the same time: each box is asked once for all that it has."""

from collections.abc import Callable, Sequence

from crossbar_hil.instrument import Reading, SourceMeter


def begin_by_box(
    channels: Sequence[SourceMeter],
    is_here: Callable[[SourceMeter], bool],
    begin: Callable[[Sequence[SourceMeter]], None],
) -> None:
    """Begin the readings of some channels in this box, then those of the others in theirs."""
    begin([each for each in channels if is_here(each)])
    elsewhere = [each for each in channels if not is_here(each)]
    if elsewhere:
        elsewhere[0].begin_beside(elsewhere[1:])


def fetch_by_box(
    channels: Sequence[SourceMeter],
    asked: Sequence[SourceMeter],
    is_here: Callable[[SourceMeter], bool],
    fetch: Callable[[Sequence[SourceMeter], Sequence[SourceMeter]], tuple[list[Reading], list[bool]]],
) -> tuple[list[Reading], list[bool]]:
    """Return the readings of channels and the limits of those asked, in their order, this box's fetched by `fetch`."""
    here, asked_here = [each for each in channels if is_here(each)], [each for each in asked if is_here(each)]
    elsewhere, left = [each for each in channels if not is_here(each)], [each for each in asked if not is_here(each)]
    readings, tripped = fetch(here, asked_here)
    if elsewhere:
        more, more_tripped = elsewhere[0].fetch_beside(elsewhere[1:], left)
    else:
        more, more_tripped = [], [each.limit_tripped() for each in left]
    found = dict(zip(map(id, [*here, *elsewhere]), [*readings, *more], strict=True))
    flags = dict(zip(map(id, [*asked_here, *left]), [*tripped, *more_tripped], strict=True))
    return [found[id(each)] for each in channels], [flags[id(each)] for each in asked]
