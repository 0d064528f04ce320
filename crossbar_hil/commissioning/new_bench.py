"""A bench file and a pattern file for who has none yet, made from what ships; what nobody can guess is left open.

What is left open is written as `FILL_IN`, and `load_bench` names every key that still says so.
"""

import re
import shlex
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tomli_w

from crossbar_hil.bench.file import FILL_IN
from crossbar_hil.errors import ConfigError
from crossbar_hil.instrument import SwitchMatrix
from crossbar_hil.plugins import load
from crossbar_hil.shipped import data, data_file
from crossbar_hil.text import counted, printable

MOST_LINES = 64
"""Rows, or columns, of a chip for which a file is made."""
LETTERED = ("keithley707b", "keithley708b", "manual")
"""Matrices whose rows are letters; those of the others are numbers."""
PATTERNS_OF_TEMPLATE = 4, 4
"""Rows and columns that the shipped pattern set is for."""
_OPEN = {
    ("", "chip_id"): "the chip in the socket; what it has received is added up under this name",
    ("measurement", "compliance_a"): "current limit of every source, also during pulses: less than harms a cell",
    ("limits", "read_v"): 'largest voltage of a read, such as "200 mV": it must leave a cell as it is',
    ("limits", "pulse_v"): 'largest voltage of a pulse, such as "2.1 V"',
    ("limits", "width_s"): 'longest pulse, such as "60 ms"',
    ("limits", "pulses"): "most that one cell may ever get, in all runs together, such as 5000",
    ("limits", "dose_vs"): 'the same as voltage times time, such as "500 V s": 5000 pulses of 2 V and 50 ms',
}
"""What of a real bench only its owner knows, by table and key."""
_ADDRESS = "VISA address, such as GPIB0::24::INSTR or TCPIP0::192.168.0.10::5025::SOCKET"
_COMMENTS = {
    ("scheme", "read"): "# which lines are driven, and which measured: docs/bench.md",
    ("scheme", "write"): "# what cells see that are not being written: docs/bench.md",
}
_HEAD = """\
# A bench of your own, as `crossbar-hil init` made it.
# {then}, then run
#     crossbar-hil check {name}
# which names every problem and sources no voltage. Quantities may carry units ("50 ms"); plain numbers are SI.
"""
_LINE = re.compile(r"(# )?(\w+) = ([^#]*?)( *#.*)?")
_COMMENT = 32
"""Column at which comments begin."""


@dataclass(frozen=True, slots=True)
class Model:
    """An instrument that somebody has."""

    driver: str
    address: str | None = None
    """VISA resource; None if it is not known yet."""

    @classmethod
    def parse(cls, text: str) -> "Model":
        """Read ``keithley2400`` or ``keithley2400@GPIB0::24::INSTR``."""
        driver, _, address = text.strip().partition("@")
        return cls(driver.strip(), address.strip() or None)


def new_bench(
    kind: str,
    name: str,
    patterns: str,
    *,
    source: Sequence[Model] = (),
    matrix: Model | None = None,
    shape: tuple[int, int] = PATTERNS_OF_TEMPLATE,
) -> str:
    """Return the text of a bench file.

    Parameters
    ----------
    kind : str
        What its chip is to be.
    name : str
        Name that the file will have, for its first lines.
    patterns : str
        Name of the pattern file beside it.
    source : sequence of Model
        The source-measure unit, and where one has a single channel and no guard a second one, which measures; the same
        model is taken if it is not given.
    matrix : Model, optional
        The switch matrix.
    shape : tuple of int
        (R, C) of the chip.

    Raises
    ------
    ConfigError
        If a model is not known, or is not what it is named as, or the chip has an impossible size.
    """
    _check_shape(shape)
    name = printable(shlex.quote(name))  # a line break in it would end the comment
    if kind == "simulated":
        text = _filled(
            _body("benches/simulated.toml"),
            {("chip", "rows"): shape[0], ("chip", "columns"): shape[1], ("training", "patterns"): patterns},
        )
        return _HEAD.format(then="Change it line by line", name=name) + text
    if not source or matrix is None:
        raise ConfigError("a bench with instruments needs a source and a matrix: --source MODEL --matrix MODEL")
    if len(source) > 2:
        raise ConfigError(f"{len(source)} sources, at most 2 are wired: one that drives and one that measures")
    values, meter = _wiring(source, matrix, shape)
    values |= {("", "kind"): kind, ("training", "patterns"): patterns}
    if kind == "hardware":
        values |= dict.fromkeys(_OPEN, FILL_IN)
    else:
        values[("", "chip_id")] = None
    text = _body("lab_template.toml")
    if meter is not None:
        table = '\n[instruments.meter]\ndriver = ""\nresource = ""\n\n[instruments.matrix]'
        text = text.replace("\n[instruments.matrix]", table)
    text = text.replace("[chip]\n", f"[chip]\nrows = {shape[0]}\ncolumns = {shape[1]}\n")
    for place, model in (("smu", source[0]), ("meter", meter), ("matrix", matrix)):
        if model is not None:
            values |= _instrument(place, model, kind)
    then = "It rehearses on emulated instruments: change it line by line"
    if kind == "hardware":
        then = f'Put your own in place of every "{FILL_IN}", look at every other line'
    return _HEAD.format(then=then, name=name) + _filled(text, values)


