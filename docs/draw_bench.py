"""Draw the wiring of the two kinds of bench: terminals, matrix, relays and lines of the chip.

python docs/draw_bench.py
"""

import numpy as np
from draw import save
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from crossbar_hil.bench.file import load_bench
from crossbar_hil.drivers.schemes.read_schemes import read_scheme

# Steps of viridis (S. van der Walt and N. Smith, CC0); every line is labelled too.
SHADES = {"drive": "#440154", "meter": "#22a884", "ground": "#888888", "guard": "#2a788e", "divider": "#7ad151"}
TERMINALS = {
    "emulated": {"drive": "HI of channel a", "meter": "HI of channel b", "ground": "LO of both"},
    "emulated-single": {"drive": "HI", "ground": "LO", "guard": "GUARD"},
}
ACTIVE, COLUMN = (True, False, False, True), 1  # the read that is shown: rows 1 and 4 into column 2
LEFT, BOX, PITCH, CHIP, TEXT = -0.9, 3.4, 0.85, -0.8, 11


def resistor(panel, x, y):
    panel.add_patch(Rectangle((x - 0.09, y - 0.14), 0.18, 0.28, facecolor="white", edgecolor="black", zorder=4))


def chip(panel, bench, colours):
    """Lines of the chip, from the matrix down: the rows turn right, the columns go straight on."""
    rows, columns = bench.wiring.rows, bench.wiring.columns
    depth = {line: CHIP - PITCH * place for place, line in enumerate(rows)}  # row 1 on top
    bottom = min(depth.values()) - 0.5
    for place, line in enumerate(rows):
        y = depth[line]
        hop = [withStroke(linewidth=7, foreground="white")]  # lines that only cross are parted by a gap
        panel.plot([line, line, columns[-1] + 0.6], [0.4, y, y], color=colours[line], linewidth=2, path_effects=hop)
        panel.text(columns[-1] + 0.7, y, f"row {place + 1}", va="center", fontsize=TEXT)
    for place, line in enumerate(columns):
        panel.plot([line, line], [0.4, bottom], color=colours[line], linewidth=2)
        panel.text(line, bottom - 0.1, str(place + 1), ha="center", va="top", fontsize=TEXT)
        for y in depth.values():
            panel.plot(line, y, "s", color="white", markeredgecolor="black", markersize=8, zorder=4)
    panel.text(columns[0] - 0.4, bottom - 0.1, "chip, column", fontsize=TEXT, ha="right", va="top")


def matrix(panel, name, bench, state):
    """Ports as horizontal lines, relays where they cross the lines of the chip; closed ones are filled."""
    lines = (*bench.wiring.rows, *bench.wiring.columns)
    ports = bench.wiring.ports
    height = {port: PITCH * (len(ports) - place) for place, port in enumerate(ports)}
    for port, y in height.items():
        panel.plot([LEFT, lines[-1] + 0.6], [y, y], color=SHADES[port], linewidth=2)
        panel.text(lines[-1] + 0.7, y, f"{ports[port]}  {port}", va="center", fontsize=TEXT)
    top = max(height.values()) + 0.35
    for line, closed in zip(lines, state, strict=True):
        panel.plot([line, line], [0.4, top], color="#aaaaaa", linewidth=1.0, zorder=0)
        panel.text(line, top + 0.05, str(line), ha="center", fontsize=TEXT)
        for port, y in height.items():
            face = SHADES[port] if port == closed else "white"
            panel.plot(line, y, "o", color=face, markeredgecolor="#222222", markersize=8, zorder=4)
    panel.text(lines[0] - 0.35, top + 0.05, f"{bench.instruments['matrix'].driver}, column", ha="right", fontsize=TEXT)
    low = min(y for port, y in height.items() if port in TERMINALS[name])
    panel.add_patch(Rectangle((LEFT - BOX, low - 0.35), BOX, max(height.values()) - low + 0.7, facecolor="#eeeeee"))
    panel.text(LEFT - BOX, low - 0.65, bench.instruments["smu"].driver, fontsize=TEXT, weight="bold")
    for port, terminal in TERMINALS[name].items():
        panel.text(LEFT - 0.1, height[port], terminal, ha="right", va="center", fontsize=TEXT)
    if "divider" in height:
        divider(panel, height)


def divider(panel, height):
    """Two equal resistors from the guard to LO, the port between them."""
    x, node, low = LEFT + 0.5, height["divider"], height["divider"] - 1.1
    panel.plot([x, x], [height["guard"], low], color="black", linewidth=1.0)
    resistor(panel, x, (height["guard"] + node) / 2)
    resistor(panel, x, node - 0.55)
    panel.plot([LEFT, LEFT + 0.5], [node, node], color="white", linewidth=2.4)  # the port begins at the node
    for step, half in enumerate((0.2, 0.13, 0.06)):
        panel.plot([x - half, x + half], [low - 0.09 * step] * 2, color="black", linewidth=1.2)
    panel.text(x + 0.3, low, "LO", fontsize=TEXT, va="center")


def wiring():
    figure = Figure(figsize=(7.4, 9.6), layout="constrained")
    titles = {"emulated": "two sources", "emulated-single": "one source with guard and divider"}
    for panel, (name, title) in zip(figure.subplots(2, 1), titles.items(), strict=True):
        bench = load_bench(name)
        scheme = read_scheme(bench.scheme.read, bench.wiring.ports)
        voltages = [[0.1 if active else 0.0 for active in ACTIVE]]
        steps = scheme.steps(np.array(voltages), (4, 4))
        state = next(step.assignment for step in steps if COLUMN in step.columns.values() and step.shares[0] > 0)
        lines = (*bench.wiring.rows, *bench.wiring.columns)
        colours = {line: SHADES[port] for line, port in zip(lines, state, strict=True)}
        matrix(panel, name, bench, state)
        chip(panel, bench, colours)
        panel.set_title(f"{title}: {bench.scheme.read}, rows 1 and 4 into column 2", fontsize=12, pad=12)
        panel.set_aspect("equal")
        panel.set_axis_off()
    save(figure, "wiring.png", dpi=100)


if __name__ == "__main__":
    wiring()
