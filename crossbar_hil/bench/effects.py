"""What a real chip does and the measured curve alone does not: settings of ``[chip]``, every one off by default.

docs/chip_model.md has the formula of each. Their models are in `crossbar_hil.sim_backend.chip`.
"""

from collections.abc import Collection
from itertools import combinations
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from crossbar_hil import defaults
from crossbar_hil.arrays import at
from crossbar_hil.errors import ConfigError
from crossbar_hil.tables import Ampere, Number, Second, Share, Siemens, Table, Whole

Cells = list[tuple[Whole, Whole]]
CELL_LISTS = ("stuck", "dead", "unformed")
"""Effects that are lists of cells."""
STRENGTHS = (
    "read_noise", "telegraph", "flicker", "step_variation", "step_spread", "shape_spread", "relaxation", "drift",
    "column_offset_a", "disturb",
)  # fmt: skip
"""Effects that are numbers, and off at zero; the other keys say more of one of them."""

COMPANIONS = {
    **dict.fromkeys(("telegraph_share", "telegraph_s"), "telegraph"),
    **dict.fromkeys(("relaxation_s", "relaxation_law", "relaxation_exponent"), "relaxation"),
    "unformed_siemens": "unformed",
}
"""Keys that say more of an effect, and nothing without it."""
LONGEST_S = 1e9
"""Thirty years."""
MOST_VARIATION = 3.0
"""Of a step, relative: with it most pulses hardly move a cell."""
LEAST_VARIATION = 1e-6
"""Of a step; the shape of its gamma distribution is the inverse square."""


def _up_to(most: float, why: str) -> AfterValidator:
    def check(value: float) -> float:
        if not 0 <= value <= most:
            raise ConfigError(f"{value:g} must be from 0 to {most:g}: {why}")
        return value

    return AfterValidator(check)


_WHOLE = _up_to(1, "1 is all that a cell conducts")
_FAR_APART = _up_to(3, "with 3 one cell in three is twenty times the median or a twentieth of it")
_Time = Annotated[Second, Field(gt=0, le=LONGEST_S)]


class Effects(Table):
    """Keys of ``[chip]`` that make a virtual chip less than ideal."""

    read_noise: Annotated[Share, Field(ge=0)] = 0.0
    """Relative noise of a cell's current, white: new in each read."""
    telegraph: Annotated[Share, _up_to(10, "with 10 a cell conducts eleven times as much")] = 0.0
    """Relative height of random telegraph noise: a cell's current is higher by this in some of its reads."""
    telegraph_share: Annotated[Share, Field(ge=0, le=1)] = defaults.TELEGRAPH_SHARE
    """Share of the reads in which it is higher."""
    telegraph_s: _Time | None = None
    """Correlation time of the telegraph noise; if not given it is drawn anew for each read."""
    flicker: Annotated[Share, _WHOLE] = 0.0
    """Relative standard deviation of 1/f noise of a cell's current, over all the frequencies that it has."""
    step_variation: Annotated[Share, _up_to(MOST_VARIATION, "with 3 most pulses hardly move a cell")] = 0.0
    """Relative spread of a pulse's step, from pulse to pulse."""
    step_spread: Annotated[Share, _FAR_APART] = 0.0
    """Spread of the steps from cell to cell: sigma of the logarithm of the factor by which a cell's rise is larger."""
    shape_spread: Annotated[Share, _FAR_APART] = 0.0
    """Spread of the curve's shape from cell to cell: sigma of the logarithm of the exponent that bends it."""
    relaxation: Annotated[Share, Field(ge=0, le=1)] = 0.0
    """Share of a rise that is lost with time: in the end if the law is stretched, in each decade if logarithmic."""
    relaxation_s: _Time | None = None
    """Time constant of the relaxation; needed with it."""
    relaxation_law: Literal["stretched", "logarithmic"] = "stretched"
    """How the loss grows with time."""
    relaxation_exponent: Annotated[Number, Field(ge=0.2, le=1)] = 1.0
    """Exponent of the stretched exponential; 1 is an exponential."""
    drift: Annotated[Share, _WHOLE] = 0.0
    """Relative change of a conductance in a decade of time, after the first second: one standard deviation, as every
    cell has a factor of its own."""
    column_offset_a: Annotated[Ampere, _up_to(1e-3, "no current of a column is that large")] = 0.0
    """Standard deviation of the current that is added to each reading of a column, drawn once for each column."""
    disturb: Annotated[Number, _up_to(1, "1 moves the other cells as far as the pulse moves its own")] = 0.0
    """Levels by which each pulse moves the other cells of its row and column."""
    stuck: Cells = []
    """Cells that keep their conductance, as [row, column], counted from 0."""
    dead: Cells = []
    """Open cells, without any conductance."""
    unformed: Cells = []
    """Cells that were never formed: they conduct next to nothing and do not move."""
    unformed_siemens: Annotated[Siemens, _up_to(0.1, "a cell that was never formed hardly conducts")] = (
        defaults.UNFORMED_SIEMENS
    )
    """Conductance of a cell that was never formed."""
    read_s: Annotated[Second, Field(ge=0, le=LONGEST_S)] = defaults.READ_S
    """Time of one reading on the clock of a simulated chip, that of one column under one set of row voltages."""

    @model_validator(mode="after")
    def _effects_agree(self) -> Self:
        if self.read_noise >= 1:
            raise ConfigError(
                f"read_noise of {100 * self.read_noise:g} % must be below 100 %: with more no reading says anything; "
                "2 % is written 0.02 or '2 %'"
            )
        for one, other in combinations(("unformed", "stuck", "dead"), 2):
            for cell in getattr(self, one):
                if cell in getattr(self, other):
                    raise ConfigError(f"cell {at(*cell)} is both {one} and {other}; name it once")
        if 0 < self.step_variation < LEAST_VARIATION:
            raise ConfigError(
                f"step_variation {self.step_variation:g} is below {LEAST_VARIATION:g}, which nobody could see; write 0"
            )
        if self.relaxation_law == "logarithmic" and self.relaxation_exponent != 1:
            raise ConfigError("relaxation_exponent belongs to the stretched law, relaxation_law is 'logarithmic'")
        return self

    def numbers(self) -> dict[str, Any]:
        """Return the effects that are no lists of cells, as the keywords of `SimulatedBackend`."""
        return {name: getattr(self, name) for name in Effects.model_fields if name not in CELL_LISTS}

    def check_companions(self, said: Collection[str]) -> None:
        """Refuse, by a ConfigError, a key that a person wrote and that says more of an effect which nothing says.

        Where settings are swept this is not asked: the effect may come with the point.
        """
        for key, effect in COMPANIONS.items():
            if key in said and effect not in said and not getattr(self, effect):
                raise ConfigError(f"{key} does nothing without {effect}; give that too, or leave {key} out")

    def strong(self) -> list[str]:
        """Return the keys of the effects that are on, for whoever must refuse them."""
        return [name for name in (*STRENGTHS, *CELL_LISTS) if getattr(self, name)]
