"""Instrument time of an epoch at an emulated bench, by size and by how it is read, and what that costs in noise.

A 2602B and a 3706A, lines on as many cards as they need; 1 NPLC, pulses of 50 ms. An epoch is the mean of the first
four of a training: all patterns, every cell, the pulses. The noise is measured: white noise of 1 nA is put on every
reading of the meter, and what a pattern's current then varies by, over repeated batches, is told in nA.

With several meters the first 2602B drives and measures with its second channel, and further meters are channels of more
2602Bs.

    python benchmarks/bench/bench_time.py
"""

from functools import partial
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import open_backend
from crossbar_hil.benchmarks.study import Study, main
from crossbar_hil.drivers.schemes.read_choice import choose_reading
from crossbar_hil.drivers.schemes.read_schemes import read_scheme
from crossbar_hil.shipped import data_file
from crossbar_hil.sim_backend.emulation.bench import EmulatedBench
from crossbar_hil.training.patterns import PatternSet
from crossbar_hil.training.trainer import Trainer

LETTERS = ("111010111", "101101010", "010101101")
"""z, v and n on 3 x 3 pixels, as in Prezioso et al. 2015 (doi:10.1038/nature14441)."""
NOISE_A = 1e-9
CURRENTS = 400
"""So many currents are looked at for the noise, of one pattern in repeated batches: it is then known within 4 %."""
EPOCHS = 4
CARD = 16
"""Columns of a 3730 card."""
SCHEMES = {
    "by pattern": {"read_by": "pattern"},
    "by cell": {"read_by": "cell"},
    "by cell, a zero for 4 batches": {"read_by": "cell", "zero_every": 4},
}
LINES_OHM = (10, 100, 1000)
METERS = {"meter2": ("4", "second.a"), "meter3": ("5", "second.b")}
"""Matrix row and channel of each further meter."""


def letters():
    """Return the letters and each with one pixel turned, 30 patterns of 9 bits and a bias, and their labels."""
    patterns, labels = [], []
    for number, letter in enumerate(LETTERS):
        bits = np.array([int(bit) for bit in letter])
        for turned in np.vstack([np.zeros(9, dtype=int), np.eye(9, dtype=int)]):
            patterns.append([*(bits ^ turned), 1])
            labels.append(np.eye(3, dtype=int)[number])
    return np.array(patterns), np.array(labels)


def drawn(rows, outputs, patterns):
    """Return patterns of so many bits, and labels of so many outputs."""
    rng = np.random.default_rng(1)
    return rng.integers(0, 2, (patterns, rows)), rng.integers(0, 2, (patterns, outputs))


def default_task():
    """Return the patterns that ship."""
    task = PatternSet.from_csv(data_file("perceptron"))
    return task.train, task.train_labels


TASKS = {
    "4 x 4, 6 patterns": default_task,
    "6 x 6, 8 patterns": partial(drawn, 6, 3, 8),
    "8 x 8, 16 patterns": partial(drawn, 8, 4, 16),
    "10 x 6, 30 patterns": letters,
    "16 x 16, 32 patterns": partial(drawn, 16, 8, 32),
}