def new_patterns(shape: tuple[int, int]) -> str:
    """Return the text of a pattern file for a chip of R rows and C columns: that which ships, or one to be replaced."""
    _check_shape(shape)
    if shape == PATTERNS_OF_TEMPLATE:
        return data_file("perceptron").read_text(encoding="utf-8").replace(" README.md in this folder says more.", "")
    rows, outputs = shape[0], shape[1] // 2
    lines = [
        "# Patterns to be replaced by yours: a bit for each row of the chip, a label bit for each output (pair of",
        "# columns), and train or test. Here each output has one pattern of its own, its number in ones and zeros.",
        "pattern,label,set",
    ]
    for output in range(outputs):
        label = "".join("01"[place == output] for place in range(outputs))
        lines.append(f"{output + 1:0{rows}b},{label},train")
    return "\n".join([*lines, ""])


def _check_shape(shape: tuple[int, int]) -> None:
    rows, columns = shape
    for what, lines in (("rows", rows), ("columns", columns)):
        if not 1 <= lines <= MOST_LINES:
            raise ConfigError(f"{lines} {what} must be 1 to {MOST_LINES}")
    if columns % 2:
        raise ConfigError(
            f"{columns} columns are odd; an output is the difference of two columns "
            "(for spiking tasks see docs/spiking_small.md)"
        )
    if columns // 2 >= 1 << rows:
        raise ConfigError(f"{counted(rows, 'row')} cannot tell apart patterns for {columns // 2} outputs")


def _wiring(
    source: Sequence[Model], matrix: Model, shape: tuple[int, int]
) -> tuple[dict[tuple[str, str], Any], Model | None]:
    """Return wiring and schemes for some models, and the second source if there must be one."""
    for model in source:
        if not hasattr(load("instruments", model.driver), "source_meters"):
            raise ConfigError(f"{model.driver} is no source-measure unit, but a matrix: --matrix {model.driver}")
    if not issubclass(load("instruments", matrix.driver), SwitchMatrix):
        raise ConfigError(f"{matrix.driver} is no switch matrix, but a source: --source {matrix.driver}")
    driver = load("instruments", source[0].driver)
    meter: Model | None = None
    if len(source) == 1 and getattr(driver, "two_channels", False):
        schemes, sources = ("virtual ground", "symmetric half-select"), {"drive": "smu.a", "meter": "smu.b"}
        ports = ["drive", "meter", "ground"]
    elif len(source) == 1 and getattr(driver, "has_guard", False):
        schemes, sources = ("guarded", "divider half-select"), {"drive": "smu.a"}
        ports = ["drive", "ground", "guard", "divider"]
    else:
        schemes, sources = ("virtual ground", "divider half-select"), {"drive": "smu.a", "meter": "meter.a"}
        ports = ["drive", "meter", "ground", "divider"]
        meter = source[1] if len(source) > 1 else Model(source[0].driver)
    places = string.ascii_uppercase if matrix.driver in LETTERED else "1234"
    values: dict[tuple[str, str], Any] = {
        ("wiring", "rows"): list(range(1, shape[0] + 1)),
        ("wiring", "columns"): list(range(shape[0] + 1, sum(shape) + 1)),
        ("wiring", "ports"): dict(zip(ports, places, strict=False)),
        ("wiring", "sources"): sources,
    }
    return values | {("scheme", "read"): schemes[0], ("scheme", "write"): schemes[1]}, meter


def _instrument(place: str, model: Model, kind: str) -> dict[tuple[str, str], Any]:
    table = f"instruments.{place}"
    asked = kind == "hardware" and model.driver != "manual"
    values = {(table, "driver"): model.driver, (table, "resource"): (model.address or FILL_IN) if asked else None}
    values[(table, "serial")] = None
    return values


def _body(name: str) -> str:
    """Return what ships, without the comment that it begins with."""
    lines = (data() / name).read_text(encoding="utf-8").splitlines()
    first = next(place for place, line in enumerate(lines) if not line.startswith("#"))
    return "\n".join([*lines[first:], ""])


def _filled(text: str, values: Mapping[tuple[str, str], Any]) -> str:
    """Return a bench file with some values in place of its own, by table and key; None leaves a line out."""
    table, lines = "", []
    for line in text.splitlines():
        if line.startswith("["):
            table = line.partition("]")[0].removeprefix("[")
        found = _LINE.fullmatch(line)
        where = table, found[2] if found else ""
        if found is None or found[1] or where not in values:
            lines.append(line)
            continue
        if values[where] is None:
            continue
        comment = _COMMENTS.get(where) or found[4] or ""
        if values[where] == FILL_IN:
            comment = f"# fill in: {_OPEN.get(where, _ADDRESS)}"
        said = f"{where[1]} = {_as_toml(values[where])}"
        lines.append(f"{said:<{_COMMENT - 1}} {comment.strip()}".rstrip())
    return "\n".join([*lines, ""])


def _as_toml(value: Any) -> str:
    """Write a value on one line of TOML."""
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {_as_toml(each)}' for key, each in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_as_toml, value))}]"
    return tomli_w.dumps({"it": value}).removeprefix("it = ").strip()
