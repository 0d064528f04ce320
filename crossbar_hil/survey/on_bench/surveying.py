"""The survey of the chip on a bench: what healthy cells of its kind conduct, and the file that is written of it."""

import hashlib
import math
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np

from crossbar_hil import defaults
from crossbar_hil.backend import DeviceBackend, Pulse
from crossbar_hil.bench.file import WITHIN_95, Bench, Chip
from crossbar_hil.bench.virtual_chips import end_siemens, start_range
from crossbar_hil.errors import ConfigError, LimitError
from crossbar_hil.plugins import load
from crossbar_hil.shipped import data_file
from crossbar_hil.spent import chip_key
from crossbar_hil.survey.file import BadCell, Cells, How, Source, read_cells
from crossbar_hil.survey.judging import FAR, SHORTED, SIGMAS, STUCK_HIGH, UNCLEAR, Healthy
from crossbar_hil.survey.surveying import Probe, Survey, check_reads
from crossbar_hil.text import counted, quantity
from crossbar_hil.twins.file import read_twin


def healthy_of(bench: Bench) -> Healthy | None:
    """Return what healthy cells of the kind on a bench conduct, by its curve; None if it names none.

    Starts and rises are taken to the ends of `SIGMAS` of their spread.

    Raises
    ------
    CrossbarError
        If the curve or a map cannot be read.
    """
    chip = bench.chip
    if chip is None or (bench.kind == "hardware" and not {"curve", "twin"} & chip.model_fields_set):
        return None
    chip = chip.resolved
    if chip.twin is not None:
        twin = read_twin(data_file(chip.twin))
        low, most = twin.start_range()[0], twin.largest_siemens()
        return Healthy(low, (low + most) / 2, most, most - low, f"the twin {data_file(chip.twin).name}")
    curve = load("curves", "measured").of_device(chip.curve_file, chip.curve_pulse, smoothed=chip.smoothed)
    start = float(curve.levels_siemens[0])
    low, high = start_range(chip.model_copy(update={"start": None, **_without_map(chip)}), start)
    rise = chip.k * float(curve.for_pulse(bench.training.pulse).span)
    middle = math.sqrt(low * high) + rise / 2
    wider = (high / low) ** ((SIGMAS / WITHIN_95 - 1) / 2)
    low = min(low / wider, chip.k * max(float(curve.levels_siemens.min()), 0.0) or low)
    spread = chip.model_copy(update={"step_spread": chip.step_spread * SIGMAS / WITHIN_95})
    high = end_siemens(spread, high * wider, rise)
    return Healthy(low, min(max(middle, low), high), high, rise, f"the curve {chip.curve_file.name}, K = {chip.k:g}")


def check_survey(bench: Bench, reads: int, probe: Probe | None) -> None:
    """Refuse what a survey of the chip on a bench could not do, before anything is opened or asked.

    Raises
    ------
    DataError
        If the number of readings makes no sense.
    LimitError
        If a pulse is beyond the limits of the bench, or the curve of a virtual chip holds none of its kind.
    """
    check_reads(reads)
    kinds = [] if probe is None else [("--amplitude", "--width", probe.up), ("--depress", "--width", probe.down)]
    curve, chip = None, bench.chip
    if probe is not None and bench.kind != "hardware" and chip is not None and chip.twin is None:
        chip = chip.resolved
        curve = load("curves", "measured").of_device(chip.curve_file, chip.curve_pulse, smoothed=chip.smoothed)
    for height, width, pulse in kinds:
        if pulse is None:
            continue
        if bench.limits is not None:
            for option, value, key, unit in (
                (height, abs(pulse.amplitude_v), "pulse_v", "V"),
                (width, pulse.width_s, "width_s", "s"),
            ):
                most = getattr(bench.limits, key)
                if value > most:
                    raise LimitError(
                        f"a pulse of {pulse} exceeds {key} = {most:g} {unit} in [limits] of bench {bench.name}: give "
                        f"{option} of at most {most:g} {unit}, or raise that limit; nothing was sent"
                    )
        if curve is not None:
            curve.for_pulse(pulse)


def _without_map(chip: Chip) -> dict[str, float]:
    """Return what takes the place of a start map, whose cells may be bad ones: a spread about the curve."""
    return {} if chip.start is None else {"device_spread": defaults.DEVICE_SPREAD}