def emulated(folder, rows, columns, scheme, meters=1, **chip):
    """Return the bench of a chip of some size, read in some way by so many meters."""
    lines = [[1 + line // CARD, 1 + line % CARD] for line in range(rows + columns)]
    text = files("crossbar_hil.data").joinpath("benches/emulated.toml").read_text(encoding="utf-8")
    further = dict(list(METERS.items())[: meters - 1])
    ports = {"drive": "1", "meter": "2", "ground": "3", **{port: row for port, (row, _) in further.items()}}
    sources = {"drive": "smu.a", "meter": "smu.b", **{port: channel for port, (_, channel) in further.items()}}
    text += '\n[instruments.second]\ndriver = "keithley2602b"\n' if further else ""
    for old, new in (
        ("keithley707b", "keithley3706a"),
        ("rows = [1, 2, 3, 4] ", f"rows = {lines[:rows]}"),
        ("columns = [5, 6, 7, 8] ", f"columns = {lines[rows:]}"),
        ('drive = "A", meter = "B", ground = "C"', ", ".join(f'{port} = "{row}"' for port, row in ports.items())),
        ('drive = "smu.a", meter = "smu.b"', ", ".join(f'{port} = "{channel}"' for port, channel in sources.items())),
        ('"100 uA"', '"1 mA"'),
        ("[scheme]", "\n".join(["[scheme]", *(f"{key} = {value!r}" for key, value in scheme.items())])),
        ("[emulation]", f"[emulation]\nline_ohm = {chip.pop('line_ohm', 0.0)}"),
        ("[chip]", "\n".join(["[chip]", f"rows = {rows}\ncolumns = {columns}", *chip.values()])),
    ):
        if old not in text:
            raise ValueError(f"emulated.toml holds no {old!r}")
        text = text.replace(old, new)
    path = Path(folder, "bench.toml")
    path.write_text(text, encoding="utf-8")
    return load_bench(str(path))


def epoch(task, scheme, meters=1):
    """Train for one epoch; return its instrument time, readings and relays, and the noise of a pattern's current."""
    patterns, labels = TASKS[task]()
    with TemporaryDirectory() as folder:
        bench = emulated(folder, patterns.shape[1], 2 * labels.shape[1], SCHEMES[scheme], meters)
        with (
            EmulatedBench(bench, np.random.default_rng(1), remembered=False) as served,
            open_backend(bench, seed=1, resources=served.resources) as chip,
        ):
            clock = served.world.clock
            began_s = clock.elapsed()
            training = Trainer(chip, epochs=EPOCHS + 1, check_labels=False).iterate(patterns, labels)
            epochs = [int(each.counts.sum()) for _, each in zip(range(EPOCHS), training, strict=False)]
            found = {"seconds": (clock.elapsed() - began_s) / len(epochs), "pulses": sum(epochs) / len(epochs)}
            found |= {"relays": chip.relay_operations / len(epochs)}
            found |= {"readings": chip.work_done()["readings"] / len(epochs)}
            reads = np.vstack([0.2 * patterns - 0.1, 0.1 * np.eye(patterns.shape[1])])
            choice, _ = choose_reading(
                read_scheme("virtual ground", ("drive", "meter", "ground")), reads, chip.shape[1]
            )
            found["chosen"] = "chosen" if choice.by == SCHEMES[scheme]["read_by"] else ""
            rng, measure = np.random.default_rng(2), served.world.measure

            def noisy(name):
                current_a, limited = measure(name)
                return current_a + rng.normal(0, NOISE_A), limited

            served.world.measure = noisy
            voltages = 0.2 * patterns[:1] - 0.1
            currents = np.array([chip.read_currents(voltages) for _ in range(CURRENTS // chip.shape[1])])
            found["noise_na"] = float(np.sqrt(currents.var(axis=0, ddof=1).mean()) * 1e9)
    return found


def difference(b_per_v, line_ohm):
    """Read cells that are not ohmic, on lines of some resistance, both ways; return how far apart they are."""
    patterns, _ = TASKS["8 x 8, 16 patterns"]()
    voltages, found = 0.2 * patterns - 0.1, {}
    cell = f'cell = "sinh"\ncell_options = {{ b_per_v = {b_per_v} }}'
    with TemporaryDirectory() as folder:
        for by in ("pattern", "cell"):
            bench = emulated(folder, 8, 8, {"read_by": by}, line_ohm=float(line_ohm), cell=cell)
            with (
                EmulatedBench(bench, np.random.default_rng(1), remembered=False) as served,
                open_backend(bench, seed=1, resources=served.resources) as chip,
            ):
                found[by] = chip.read_currents(voltages)
                siemens = served.world.chip.conductances
    amperes = np.sinh(b_per_v * voltages) / b_per_v
    whole = np.abs(amperes) @ siemens
    return {
        "difference": 100 * float((np.abs(found["cell"] - found["pattern"]) / whole).max()),
        "loss": 100 * float((np.abs(found["pattern"] - amperes @ siemens) / whole).max()),
    }


def studies():
    columns = {"": "{name}", "readings": "{readings:.0f}", "relays moved": "{relays:.0f}", "pulses": "{pulses:.0f}"}
    columns |= {"instrument time, s": "{seconds:.1f}", "noise, nA": "{noise_na:.2f}", "by the plan": "{chosen}"}
    return {
        "bench_time": Study(
            "2602B, 3706A, 1 NPLC, pulses of 50 ms; mean of four epochs. White noise of 1 nA in every reading.",
            columns,
            {f"{task}, {scheme}": partial(epoch, task, scheme) for task in TASKS for scheme in SCHEMES},
        ),
        "meters_time": Study(
            "10 x 6 cells, 30 patterns; 2602Bs, 3706A, 1 NPLC, pulses of 50 ms; mean of four epochs. White noise of "
            "1 nA in every reading.",
            {"": "{name}", **{told: columns[told] for told in list(columns)[1:-1]}},
            {
                f"{scheme}, {count} meter{'s' if count > 1 else ''}": partial(
                    epoch, "10 x 6, 30 patterns", scheme, count
                )
                for scheme in ("by pattern", "by cell")
                for count in (1, 2, 3)
            },
        ),
        "by_cell_exact": Study(
            "8 x 8 cells, 16 patterns, resistance between every pad and its cells; largest current of each.",
            {
                "": "{name}",
                "by cell differs by": "{difference:.2g} %",
                "lines take away": "{loss:.2g} %",
            },
            {f"sinh of {b} / V, {ohm} ohm": partial(difference, float(b), ohm) for b in (2, 10) for ohm in LINES_OHM},
        ),
    }


if __name__ == "__main__":
    main(__doc__, studies)
