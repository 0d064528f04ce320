"""A cell of the model of docs/chip_model.md, one pulse at a time in plain Python, written without the package."""

import csv
from pathlib import Path

TABLE = Path(__file__).parents[2] / "data" / "figure2a.csv"


def levels(amplitude_v, width_s):
    with TABLE.open(encoding="utf-8") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return [
            float(row["conductance_siemens"])
            for row in rows
            if float(row["amplitude_v"]) == amplitude_v and float(row["width_s"]) == width_s
        ]


def falling_extremes():
    with TABLE.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    down = [float(row["conductance_siemens"]) for row in rows if row["polarity"] == "depression"]
    first = [
        float(row["conductance_siemens"]) for row in rows if row["polarity"] == "depression" and row["pulse"] == "1"
    ]
    return min(down), max(first)


UP = [each - levels(2.0, 0.05)[0] for each in levels(2.0, 0.05)]
LOWEST, HIGHEST = falling_extremes()
DOWN = [(each - LOWEST) / (HIGHEST - LOWEST) * max(UP) for each in levels(-2.8, 0.05)]


class Cell:
    """Rise in siemens of a cell that starts fresh; K = 1."""

    def __init__(self):
        self.up, self.level = True, 0.0

    @property
    def rise(self):
        track = UP if self.up else DOWN
        whole = min(int(self.level), len(track) - 2)
        return track[whole] + (self.level - whole) * (track[whole + 1] - track[whole])

    def pulse(self, up):
        if up != self.up:
            sign, track, rise = (1, UP, self.rise) if up else (-1, DOWN, self.rise)
            place = next((place for place, each in enumerate(track) if sign * each >= sign * rise), None)
            if place is None or (sign * max(sign * each for each in track) <= sign * rise):
                return
            level = 0.0 if place == 0 else place - 1 + (rise - track[place - 1]) / (track[place] - track[place - 1])
            self.up, self.level = up, level
        self.level = min(self.level + 1, len(UP if self.up else DOWN) - 1)


def cell_after(pulses):
    """A cell after pulses given as (up, how many)."""
    cell = Cell()
    for up, count in pulses:
        for _ in range(count):
            cell.pulse(up)
    return cell
