"""Nonsense from outside: bench files, curves, run records, answers of instruments, command lines.

Whatever comes in, what comes out is a result or one sentence of ours. The short profile takes a few hundred inputs;
``CROSSBAR_HIL_INPUTS=5000 pytest -m campaign -s tests/campaigns/test_fuzz.py`` takes so many of each kind.
"""

import json
import os
import shutil
import subprocess
from collections import Counter
from contextlib import suppress

import numpy as np
import pytest
from pymeasure.adapters import ProtocolAdapter

from crossbar_hil.bench.file import load_bench
from crossbar_hil.errors import CrossbarError
from crossbar_hil.instrument import Identity, Reading, SourceMeter, SourceSettings
from crossbar_hil.instruments.keithley707b import Keithley707B
from crossbar_hil.instruments.keithley2400 import Keithley2400
from crossbar_hil.instruments.keithley2450 import Keithley2450
from crossbar_hil.instruments.keithley2600 import Keithley2602B
from crossbar_hil.instruments.keithley3706a import Keithley3706A
from crossbar_hil.instruments.keithley7001 import Keithley7001
from crossbar_hil.instruments.keysight34980a import Keysight34980A
from crossbar_hil.instruments.keysightb2200a import KeysightB2200A
from crossbar_hil.instruments.keysightb2900 import KeysightB2902A
from crossbar_hil.runs.audit.verification import verify_run
from crossbar_hil.runs.store import load_run
from crossbar_hil.shipped import data_file, shipped
from crossbar_hil.sim_backend import ConductanceCurve

from ..forking import FORKED

INPUTS = int(os.environ.get("CROSSBAR_HIL_INPUTS", "5000"))
FEW = 40
PIECES = (
    *(
        "0",
        "-1",
        "1e400",
        "nan",
        "inf",
        "-0.0",
        "1e-320",
        "9.91e37",
        '"',
        "'",
        "[",
        "]",
        "{}",
        "=",
        ",",
        "\t",
        "\n",
        ";",
    ),
    *("\x00", "\ud7ff", "é", "µ", "true", "[[", "]]", "50 ms", "100 mV", "1 furlong", "../../etc/passwd", "a" * 300),
    *("#", "%s", "${HOME}", "\r", "--", "nil", "None", "1e9", "999999999999999999999"),
)


def mangled(text, rng):
    """Return a text with a few things deleted, doubled, moved or replaced."""
    for _ in range(int(rng.choice([1, 1, 1, 2, 5]))):
        where, until = sorted(int(each) for each in rng.integers(0, len(text) + 1, 2))
        until = min(until, where + 40)
        piece = PIECES[rng.integers(len(PIECES))]
        change = ("", piece, text[where:until] * 2, text[where:until][::-1], piece + text[where:until])
        text = text[:where] + change[rng.integers(len(change))] + text[until:]
    return text


def mangled_bytes(data, rng):
    """Return bytes with some flipped, cut away or added."""
    found = bytearray(data)
    for _ in range(int(rng.choice([1, 3, 30]))):
        found[int(rng.integers(len(found)))] = int(rng.integers(256))
    if rng.random() < 0.3:
        del found[int(rng.integers(len(found))) :]
    return bytes(found)


def benches(folder, count, rng):
    """Load bench files that were mangled; say how each ended."""
    tally = Counter()
    names = shipped("benches")
    for number in range(count):
        source = data_file_of(names[number % len(names)])
        path = folder / "bench.toml"
        path.write_text(mangled(source, rng), encoding="utf-8", errors="replace", newline="")
        try:
            load_bench(str(path))
        except CrossbarError as error:
            tally[type(error).__name__] += 1
        else:
            tally["taken"] += 1
    return tally


def data_file_of(name):
    return load_bench(name).as_toml()


def curves(folder, count, rng):
    """Read curve files that were mangled."""
    tally, source = Counter(), data_file("figure2a").read_text(encoding="utf-8")
    for _ in range(count):
        path = folder / "curve.csv"
        path.write_text(mangled(source, rng), encoding="utf-8", errors="replace", newline="")
        try:
            curve = ConductanceCurve.from_csv(path)
        except CrossbarError as error:
            tally[type(error).__name__] += 1
        else:
            assert np.isfinite(curve.levels_siemens).all()
            tally["taken"] += 1
    return tally


def records(run, folder, count, rng):
    """Read run folders of which one file was mangled."""
    tally = Counter()
    files = [each for each in run.iterdir() if each.is_file() and each.suffix in {".sqlite", ".toml", ".csv"}]
    for number in range(count):
        copy = folder / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(run, copy, ignore=shutil.ignore_patterns("figures", "report.html"))
        path = copy / files[number % len(files)].name
        path.write_bytes(mangled_bytes(path.read_bytes(), rng))
        try:
            found = load_run(copy)
            _ = found.result, found.bench, found.task, found.all_settings
            verify_run(found)
        except CrossbarError as error:
            tally[type(error).__name__] += 1
        else:
            tally["taken"] += 1
    return tally


