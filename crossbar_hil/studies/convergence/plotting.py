"""Figures of sweeps and searches of chips: a curve with its band for one setting, heat maps for two."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crossbar_hil.bench.file import BENCH_FILE
from crossbar_hil.errors import DataError
from crossbar_hil.figures import REPORT
from crossbar_hil.figures.pages import Sheet, Table, write_page
from crossbar_hil.figures.panes import (
    BLACK,
    BLUE,
    COLOURS,
    GREY,
    MIDDLE,
    ORANGE,
    SMALL,
    new_axes,
    open_frame,
    whole_ticks,
)
from crossbar_hil.studies.axes import Axis
from crossbar_hil.studies.convergence.counts import describe_share
from crossbar_hil.studies.convergence.sweeping import ChipSweepResult
from crossbar_hil.studies.convergence.tuning import CANDIDATES, TUNE, TUNED, TuneResult
from crossbar_hil.studies.folder import CHUNKS, GIVEN, PLAN
from crossbar_hil.studies.plotting import (
    draw_contours,
    draw_map,
    figure_of_panels,
    finish_curve,
    new_panel,
    one_or_two,
    places,
    statistic,
    write_sweep,
)

PICTURE = "tune.png"
YIELDS = (50.0, 90.0, 95.0, 99.0)
"""Yields at which contours are drawn, in per cent."""
_CONVERGE, _EPOCHS = "Chips that converge", "Median epochs of these"


def draw_sweep(result: ChipSweepResult) -> Figure | None:
    """Draw the map of one or two settings; None if more vary, which a plane cannot show."""

    def plots(vary: int) -> Sequence[Callable[[Axes], object]]:
        later = _later(result) if vary == 2 else ()
        return [
            partial(plot_yield, result),
            partial(plot_epochs, result),
            *(partial(plot_met_later, result, name) for name in later),
        ]

    return figure_of_panels(result.sweep.axes, _said(result), plots)


def write_figures(result: ChipSweepResult | TuneResult, folder: Path, told: Sequence[str] = ()) -> None:
    """Write the figure of a sweep or a search and its report into its folder, over those that it wrote before.

    Parameters
    ----------
    result : ChipSweepResult or TuneResult
        What came of it.
    folder : Path
        Its folder.
    told : sequence of str
        What a person was told of a search.
    """
    if isinstance(result, ChipSweepResult):
        write_sweep(result, draw_sweep(result), folder, [f"{GIVEN}/{BENCH_FILE}"])
        return
    settings = [
        [str(key), f"{value:g}" if isinstance(value, float) else str(value)] for key, value in result.settings.items()
    ]
    sheet = Sheet(
        "Search for settings",
        f"{result.tune.chips} fresh simulated chips, seed {result.tune.seed}",
        tables=[Table("What was found", [line.split(maxsplit=1) for line in told]), Table("Settings", settings)],
        figures=[("What was tried, and how fresh chips converge", draw_tune(result))],
        files=[TUNE, CANDIDATES, PLAN, CHUNKS, f"{TUNED}/{BENCH_FILE}", f"{GIVEN}/{BENCH_FILE}"],
    )
    write_page(sheet, folder / REPORT, pictures=[folder / PICTURE], replace=True)


def plot_yield(result: ChipSweepResult, ax: Axes | None = None) -> Axes:
    """Draw the share of chips that converge over one or two settings.

    Raises
    ------
    DataError
        If more settings vary.
    """
    axes, rows = one_or_two(result.sweep.axes), result.rows()
    ax = ax or new_panel(axes)
    shares = statistic(rows, "yield", 100)
    if len(axes) == 2:
        draw_map(ax, axes, shares, _CONVERGE, "%", better="much", high=100.0)
        draw_contours(ax, axes, shares, YIELDS)
        return ax
    at = places(axes[0])
    low, high = (statistic(rows, f"yield_{end}", 100) for end in ("low", "high"))
    ax.fill_between(at, low, high, color=BLUE, alpha=0.2, label="95 % interval")
    ax.plot(at, shares, ".-", color=BLUE, label="converge")
    ax.set(ylabel=f"{_CONVERGE} (%)", ylim=(-2, 102))
    for (name, title), colour in zip(_later(result).items(), COLOURS[1:], strict=False):
        met = statistic(rows, f"{name}_met", 100 / rows[0]["chips"])
        ax.plot(at, met, ".--", color=colour, label=f"still met {title}")
    ax.legend(frameon=False, fontsize=SMALL)
    return finish_curve(ax, axes[0])


def plot_epochs(result: ChipSweepResult, ax: Axes | None = None) -> Axes:
    """Draw the epochs of the chips that converge over one or two settings: their median, of one the spread too.

    Raises
    ------
    DataError
        If more settings vary.
    """
    axes, rows = one_or_two(result.sweep.axes), result.rows()
    ax = ax or new_panel(axes)
    medians = statistic(rows, "epochs_50")
    if len(axes) == 2:
        draw_map(ax, axes, medians, _EPOCHS, "epochs", better="little")
        return ax
    at = places(axes[0])
    ends = statistic(rows, "epochs_5"), statistic(rows, "epochs_95")
    ax.fill_between(at, *ends, color=GREY, alpha=0.2, label="5 to 95 %")
    ax.plot(at, medians, ".-", color=BLACK, label="median")
    ax.plot(at, statistic(rows, "epochs_mean"), "--", color=GREY, label="mean")
    ax.set_ylabel("Epochs of these")
    ax.set_ylim(bottom=0)
    ax.legend(frameon=False, fontsize=SMALL)
    return finish_curve(ax, axes[0])


def plot_met_later(result: ChipSweepResult, later: str, ax: Axes | None = None) -> Axes:
    """Draw the share of converged chips that still meet every target later: ``"fresh"`` or such as ``"drift_0.03"``.

    Raises
    ------
    DataError
        If more than two settings vary, or nothing of that name was counted.
    """
    axes, rows, known = one_or_two(result.sweep.axes), result.rows(), _later(result)
    if later not in known:
        raise DataError(f"no {later!r} was counted in this sweep; there is {', '.join(known) or 'nothing of later'}")
    ax = ax or new_panel(axes)
    met, title = statistic(rows, f"{later}_share", 100), f"Of these, met {known[later]}"
    if len(axes) == 2:
        draw_map(ax, axes, met, title, "%", better="much", high=100.0)
        return ax
    ax.plot(places(axes[0]), met, ".-", color=BLUE)
    ax.set(ylabel=f"{title} (%)", ylim=(-2, 102))
    return finish_curve(ax, axes[0])


def draw_tune(result: TuneResult) -> Figure:
    """Draw what a search tried, and how fresh chips converge with what it found."""
    searched = bool(_searched(result))
    figure = Figure(figsize=(6.6, 6.4 if searched else 3.0), layout="constrained")
    drawn = figure.subplots(1 + searched, 1, squeeze=False, height_ratios=[1.3, 1] if searched else [1])[:, 0]
    if searched:
        plot_search(result, drawn[0])
    plot_convergence(result, drawn[-1])
    return figure


def plot_search(result: TuneResult, ax: Axes | None = None) -> Axes:
    """Draw how good the settings were that a search tried first, and where what it found lies among them.

    Raises
    ------
    DataError
        If no setting was searched.
    """
    axes = _searched(result)[:2]
    if not axes:
        raise DataError("no setting was searched, each was held at one value")
    ax = ax or new_axes((6.6, 3.8))
    names = [axis.key for axis in result.tune.axes]
    which = [names.index(axis.key) for axis in axes]
    shares = np.full([len(axis.values) for axis in axes], np.nan)
    for number, tried in result.tried:
        if number == 1:
            place = tuple(axis.values.index(tried.values[each]) for axis, each in zip(axes, which, strict=True))
            shares[place] = np.fmax(shares[place], 100 * tried.counts.lasting / tried.counts.chips)
    title = f"Chips that converge and {_held(result)}"
    found = [_place(axis, result.found.values[each]) for axis, each in zip(axes, which, strict=True)]
    if len(axes) == 2:
        draw_map(ax, axes, shares, title, "%", better="much", high=100.0)
        ax.plot(
            found[1], found[0], "o", markersize=18, markerfacecolor="none", markeredgecolor=ORANGE, markeredgewidth=2
        )
        ax.set_title(f"{title}, in %; ring: what was found", fontsize=10)
        return ax
    at = places(axes[0])
    ax.plot(at, shares, ".-", color=BLUE)
    ax.axvline(float(np.interp(found[0], np.arange(len(at)), at)), color=ORANGE, linewidth=2, label="found")
    ax.set(ylabel=f"{title} (%)", ylim=(-2, 102))
    ax.legend(frameon=False, fontsize=SMALL)
    return finish_curve(ax, axes[0])


def plot_convergence(result: TuneResult, ax: Axes | None = None) -> Axes:
    """Draw the share of fresh chips that have converged by each epoch with the settings that were found."""
    ax = ax or new_axes((6.6, 3.0))
    fresh = result.fresh
    epochs = [0, *(epoch for epoch, _ in fresh.epochs), result.bench.training.epochs]
    shares = np.cumsum([0, *(chips for _, chips in fresh.epochs), 0]) * 100 / fresh.chips
    ax.step(epochs, shares, where="post", color=BLUE, linewidth=1.8, label="have converged by that epoch")
    held = 100 * fresh.lasting / fresh.chips
    ax.axhline(held, color=ORANGE, linewidth=1.2, linestyle="--", label=f"converge and {_held(result)}: {held:.3g} %")
    ax.set(xlabel="Epoch", ylabel=f"Of {fresh.chips} fresh chips (%)", ylim=(-2, 102))
    ax.set_xlim(0, result.bench.training.epochs)
    ax.set_title(f"Settings found: {describe_share(fresh)}", fontsize=10)
    ax.legend(frameon=False, fontsize=MIDDLE, loc="lower right")
    open_frame(ax)
    whole_ticks(ax.xaxis, 10)
    return ax


def _searched(result: TuneResult) -> list[Axis]:
    """Return the axes of a search that have more than one value, gain and target first."""
    return [axis for axis in result.tune.axes if len(axis.values) > 1]


def _held(result: TuneResult) -> str:
    """Say what the chips were asked for after they had converged."""
    drifts = result.tune.drifts
    return (
        f"still answer right after a drift of {100 * max(drifts):g} %" if drifts else "meet every target when read anew"
    )


def _place(axis: Axis, value: Any) -> float:
    """Return where a value lies among those of an axis, counted from 0; between two if it is none of them."""
    if value in axis.values or not axis.is_number:
        return float(axis.values.index(value))
    at = places(axis)
    order = np.argsort(at)
    return float(np.interp(float(value), at[order], order))


def _said(result: ChipSweepResult) -> str:
    return f"{result.sweep.chips} simulated chips a point"


def _later(result: ChipSweepResult) -> dict[str, str]:
    """Return what was seen of converged chips afterwards, by name."""
    names: Sequence[str] = list(result.rows()[0])
    drifts = [name.removesuffix("_met") for name in names if name.startswith("drift_") and name.endswith("_met")]
    titles = {name: f"after drift of {100 * float(name.removeprefix('drift_')):g} %" for name in drifts}
    return {**({"fresh": "on a fresh read"} if result.sweep.noisy else {}), **titles}
