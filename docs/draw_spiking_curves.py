"""Draw learning curves of the spiking network beside other classifiers, from the results spiking_curve_*.

python docs/draw_spiking_curves.py
"""

from draw import save
from draw_spiking_results import read
from matplotlib.figure import Figure

from crossbar_hil.figures.panes import BLACK, BLUE, COLOURS, GREY, ORANGE

CURVES = {"images": "Training images", "passes": "Passes", "neurons": "Neurons"}


def draw_curve(axes, rows, heading):
    rows = list(rows.values())
    at = [row["at"] for row in rows]
    axes.errorbar(
        at, [row["mean"] for row in rows], [row["std"] for row in rows], color=BLUE, fmt="s-", markersize=4, capsize=2,
        label="network, read-out likelihood",
    )  # fmt: skip
    axes.plot(at, [row["winner"] for row in rows], "s--", color=COLOURS[5], markersize=3, label="network, winner")
    axes.plot(at, [row["k_means"] for row in rows], "o-", color=ORANGE, markersize=4, label="k-means, labelled")
    axes.plot(at, [row["neighbour"] for row in rows], "-", color=GREY, label="1-nearest neighbour")
    axes.set_xlabel(f"{heading}, five digits")


def draw_ten(axes, rows):
    rows = list(rows.values())
    at = [row["neurons"] for row in rows]
    axes.errorbar(at, [row["mean"] for row in rows], [row["std"] for row in rows], color=BLUE, fmt="s-", markersize=4)
    axes.plot(at, [row["winner"] for row in rows], "s--", color=COLOURS[5], markersize=3)
    axes.plot(at, [row["k_means"] for row in rows], "o-", color=ORANGE, markersize=4)
    axes.plot(at, [row["published"] for row in rows], "x:", color=BLACK, label="Diehl & Cook 2015")
    axes.set_xlabel("Neurons, ten digits, 60,000 images")
    axes.legend(fontsize=8, loc="lower right")


def main():
    figure = Figure(figsize=(9, 6.4), layout="constrained")
    panels = figure.subplots(2, 2)
    for axes, (name, heading) in zip(panels.flat, CURVES.items(), strict=False):
        draw_curve(axes, read(f"spiking_curve_{name}"), heading)
        if name != "passes":
            axes.set_xscale("log")
    draw_ten(panels[1, 1], read("spiking_referee_ten"))
    panels[1, 1].set_xscale("log")
    panels[0, 0].legend(fontsize=8, loc="lower right")
    for axes in panels.flat:
        axes.grid(alpha=0.3)
        axes.set_ylim(70, 100)
    for axes in panels[:, 0]:
        axes.set_ylabel("Test images answered rightly (%)")
    save(figure, "spiking_curves.png")


if __name__ == "__main__":
    main()