class Babbler(ProtocolAdapter):
    """An instrument that answers with anything."""

    def __init__(self, rng):
        super().__init__()
        self._rng = rng

    def _write(self, command, **kwargs):
        pass

    def _write_bytes(self, content, **kwargs):
        pass

    def _read(self, **kwargs):
        good = ("0", "1", "0.00000e+00", "nil", "true\tfalse", '0,"No error"', "1.0e-7\tfalse", "1A01,1B02", "+0", "1")
        return mangled(good[self._rng.integers(len(good))], self._rng).split("\n")[0]

    def _read_bytes(self, count=-1, break_on_termchar=False, **kwargs):
        return self._read().encode("latin-1", "replace")


SETTINGS = SourceSettings(range_v=2.0, compliance_a=1e-4, range_a=1e-4, nplc=1.0)
SOURCES = (Keithley2400, Keithley2450, Keithley2602B, KeysightB2902A)
MATRICES = (Keithley707B, Keithley3706A, Keithley7001, Keysight34980A, KeysightB2200A)


def answers(count, rng):
    """Let drivers work with an instrument that answers with anything."""
    tally = Counter()
    for number in range(count):
        model = (*SOURCES, *MATRICES)[number % (len(SOURCES) + len(MATRICES))]
        box = model(Babbler(rng), name="babbler")
        if model in MATRICES:
            asked = (box.prepare, box.connected, box.identify, lambda box=box: box.changes([]))
        else:
            source = box if isinstance(box, SourceMeter) else box.source_meters()[0]
            asked = (
                lambda source=source: source.prepare(SETTINGS),
                *(source.output_is_on, source.limit_tripped, source.identify),
                lambda source=source: source.pulse_memory("campaign"),
            )
        for question in asked:
            try:
                found = question()
            except CrossbarError as error:
                tally[type(error).__name__] += 1
            else:
                assert found is None or isinstance(found, bool | Identity | Reading | frozenset | list | tuple)
                tally["taken"] += 1
    return tally


VERBS = ("train", "resume", "verify", "runs", "show", "report", "export", "predict", "check", "read", "safe", "sweep")
OPTIONS = (
    "--bench",
    "--seed",
    "--epochs",
    "--beta",
    "--target",
    "--v0",
    "--width",
    "--curve",
    "--scale",
    "--out",
    "--to",
)


def command_lines(folder, count, rng):
    """Run command lines made of words that do not belong together, in one process, and look at the exit codes."""
    lines = []
    for _ in range(count):
        words = [VERBS[rng.integers(len(VERBS))]]
        for _ in range(int(rng.integers(0, 5))):
            words += [OPTIONS[rng.integers(len(OPTIONS))], PIECES[rng.integers(len(PIECES))].replace("\x00", "")]
        if rng.random() < 0.5:
            words.insert(1, mangled("simulated", rng).replace("\x00", ""))
        lines.append(words)
    script = (
        "import sys, json, io, contextlib\nfrom crossbar_hil.cli.verbs import main\n"
        "for words in json.load(sys.stdin):\n"
        "    sys.argv = ['crossbar-hil', *words]\n"
        "    said = io.StringIO()\n"
        "    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):\n"
        "        try: main()\n"
        "        except SystemExit as end: code = end.code\n"
        "    print(json.dumps([code, said.getvalue()]), flush=True)\n"
    )
    done = subprocess.run(
        [FORKED, "-c", script],
        input=json.dumps(lines),
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=600 + 10 * count,
        check=False,
        env={**os.environ, "HOME": str(folder)},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    tally = Counter()
    for words, line in zip(lines, done.stdout.splitlines(), strict=True):
        code, said = json.loads(line)
        assert code in {0, 1, 2, 3}, (words, code, said)
        assert "Traceback" not in said, (words, said)
        assert "--debug shows where" not in said, (words, said)
        assert code in {0, 3} or said.count("\n") <= 1, (words, said)
        tally[code] += 1
    return tally


@pytest.fixture(scope="module")
def some_run(tmp_path_factory):
    from crossbar_hil.runs.training import train_and_record

    bench = load_bench("simulated", overrides={"training": {"epochs": 3}})
    return train_and_record(bench, seed=1, out=tmp_path_factory.mktemp("runs")).folder


def tried(kind, count, run, folder):
    rng = np.random.default_rng([20261122, count])
    with suppress(FileExistsError):
        folder.mkdir()
    return {
        "bench files": lambda: benches(folder, count, rng),
        "curve files": lambda: curves(folder, count, rng),
        "run folders": lambda: records(run, folder, count, rng),
        "answers": lambda: answers(count, rng),
        "command lines": lambda: command_lines(folder, count, rng),
    }[kind]()


KINDS = ("bench files", "curve files", "run folders", "answers", "command lines")


@pytest.mark.parametrize("kind", KINDS)
def test_nonsense_is_refused_in_our_own_words(tmp_path, some_run, kind):
    assert tried(kind, FEW, some_run, tmp_path).total() >= FEW


@pytest.mark.campaign
@pytest.mark.parametrize("kind", KINDS)
def test_much_nonsense_is_refused_in_our_own_words(tmp_path, some_run, kind):
    tally = tried(kind, INPUTS, some_run, tmp_path)
    print(f"{kind}: {dict(tally)}", flush=True)  # noqa: T201 - the campaign's account
