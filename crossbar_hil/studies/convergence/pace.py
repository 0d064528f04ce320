"""How long it will take to train chips that cannot be trained side by side, said before they are."""

from collections.abc import Callable

from crossbar_hil.studies.convergence.points import Point

_LONG_S = 1.0
"""A chip that takes longer than this is not trained a second time for a better measure."""


def seconds_a_chip(point: Point, seed: int, clock: Callable[[], float]) -> float:
    """Measure how long the training of one chip of a point takes, in seconds; what comes of it is thrown away."""
    ensemble = point.ensemble()
    taken = _LONG_S
    for chip in range(2):  # the first one loads and compiles what it needs
        begun = clock()
        ensemble.train(seed, chip, 1, ())
        taken = clock() - begun
        if taken > _LONG_S:
            break
    return taken


def describe_pace(seconds: float, chips: int, workers: int | None) -> str:
    """Say in a sentence how long chips that are trained one by one will take.

    `workers` is None where their number is not known here, as of a cluster.

    >>> describe_pace(0.02, 6000, 2)
    'these chips are trained one by one, about 20 ms each: 6000 of them take about 1 min on 2 workers'
    """
    on = "the cluster, divided by its workers" if workers is None else f"{workers} worker{'s' * (workers != 1)}"
    return (
        f"these chips are trained one by one, about {_in_words(seconds)} each{' here' * (workers is None)}: {chips} of "
        f"them take about {_in_words(seconds * chips / (workers or 1))} on {on}"
    )


def _in_words(seconds: float) -> str:
    for unit, size in (("h", 3600.0), ("min", 60.0), ("s", 1.0)):
        if seconds >= 0.95 * size:
            return f"{_rounded(seconds / size)} {unit}"
    return f"{_rounded(1e3 * seconds)} ms"


def _rounded(number: float) -> str:
    return f"{number:.0f}" if number >= 10 else f"{number:.2g}"
