"""The array of a computed network as a design: how lines are joined, how it is cut up, which row an input gets."""

from typing import Any

import numpy as np

from crossbar_hil.arrays import BoolArray, FloatArray, IntArray
from crossbar_hil.errors import ConfigError
from crossbar_hil.spiking.network.encoding import CERTAIN, key, random_words
from crossbar_hil.spiking.tasks.images import Images
from crossbar_hil.training.lines.tiles import DRIVES, SENSES, read_tiles

ORDERS, GAINS = ("input", "variance"), ("each", "one", "none")
USUAL = {"drive": "left", "sense": "bottom", "tiles": "1x1", "order": "input", "gains": "each"}
"""An array as it is where nothing is said."""
MOST_RENEW = 10**6
PATTERNS = 48
"""Steps of typical spikes from which secants are taken."""
_STREAM = 4
"""Random numbers of no presentation."""


def order_rows(images: Images, tiles: int, sense: str) -> IntArray:
    """Return the input of each row, from the top down: the more its pixel varies, the nearer to where it is sensed.

    The pixels are dealt out, so that each of so many arrays below each other gets its share of those that vary most.

    Examples
    --------
    >>> pixels = np.array([[0.0, 0.0, 0.0, 0.0], [0.1, 0.4, 0.3, 0.2]])
    >>> some = Images(pixels, np.arange(2))
    >>> order_rows(some, 1, "bottom"), order_rows(some, 2, "bottom"), order_rows(some, 1, "both")
    (array([0, 3, 2, 1]), array([3, 1, 0, 2]), array([2, 0, 3, 1]))
    """
    falling = np.argsort(-images.intensities.var(axis=0), kind="stable")
    parts = []
    for tile in range(tiles):
        mine = falling[tile::tiles]
        parts.append(np.concatenate([mine[1::2], mine[0::2][::-1]]) if sense == "both" else mine[::-1])
    return np.concatenate(parts).astype(np.int64)


def typical_spikes(images: Images) -> BoolArray:
    """Return spikes of all inputs in single steps of images spread over all of them: (P, K)."""
    places = np.linspace(0, len(images) - 1, PATTERNS).round().astype(int)
    shown = images.intensities[places]
    return np.array([random_words(key(_STREAM, number), shown.shape[1]) for number in range(PATTERNS)]) < np.rint(
        shown * CERTAIN
    ).astype(np.uint64)


def gains_for(how: str, ideal: FloatArray, arriving: FloatArray) -> FloatArray:
    """Return what the currents (N,) are taken to be that arrive of ideal ones: of each column, or in one proportion."""
    return ideal * (arriving.sum() / ideal.sum()) if how == "one" else arriving


def check_design(settings: Any) -> None:
    """Refuse what is no arrangement, or what nothing would come of.

    Raises
    ------
    ConfigError
        If a value is out of range, or two do not go together.
    """
    for name, known in (("drive", DRIVES), ("sense", SENSES), ("order", ORDERS), ("gains", GAINS)):
        if (value := getattr(settings, name)) not in known:
            raise ConfigError(f"{name} {value!r} is none of {', '.join(known)}")
    read_tiles(settings.tiles)
    if settings.renew is not None and not 1 <= settings.renew <= MOST_RENEW:
        raise ConfigError(f"renew {settings.renew} must lie between 1 and {MOST_RENEW}")
    if settings.wire_ohm:
        return
    for name in _changed(settings):
        raise ConfigError(f"{name} {getattr(settings, name)} makes no difference on perfect wires; it goes with --wire")
    if settings.renew is not None and settings.cell is None:
        raise ConfigError(
            f"renew {settings.renew} makes no difference on an ideal crossbar; it goes with --wire or --cell"
        )


def is_designed(settings: Any) -> bool:
    """Whether anything is asked for that a plain array with every circuit solved is not."""
    return settings.renew is not None or bool(_changed(settings))


def is_rearranged(settings: Any) -> bool:
    """Whether cells lie elsewhere than on one array with its inputs in order, driven at the left, sensed below."""
    return bool({*_changed(settings)} - {"gains"})


def _changed(settings: Any) -> list[str]:
    return [name for name, usual in USUAL.items() if getattr(settings, name) != usual]
