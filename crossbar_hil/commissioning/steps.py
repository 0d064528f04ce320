"""What a step of a commissioning found: expected, measured, allowed, and what to look at where it failed."""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from crossbar_hil.text import quantity

SMALL = 1e-3
"""Per cent below which a share is shown as none."""
Verdict = Literal["passed", "failed", "not measured", "not done"]


@dataclass(frozen=True, slots=True)
class Check:
    """One number, or one fact, beside what it should be."""

    what: str
    expected: str
    measured: str
    allowed: str
    because: str
    """Where the bound comes from."""
    ok: bool

    def __post_init__(self) -> None:
        object.__setattr__(self, "ok", bool(self.ok))  # NumPy has truth values of its own, which JSON does not know

    @property
    def line(self) -> str:
        """The check in one line."""
        beside = [f"{word} {text}" for word, text in (("expected", self.expected), ("allowed", self.allowed)) if text]
        return f"{self.what}: {self.measured}" + (f" ({', '.join(beside)})" if beside else "")


@dataclass
class Step:
    """One step."""

    name: str
    checks: list[Check] = field(default_factory=list)
    causes: list[str] = field(default_factory=list)
    """In plain words: what may be wrong, and what to look at."""
    why: str = ""
    """Why it was not measured, or not done."""
    verdict: Verdict = "passed"
    dangerous: bool = True
    """Whether nothing more is sent to the bench if it failed."""

    def check(self, what: str, expected: str, measured: str, allowed: str, because: str, ok: bool) -> None:
        """Note what a `Check` says."""
        self.checks.append(Check(what, expected, measured, allowed, because, ok))

    def count(self, what: str, expected: int, found: int, because: str = "") -> None:
        """Note how many there are, and how many there must be."""
        self.check(what, str(expected), str(found), str(expected), because, found == expected)

    def share(self, what: str, expected: str, found: float, allowed: float, because: str) -> None:
        """Note by which share something differs, and by which it may, either way."""
        self.check(what, expected, per_cent(found, sign=True), per_cent(allowed), because, abs(found) <= allowed)

    def none(self, what: str, found: float, unit: str, allowed: float, because: str) -> None:
        """Note a quantity that should be zero, and how much it may be, either way."""
        told = quantity(found, unit), f"±{quantity(allowed, unit)}"
        self.check(what, f"0 {unit}", *told, because, abs(found) <= allowed)

    def unmeasured(self, why: str) -> "Step":
        """Return the step as one that was not measured."""
        self.verdict, self.why = "not measured", why
        return self

    def judged(self) -> "Step":
        """Return the step with the verdict of its checks."""
        if self.verdict == "passed" and not all(check.ok for check in self.checks):
            self.verdict = "failed"
        return self

    @property
    def failed(self) -> list[Check]:
        """The checks that failed."""
        return [check for check in self.checks if not check.ok]

    def as_record(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)

    def lines(self) -> list[str]:
        """Return it as a person reads it on a terminal."""
        found = [f"{self.verdict:<12} {self.name}{': ' + self.why if self.why else ''}"]
        shown = self.failed or (self.checks if self.verdict == "passed" else [])
        found += [f"{'':<12} {each.line}" for each in shown]
        return found + [f"{'':<12} look at: {cause}" for cause in self.causes if self.verdict == "failed"]


def failed_step(name: str, error: BaseException, causes: Iterable[str] = ()) -> Step:
    """Return the step that ended with an error: the sentence is its measurement."""
    check = Check("the step", "done", str(error) or type(error).__name__, "no error", "", ok=False)
    return Step(name, [check], list(causes), verdict="failed")


def per_cent(share: float, sign: bool = False) -> str:
    """Return a share as a person reads it.

    >>> per_cent(0.0123), per_cent(-0.002, sign=True)
    ('1.2 %', '-0.2 %')
    """
    if not math.isfinite(share):
        return "unknown"
    shown = float(f"{100 * share:.2g}")
    shown = shown if abs(shown) >= SMALL else 0.0
    return f"{shown:{'+' if sign and shown else ''}.3g} %"
