"""Messages to instruments: how many a training takes on emulated benches, and for what.

Each bench trains the chip of seed 6 with the published rule behind its guard, as `train` does, and records its VISA
exchanges. A line that is sent counts as a message, answered or not.

    python benchmarks/speed/messages.py
"""

import json
import re
import subprocess
import sys
from collections import Counter
from functools import partial
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from crossbar_hil.benchmarks.study import Study, main

TRAIN = ("train", "--seed", "6", "--pull-back", "yes", "--no-report", "--quiet", "--json")
DUAL = ("keithley2602b", "keithley707b", 'drive = "A", meter = "B", ground = "C"')
ROWS = 'drive = "1", meter = "2", ground = "3"'
BENCHES = {
    "2602B, 707B: `emulated`": ("emulated", DUAL, DUAL),
    "2602B, 3706A": ("emulated", DUAL, ("keithley2602b", "keithley3706a", ROWS)),
    "2602B, 7002": ("emulated", DUAL, ("keithley2602b", "keithley7002", ROWS)),
    "B2902A, 34980A": ("emulated", DUAL, ("keysightb2902a", "keysight34980a", ROWS)),
    "2400, 7001: `emulated-single`": ("emulated-single", (), ()),
    "two 2450, 7001": (
        "emulated-single",
        (
            '[instruments.smu]\ndriver = "keithley2400"',
            'ports = { drive = "1", ground = "2", guard = "3", divider = "4" }\nsources = { drive = "smu.a" }',
            'read = "guarded"',
            'compliance_a = "100 uA"\nrange_a = "100 uA"',
        ),
        (
            '[instruments.left]\ndriver = "keithley2450"\n[instruments.right]\ndriver = "keithley2450"',
            'ports = { drive = "1", meter = "2", ground = "3", divider = "4" }\n'
            'sources = { drive = "left.a", meter = "right.a" }',
            'read = "virtual ground"',
            'compliance_a = "10 mA"\nrange_a = "10 mA"',
        ),
    ),
}
"""The shipped bench, and what of its file is replaced by what."""
BEFORE = {
    "2602B, 707B: `emulated`": 8775,
    "2602B, 3706A": 8775,
    "2602B, 7002": 10267,
    "B2902A, 34980A": 14996,
    "2400, 7001: `emulated-single`": 11300,
    "two 2450, 7001": 14734,
}
"""Messages of the same trainings at commit f13e53c, counted where its transport writes to the socket."""
KINDS = {
    "pulses": re.compile(r"crossbar_hil_pulse\(|:LIST:VOLT [^;]|TRIG:LOAD|:INIT|:FETC|FUNC:SHAP|VOLT:MODE FIX;"),
    "readings": re.compile(r"measure\.i\(|:READ\?|:MEAS\?|levelv=\S+ print|:VOLT \S+;:SOUR.?:VOLT\?"),
}
"""What a message to a source is for, if it is not for its settings."""


def messages(name):
    """Train on a bench and count what was sent."""
    shipped, old, new = BENCHES[name]
    with TemporaryDirectory() as folder:
        text = files("crossbar_hil.data").joinpath(f"benches/{shipped}.toml").read_text(encoding="utf-8")
        for before, after in zip(old, new, strict=True):
            if before not in text:
                raise ValueError(f"{shipped}.toml holds no {before!r}")
            text = text.replace(before, after)
        bench, recording = Path(folder, "bench.toml"), Path(folder, "visa.jsonl")
        bench.write_text(text, encoding="utf-8")
        command = [str(Path(sys.executable).with_name("crossbar-hil")), *TRAIN, "--bench", str(bench)]
        said = subprocess.run(
            [*command, "--record-visa", str(recording), "--out", folder], check=True, capture_output=True, text=True
        ).stdout
        epochs, found, names = json.loads(said)["epochs"], Counter(), {}
        for line in recording.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            if "open" in event:
                names[event["session"]] = event["open"]
            elif "write" in event:
                of_matrix = names[event["session"]] == "matrix"
                found["relays" if of_matrix else kind_of(event["write"])] += 1
    total = found.total()
    before = BEFORE.get(name)
    return {
        "epochs": epochs,
        "messages": total,
        "an_epoch": total / epochs,
        **{kind: found[kind] / epochs for kind in ("readings", "relays", "pulses", "settings")},
        "before": before,
        "share": None if before is None else total / before,
    }


def kind_of(message):
    """Return what a message to a source is for."""
    return next((kind for kind, pattern in KINDS.items() if pattern.search(message)), "settings")


def studies():
    columns = {
        "bench": "{name}",
        "messages an epoch": "{an_epoch:.0f}",
        "readings": "{readings:.0f}",
        "relays": "{relays:.0f}",
        "pulses": "{pulses:.0f}",
        "settings, waits": "{settings:.0f}",
        "all of the training": "{messages:,}",
        "at f13e53c": "{before:,}",
        "share": "{share:.2f}",
    }
    about = "Seed 6, published rule, 18 epochs with 136 pulses; setting up and making safe included."
    return {"messages": Study(about, columns, {name: partial(messages, name) for name in BENCHES})}


if __name__ == "__main__":
    main(__doc__, studies)
