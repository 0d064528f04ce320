"""A learning rule in a training: found by name, begun afresh, asked, and its answers checked before a pulse."""

import copy
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from crossbar_hil.arrays import FloatArray, IntArray
from crossbar_hil.errors import ConfigError, CrossbarError, DataError
from crossbar_hil.plugins import nearest
from crossbar_hil.training.rules.draws import ORDER, RULE, drawn_order, generator
from crossbar_hil.training.rules.manhattan import manhattan_signs
from crossbar_hil.training.rules.rule import ACTS, LearningRule, Seen
from crossbar_hil.training.updates import Update, checked_answer

Rule = LearningRule | Callable[[FloatArray, FloatArray], FloatArray | IntArray]
MOST_ASKED = 1000
"""A rule that asks for more pulses on a cell at once is a slip of the pen."""


class _Function(LearningRule):
    """A plain function of voltages (P, R) and deltas (P, N), which keeps nothing."""

    repeats = True

    def __init__(self, function: Callable[[FloatArray, FloatArray], FloatArray | IntArray]) -> None:
        self.function = function
        self.most = getattr(function, "most", 1)

    def __call__(self, seen: Seen) -> FloatArray | IntArray:
        return self.function(seen.voltages, seen.deltas)


def make_rule(name: str, found: Any, options: Mapping[str, Any]) -> Rule:
    """Return the rule that was found under a name; a class is made with its options.

    Raises
    ------
    ConfigError
        If it is no rule, or does not take these options.
    """
    given = dict(options)
    if isinstance(found, type) and issubclass(found, LearningRule):
        if dataclasses.is_dataclass(found):
            known = [each.name for each in dataclasses.fields(found) if each.init]
            unknown = [each for each in given if each not in known]
            if unknown:
                hint = nearest(unknown[0], known)
                raise ConfigError(
                    f"rule {name!r} has no option {unknown[0]!r}; it has {', '.join(known) or 'none'}{hint}"
                )
        try:
            made = found(**given)
            check_rule(made)
        except (TypeError, ValueError, CrossbarError) as error:
            raise ConfigError(f"rule {name!r} cannot be made with the rule_options {given}: {error}") from error
        return made
    if isinstance(found, type) or not callable(found):
        raise ConfigError(f"rule {name!r} is {found!r}, neither a function nor a subclass of LearningRule")
    if given:
        raise ConfigError(f"rule {name!r} is a function, so it takes no rule_options, but {', '.join(given)} is given")
    checked: Rule = found
    return checked


def as_rule(rule: Rule) -> LearningRule:
    """Return a rule as one that is asked by what it sees."""
    return rule if isinstance(rule, LearningRule) else _Function(rule)


def check_rule(rule: object) -> None:
    """Refuse what cannot be a rule of a training.

    Raises
    ------
    DataError
        Then.
    """
    if isinstance(rule, type):
        raise DataError(f"rule is the class {rule.__name__}; give one of it, {rule.__name__}(...)")
    if not isinstance(rule, LearningRule):
        return
    what = f"rule {type(rule).__name__}"
    if rule.acts not in ACTS:
        raise DataError(f"{what} acts {rule.acts!r}, it must be one of {', '.join(ACTS)}")
    most = rule.most
    if isinstance(most, bool) or not isinstance(most, int | np.integer) or not 1 <= most <= MOST_ASKED:
        raise DataError(f"{what} asks for at most {most} pulses, that must be a whole number from 1 to {MOST_ASKED}")


def draws(rule: Rule) -> bool:
    """Say whether a rule needs the seed of the run."""
    return isinstance(rule, LearningRule) and (rule.draws or rule.acts == "drawn")


def check_seed(rule: Rule, seed: int | None) -> None:
    """Refuse a rule that draws where there is no seed.

    Raises
    ------
    DataError
        Then, or if the seed is too large.
    """
    if draws(rule):
        if seed is None:
            raise DataError(f"rule {type(rule).__name__} draws, so it needs a seed: give Trainer one, such as seed=1")
        generator(seed, 0, RULE)


def described(rule: Rule) -> dict[str, Any]:
    """Return what a run records of its rule: when it acts, most pulses, and every option, also those nobody set."""
    whole = as_rule(rule)
    options: dict[str, Any] = {}
    if dataclasses.is_dataclass(whole):
        values = {each.name: getattr(whole, each.name) for each in dataclasses.fields(whole)}
        options = {
            name: value if isinstance(value, bool | int | float | str) else repr(value)
            for name, value in values.items()
        }
    return {
        "acts": whole.acts,
        "most": int(whole.most),
        "repeats": whole.repeats,
        "draws": draws(rule),
        "options": options,
    }


def most_in_epoch(rule: Rule, update: Update, patterns: int) -> int:
    """Return the most pulses of one direction that an epoch sends to a cell, for so many patterns."""
    whole = as_rule(rule)
    return update.most(whole.most) * (1 if whole.acts == "all" else patterns)


class Asked:
    """A rule in one training, a fresh copy of its own.

    Parameters
    ----------
    rule : LearningRule or callable
        The rule.
    shape : (int, int)
        (R, C) of the chip; of a layer its inputs and twice its outputs.
    seed : int or None
        Of the run; needed by a rule that draws.
    number : int
        Of the chip, 0 in a run.
    layer : int
        Counted from 0: in each layer of a network a rule has draws of its own.

    Raises
    ------
    DataError
        If the rule draws and there is no seed, or the seed is too large.
    """

    def __init__(self, rule: Rule, shape: tuple[int, int], seed: int | None, number: int, layer: int = 0) -> None:
        check_seed(rule, seed)
        self._known = rule is manhattan_signs  # its signs are signs, and this is the innermost loop
        self._rule = as_rule(rule) if self._known else copy.deepcopy(as_rule(rule))
        self.acts, self._shape = self._rule.acts, shape
        if not self._known:
            used = seed if seed is not None and draws(rule) else 0
            self._order = generator(used, number, ORDER)
            self._rule.begin(shape, generator(used, number, RULE + layer))

    def __call__(self, seen: Seen) -> FloatArray | IntArray:
        """Return what the rule says, checked."""
        if self._known:
            return manhattan_signs(seen.voltages, seen.deltas)
        seen = copy.deepcopy(seen)  # whatever a rule does to it, the epoch is recorded as it was
        return checked_answer(self._rule(seen), self._shape, self._rule.most)

    def order(self, patterns: int) -> Iterator[int]:
        """Yield the patterns of an epoch in the order in which the rule acts on them."""
        yield from map(int, drawn_order(self._order, patterns)) if self.acts == "drawn" else range(patterns)