def cells_of(
    found: Survey, bench: Bench, backend: DeviceBackend, seed: int, read_v: float, probe: Probe | None
) -> Cells:
    """Return the file of a survey of the chip on a bench."""
    rows, columns = backend.shape
    source = Source(
        bench=bench.name,
        bench_sha256=hashlib.sha256(bench.as_toml().encode()).hexdigest(),
        kind=backend.kind,  # type: ignore[arg-type]
        chip_id=bench.chip_id if backend.kind == "hardware" else None,
        seed=seed if bench.draws_chip else None,
        made_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        version=version("crossbar-hil"),
        conditions=bench.conditions,
    )
    pulses = {} if probe is None else _pulses(probe.pulses, probe.up, probe.down)
    healthy = found.healthy
    how = How(
        read_v=read_v,
        reads=found.reads,
        read_noise=found.before.noise,
        sigmas=SIGMAS,
        low_siemens=healthy.low_siemens,
        middle_siemens=healthy.middle_siemens,
        high_siemens=healthy.high_siemens,
        rise_siemens=healthy.rise_siemens,
        healthy=healthy.source,
        sent=int(found.potentiating.sum() + found.depressing.sum()),
        **pulses,  # type: ignore[arg-type]
    )
    bad = [
        BadCell(
            row=row + 1,
            column=column + 1,
            verdict=str(found.verdicts[row, column]),  # type: ignore[arg-type]
            siemens=float(found.before.means[row, column]),
            error_siemens=float(found.before.errors[row, column]),
            first_rise_siemens=None if found.rises is None else float(found.rises[row, column]),
            potentiating=int(found.potentiating[row, column]),
            depressing=int(found.depressing[row, column]),
        )
        for row, column in np.ndindex(backend.shape)
        if found.verdicts[row, column]
    ]
    return Cells(
        rows=rows,
        columns=columns,
        siemens=found.after.means.tolist(),
        changed_siemens=float(np.abs(found.after.means - found.before.means).max()) if probe is not None else 0.0,
        notes=notes_of(found, bench, probe),
        source=source,
        survey=how,
        cell=bad,
    )


def _pulses(pulses: int, up: Pulse, down: Pulse | None) -> dict[str, float]:
    lower = {} if down is None else {"depress_v": down.amplitude_v, "depress_s": down.width_s}
    return {"pulses": pulses, "amplitude_v": up.amplitude_v, "width_s": up.width_s, **lower}


def notes_of(found: Survey, bench: Bench, probe: Probe | None) -> list[str]:
    """Say what a survey could not tell, and what it left behind."""
    told = []
    if probe is None:
        told.append(
            "readings alone cannot tell a stuck or a weak cell from one that moves: --pulses N sends at most N pulses "
            "of a kind to a cell"
        )
    elif probe.down is None and (found.verdicts == STUCK_HIGH).any():
        told.append("without a depressing pulse a cell at the end of its curve seems stuck high: --depress VOLT")
    if probe is not None and (found.verdicts == UNCLEAR).all():
        told.append("no cell moved: the pulses are too low or too short, the chip is turned round, or noise hides it")
    if (found.verdicts == UNCLEAR).any():
        told.append("unclear: more --reads, or more --pulses, tell more")
    for axis, name in ((1, "row"), (0, "column")):
        for line in np.flatnonzero((found.verdicts == "open").all(axis=axis)):
            told.append(
                f"every cell of {name} {line + 1} is open: rather its line than its cells, `check --wiring` tells"
            )
    if probe is not None:
        change = found.after.means - found.before.means
        row, column = np.unravel_index(int(np.abs(change).argmax()), change.shape)
        sent = int(found.potentiating.sum()), int(found.depressing.sum())
        told.append(
            f"{counted(sent[0], 'potentiating pulse')} and {sent[1]} depressing ones were sent; the cells conduct "
            f"{quantity(float(change.mean()), 'S')} more than before on average, {quantity(change[row, column], 'S')} "
            f"at most (row {row + 1}, column {column + 1})"
        )
    return [*told, *_hidden_by_wires(bench, found.healthy)]


def _hidden_by_wires(bench: Bench, healthy: Healthy) -> list[str]:
    """Say which shorts wires hide, as far as the bench file tells their resistance."""
    chip = bench.chip
    if chip is None:
        return []
    path = chip.farthest_ohm
    path += 2 * bench.emulation.line_ohm if bench.emulation is not None else 0.0
    if not path:
        return []
    most = 1 / path
    hides = most < FAR * healthy.high_siemens
    return [
        f"the wires to the farthest cell have {quantity(path, 'ohm')}, so it reads {quantity(most, 'S')} at most"
        + (f" and nothing there can be called {SHORTED}" if hides else "")
        + "; a shorted cell takes voltage from its row and column, whose cells then read low"
    ]


def check_cells(bench: Bench, seed: int | None) -> None:
    """Refuse a cells file of another chip, or of another size, than that of the bench; nothing is opened.

    A virtual chip may have the bad cells of a real one, or of any bench.

    Raises
    ------
    ConfigError, DataError
        Then, or if the file cannot be read.
    """
    name = bench.training.cells
    if name is None:
        return
    cells = read_cells(data_file(name))
    wired, chip = bench.wiring, bench.chip
    if wired is not None:
        cells.check_shape(name, wired.shape)
    elif chip is not None and chip.twin is None:
        cells.check_shape(name, (chip.rows, chip.columns))
    source = cells.source
    if bench.kind == "hardware":
        if source.kind != "hardware" or chip_key(source.chip_id or "") != chip_key(bench.chip_id or ""):
            raise ConfigError(
                f"cells file {name} is of {source.whose}, bench {bench.name} has chip {bench.chip_id}: survey that one"
            )
    elif source.kind != "hardware" and seed is not None and source.seed is not None and source.seed != seed:
        raise ConfigError(
            f"cells file {name} is of {source.whose}, this one is drawn with seed {seed}: give --seed {source.seed}, "
            "or survey this one"
        )
