"""Who makes things go wrong on an emulated bench: a list of faults, or faults drawn at random, each at its message.

Messages are counted as the instruments receive them. The same seed and faults make the same things happen at the same
messages.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

import numpy as np

from crossbar_hil.errors import ConfigError

from .verbs import AT_START, complete_args, draw_args

CLOSING = re.compile(
    r"""(?P<tsp>[\w.]*close\(\s*["'])(?P<quoted>[^"']+)(?P<end>["']\s*\))"""
    r"""|(?P<scpi>:?[\w:]*CLOS[A-Z:]*\s*\(@)(?P<listed>[^)]+)\)""",
    re.IGNORECASE,
)
"""Where a message closes relays, in TSP or SCPI, and does not only ask which are."""
RANDOM_VERBS = (
    *("late", "drop", "dup", "cut", "garbage", "swap", "extra", "dribble", "fin", "rst", "drop_command", "blackhole"),
    *("freeze", "reboot", "err", "sentinel", "interlock", "drop_close", "trip", "cell", "relay", "clock"),
)
"""What a random nemesis does unless told otherwise; the rest needs an argument that only a person can choose."""
SWITCHED_ON = 0.25
"""Share of the verbs that a random run uses at all, so that a run has few kinds of faults and enough of each; the two
levels and the number are those of FoundationDB's ``BUGGIFY``
(https://apple.github.io/foundationdb/client-testing.html)."""
_SHOWN = 200


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong once, or a few times.

    Raises
    ------
    ConfigError
        If there is no such fault.
    """

    verb: str
    """What happens, one of `VERBS`."""
    at: int = 1
    """From which message on, counted from 1; 0 is before the first."""
    instrument: str | None = None
    """Whose messages are counted and hit; those of the whole bench if not given."""
    args: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of the verb."""
    match: str | None = None
    """Regular expression: only messages in which it is found are hit."""
    times: int = 1
    """How many messages are hit; 0 for all from the first on."""

    def __post_init__(self) -> None:
        args = complete_args(self.verb, self.args)
        object.__setattr__(self, "args", args)
        if self.at < 0 or self.times < 0:
            raise ConfigError(f"fault {self.verb}: at {self.at} and times {self.times} must not be negative")
        if self.match is None and self.verb in {"ignore", "drop_close"}:
            object.__setattr__(self, "match", args["pattern"] or None if self.verb == "ignore" else CLOSING.pattern)
        for pattern in (self.match, args.get("pattern")):
            try:
                re.compile(pattern or "")
            except re.error as error:
                raise ConfigError(f"fault {self.verb}: {pattern!r} is no regular expression: {error}") from error

    @property
    def starts(self) -> bool:
        """Whether it is there before the first message."""
        return self.at == 0 and self.match is None and self.verb in AT_START


@dataclass(frozen=True, slots=True)
class Chances:
    """Faults at random."""

    verbs: tuple[str, ...]
    rate: float
    """Probability of each verb at each message."""
    seconds: float
    """How long what lasts does."""

    def __post_init__(self) -> None:
        for verb in self.verbs:
            complete_args(verb, draw_args(verb, np.random.default_rng(0), (1, 1), self.seconds))


class Nemesis:
    """What goes wrong, and when.

    Parameters
    ----------
    faults : iterable of Fault
        What goes wrong for certain.
    seed : int
        Decides what is drawn.
    chances : Chances, optional
        What goes wrong at random.

    Attributes
    ----------
    calls : int
        Messages so far, over the whole bench.
    calls_of : Counter
        Messages so far, by instrument.
    """

    def __init__(self, faults: Iterable[Fault] = (), seed: int = 0, chances: Chances | None = None) -> None:
        if seed < 0:
            raise ConfigError(f"seed {seed} of the nemesis must not be negative")
        self.faults = tuple(faults)
        self.seed = seed
        self.chances = chances
        self.calls = 0
        self.calls_of: Counter[str] = Counter()
        self._hits: Counter[int] = Counter()

    @classmethod
    def random(
        cls,
        seed: int,
        *,
        rate: float = 0.01,
        verbs: Iterable[str] = RANDOM_VERBS,
        switched_on: float = SWITCHED_ON,
        seconds: float = 0.3,
    ) -> Self:
        """Draw which verbs a run uses; each of them then happens at each message with a probability.

        Parameters
        ----------
        seed : int
            Decides everything.
        rate : float
            Probability at each message.
        verbs : iterable of str
            To draw from.
        switched_on : float
            Probability with which a verb is used at all.
        seconds : float
            How long late answers, freezes and the like last.
        """
        chosen = Chances(tuple(verbs), rate, seconds)
        for name, share in (("rate", rate), ("switched_on", switched_on)):
            if not 0 <= share <= 1:
                raise ConfigError(f"{name} {share} of the nemesis must be from 0 to 1")
        draws = np.random.default_rng([seed, 0]).random(len(chosen.verbs))
        used = tuple(verb for verb, draw in zip(chosen.verbs, draws, strict=True) if draw < switched_on)
        return cls(seed=seed, chances=replace(chosen, verbs=used))

    # ------------------------------------------------------------------ what the servers ask

    def at_start(self) -> list[Fault]:
        """Return the faults that are there before the first message."""
        return [fault for fault in self.faults if fault.starts]

    def faults_at(self, instrument: str, message: str, shape: tuple[int, int]) -> list[Fault]:
        """Count a message, and return the faults that hit it."""
        self.calls += 1
        self.calls_of[instrument] += 1
        found = [fault for place, fault in enumerate(self.faults) if self._hits_now(place, fault, instrument, message)]
        if self.chances:
            rng = self.generator()
            for verb in self.chances.verbs:
                if rng.random() < self.chances.rate:
                    found.append(Fault(verb, self.calls, args=draw_args(verb, rng, shape, self.chances.seconds)))
        return found

    def generator(self) -> np.random.Generator:
        """Return a generator for this message: the same for the same seed, whatever happened before."""
        return np.random.default_rng([self.seed, 1, self.calls])

    def _hits_now(self, place: int, fault: Fault, instrument: str, message: str) -> bool:
        calls = self.calls if fault.instrument is None else self.calls_of[fault.instrument]
        if (
            fault.starts
            or fault.instrument not in (None, instrument)
            or calls < fault.at
            or (fault.times and self._hits[place] >= fault.times)
            or (fault.match is not None and not re.search(fault.match, message))
        ):
            return False
        self._hits[place] += 1
        return True

    # ------------------------------------------------------------------ in words

    def entry(self, fault: Fault, instrument: str, message: str = "") -> dict[str, Any]:
        """Return what the physical log says of a fault."""
        return {
            "verb": fault.verb,
            "instrument": instrument,
            "call": self.calls,
            "call_of_instrument": self.calls_of[instrument],
            "args": dict(fault.args),
            "message": message[:_SHOWN],
        }

    def as_json(self) -> dict[str, Any]:
        """Return everything from which `from_json` makes the same nemesis."""
        found: dict[str, Any] = {"seed": self.seed, "faults": [asdict(fault) for fault in self.faults]}
        return found | ({"chances": asdict(self.chances)} if self.chances else {})

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """Make a nemesis of what `as_json` returns, or of what a person wrote in its place.

        Raises
        ------
        ConfigError
            If it is not understood.
        """
        try:
            unknown = set(found) - {"seed", "faults", "chances"}
            if unknown:
                raise ConfigError(f"a nemesis has no {', '.join(sorted(unknown))}, but seed, faults and chances")
            chances = found.get("chances")
            made = None
            if chances is not None:
                made = Chances(tuple(chances["verbs"]), float(chances["rate"]), float(chances["seconds"]))
            return cls([Fault(**each) for each in found.get("faults", ())], int(found.get("seed", 0)), made)
        except (TypeError, KeyError, AttributeError) as error:
            raise ConfigError(f"nemesis {dict(found)!r} is not understood: {error}") from error
