"""``[conditions]``: who measured, what, and in which surroundings; nothing of it is ever assumed."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, ValidationError

from crossbar_hil.errors import ConfigError
from crossbar_hil.plugins import nearest
from crossbar_hil.quantities import kelvin
from crossbar_hil.tables import Table, Unit, problems_of
from crossbar_hil.text import printable, shown

SILICON_MELTS_K = 1687.0
"""CRC Handbook of Chemistry and Physics, section 4, silicon: no chip was measured at more."""
ORCID_URL = "https://orcid.org/"
_ORCID = re.compile(r"([0-9]{4})-?([0-9]{4})-?([0-9]{4})-?([0-9]{3}[0-9Xx])")


def _words(value: Any) -> Any:
    """Return a line of text without blanks around it."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if not text:
        raise ConfigError("must not be empty: leave out what is not known")
    if printable(text) != text:
        raise ConfigError(f"{shown(value)} must be one line of text, without control characters")
    return text


def check_digit(digits: str) -> str:
    """Return the last character of an identifier: ISO/IEC 7064, MOD 11-2.

    >>> check_digit("000000021825009"), check_digit("000000021694233")
    ('7', 'X')
    """
    total = 0
    for digit in digits:
        total = (total + int(digit)) * 2
    rest = (12 - total % 11) % 11
    return "X" if rest == 10 else str(rest)


def orcid(value: Any) -> Any:
    """Return an ORCID iD as ORCID prints it, without its address; the check digit must be right.

    >>> orcid("https://orcid.org/0000-0002-1825-0097")
    '0000-0002-1825-0097'

    Raises
    ------
    ConfigError
        If it is none.
    """
    if not isinstance(value, str):
        return value
    found = _ORCID.fullmatch(re.sub(r"(?i)^(https?://)?(www\.)?orcid\.org/|/$", "", value.strip()))
    if not found:
        usual = f"four groups of four such as 0000-0002-1825-0097, with or without {ORCID_URL}"
        raise ConfigError(f"{shown(value)} is no ORCID iD, {usual}")
    text = "-".join(found.groups()).upper()
    digits = text.replace("-", "")
    if check_digit(digits[:-1]) != digits[-1]:
        raise ConfigError(f"{shown(value)} is no ORCID iD: its last digit does not fit the others, so one is mistyped")
    return text


def _temperature(value: Any) -> float:
    """Return a temperature that a chip can have, in kelvin."""
    found = kelvin(value)
    if not 0 < found <= SILICON_MELTS_K:
        raise ConfigError(f"{shown(value)} must be above 0 K, and at most {SILICON_MELTS_K:g} K, where silicon melts")
    return found


Words = Annotated[str, BeforeValidator(_words)]
Orcid = Annotated[str, BeforeValidator(orcid)]


class Conditions(Table):
    """``[conditions]``: kept with a run and carried into every export; what is not given stays unknown."""

    operator: Words | None = None
    """Name of who measured."""
    orcid: Orcid | None = None
    """ORCID iD of who measured."""
    institution: Words | None = None
    """Where that person works."""
    project: Words | None = None
    """Project, or number of the grant."""
    sample: Words | None = None
    """Which wafer, die or device, as the lab names it; `chip_id` is what counts its dose."""
    temperature_k: Annotated[float, BeforeValidator(_temperature), Unit("K")] | None = None
    """Temperature of the sample."""
    atmosphere: Words | None = None
    """What surrounds the sample, such as air at 45 % relative humidity, or vacuum."""

    @property
    def said(self) -> dict[str, Any]:
        """What somebody said, and nothing else."""
        return self.model_dump(exclude_none=True)

    @property
    def line(self) -> str:
        """All of that in one line; empty if nobody said anything.

        >>> Conditions(operator="Ada", temperature_k=4.2).line
        'conditions: operator Ada; temperature_k 4.2 K'
        """
        units = {"temperature_k": " K"}
        told = "; ".join(f"{name} {value}{units.get(name, '')}" for name, value in self.said.items())
        return f"conditions: {told}" if told else ""

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Check conditions that belong to no bench, such as those of a network that is computed.

        Raises
        ------
        ConfigError
            With every problem found.
        """
        try:
            return cls.model_validate(dict(given))
        except ValidationError as error:
            problems = problems_of(error, lambda place: nearest(str(place[-1]), list(cls.model_fields)))
            raise ConfigError("; ".join(problems), problems) from error
