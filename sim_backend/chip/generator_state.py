"""The state of a random generator as an array of numbers, so that it is saved as a chip's other arrays are."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from crossbar_hil.arrays import FloatArray
from crossbar_hil.errors import DataError

_WORD, _WORDS = 1 << 32, 4
"""Whole numbers of a state are kept as words of 32 bits, four each: a double holds such a word exactly."""


def words_of(rng: np.random.Generator) -> FloatArray:
    """Return the (1, W) words of a generator's state."""
    words = [float(number >> 32 * place & _WORD - 1) for number in _numbers(_state(rng)) for place in range(_WORDS)]
    return np.array([words])


def set_words(rng: np.random.Generator, words: FloatArray) -> None:
    """Bring a generator to a saved state.

    Raises
    ------
    DataError
        If the state is not one of a generator of this kind; the generator is left as it was.
    """
    state = _state(rng)
    expected = _WORDS * sum(1 for _ in _numbers(state))
    if words.size != expected or not ((words >= 0) & (words < _WORD) & (words == np.floor(words))).all():
        raise DataError(
            f"saved generator has {words.size} words, a {state['bit_generator']} has {expected} from 0 to {_WORD - 1}"
        )
    numbers = iter(
        sum(int(word) << 32 * place for place, word in enumerate(group)) for group in words.reshape(-1, _WORDS)
    )
    try:
        rng.bit_generator.state = _rebuilt(state, numbers)
    except (ValueError, OverflowError) as error:
        raise DataError(f"saved generator is none of a {state['bit_generator']}: {error}") from error


def _state(rng: np.random.Generator) -> dict[str, Any]:
    return dict(rng.bit_generator.state)


def _numbers(part: Any) -> Iterator[int]:
    """Yield the whole numbers of a state, in the order of its names."""
    if isinstance(part, dict):
        for name in sorted(part):
            yield from _numbers(part[name])
    elif isinstance(part, np.ndarray):
        yield from (int(each) for each in part.flat)
    elif not isinstance(part, str):
        yield int(part)


def _rebuilt(part: Any, numbers: Iterator[int]) -> Any:
    if isinstance(part, dict):
        found = {name: _rebuilt(part[name], numbers) for name in sorted(part)}
        return {name: found[name] for name in part}
    if isinstance(part, np.ndarray):
        return np.array([next(numbers) for _ in range(part.size)], dtype=part.dtype).reshape(part.shape)
    return part if isinstance(part, str) else next(numbers)
