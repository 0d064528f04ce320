"""Draw the pictures of the pages in docs/start, from the files and scripts that these pages show.

python docs/draw_start.py
"""

import contextlib
import csv
import io
import json
import re
import subprocess
import sys
import tempfile
import warnings
from itertools import accumulate
from pathlib import Path

from draw import DOCS, save
from matplotlib.figure import Figure

from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import make_emulated

FILE = re.compile(r"`([\w.]+)`:\n\n```\w+\n(.*?)```", re.DOTALL)
TUNED = ("beta=1.08e+07", "target=0.76")
"""What `tune` on the page found."""
SPREADS = {0.05: "#7ad151", 0.15: "#2a788e", 0.3: "#440154"}
"""Of the cells about the start of the curve, with three shades of viridis (S. van der Walt and N. Smith, CC0)."""
RED = "#c1272d"


def files(page):
    """Return the files that a page of docs/start shows, by name."""
    return dict(FILE.findall((DOCS / "start" / page).read_text(encoding="utf-8")))


def crossbar_hil(*words, folder):
    subprocess.run([sys.executable, "-m", "crossbar_hil", *words], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def bare(axes):
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, linewidth=0.4, alpha=0.4)


def curve():
    figure = Figure(figsize=(7.4, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files("curve.md").items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        crossbar_hil("curve", "measured.txt", "--to", "chip.csv", folder=folder)
        over = f"device_spread={','.join(map(str, SPREADS))}"
        fixed = [word for setting in TUNED for word in ("--set", setting)]
        chips = ("--chips", "10000", "--seed", "1", "--to", "map", "--quiet")
        crossbar_hil("sweep", "--curve", "chip.csv", *fixed, "--over", over, *chips, folder=folder)
        with (Path(folder) / "chip.csv").open(encoding="utf-8") as table:
            rows = list(csv.DictReader(line for line in table if not line.startswith("#")))
        swept = json.loads((Path(folder) / "map" / "sweep.json").read_text(encoding="utf-8"))
    left.plot([1e6 * float(row["conductance_siemens"]) for row in rows], "o-", color="#2a788e", markersize=4)
    left.set_xlabel("Pulses sent")
    left.set_ylabel("Conductance (µS)")
    left.set_title("What was measured", fontsize=10)
    for point in swept["points"]:
        spread, counts = point["device_spread"], point["counts"]
        epochs, chips = zip(*counts["epochs"], strict=True)
        learnt = [100 * each / counts["chips"] for each in accumulate(chips)]
        share = f"{learnt[-1]:.1f}".removesuffix(".0")
        name = f"cells start {100 * spread:.0f} % apart: {share} %"
        right.step([0, *epochs, 48], [0, *learnt, learnt[-1]], where="post", color=SPREADS[spread], label=name)
    right.legend(frameon=False, fontsize=9, loc="lower right")
    right.set_xlim(0, 48)
    right.set_ylim(0, 108)
    right.set_xlabel("Epoch")
    right.set_ylabel("Virtual chips that have learnt (%)")
    right.set_title("What becomes of 10,000 virtual chips of it", fontsize=10)
    for axes in (left, right):
        bare(axes)
    save(figure, "start/curve.png", dpi=122)


def events(script):
    """Run a script against an emulated bench and return what physically happened."""
    names: dict[str, object] = {}
    exec(script, names)
    with make_emulated(load_bench("emulated"), 1, proven=True) as bench, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyMeasure's own
        names["sweep"](bench.resources["smu"], bench.resources["matrix"], visa="@py")
        return bench.world.log.events


def scripts():
    script = files("scripts.md")["iv.py"]
    relays, off = (re.search(rf"( +{each}.*\n +.*\n)", script)[1] for each in ("relays.write.*allslots", "source.*OFF"))
    mended = script.replace(relays + off, off + relays)
    assert mended != script
    figure = Figure(figsize=(7.4, 3), layout="constrained")
    for axes, text, title in zip(
        figure.subplots(1, 2, sharey=True),
        (script, mended),
        ("as written", "with the two lines exchanged"),
        strict=True,
    ):
        draw_events(axes, events(text))
        axes.set_title(title, fontsize=10)
        bare(axes)
    figure.axes[0].set_ylabel("Source of row 1 (mV)")
    save(figure, "start/scripts.png", dpi=122)


def draw_events(axes, happened):
    """Draw the voltage at the terminal, when relays were closed, and what a careful bench never does."""
    sources = [(each["t"], 1e3 * each["level_v"] * each["on"]) for each in happened if each["event"] == "source"]
    relays = [each["t"] for each in happened if each["event"] == "relays"]
    end = max(each["t"] for each in happened) + 0.02
    times, levels = zip((-0.02, 0.0), *sources, (end, sources[-1][1]), strict=True)
    axes.step(times, levels, where="post", color="#2a788e")
    axes.axvspan(relays[0], relays[-1], ymax=0.09, color="0.85", linewidth=0)
    axes.annotate("relays closed", (relays[0] + 0.005, 4.5), fontsize=9, color="0.2")
    for each in happened:
        if each["event"] == "violation":
            axes.plot(each["t"], 1e3 * each["volt"], "X", color=RED, markersize=10)
            axes.annotate(
                f"{each['what']}: {1e3 * each['volt']:.0f} mV on the relay",
                (each["t"], 1e3 * each["volt"]),
                (8, 9),
                textcoords="offset points",
                ha="right",
                fontsize=9,
                color=RED,
            )
    axes.set_ylim(0, 185)
    axes.set_xlabel("Time (s)")


if __name__ == "__main__":
    curve()
    with contextlib.redirect_stderr(io.StringIO()):
        scripts()
