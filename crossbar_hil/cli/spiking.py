"""The verbs ``snn train`` and ``snn test``, and what the verbs for runs do with a spiking run."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crossbar_hil.cli.common import (
    COULD_NOT,
    DONE,
    NOT_CONVERGED,
    as_json,
    out_option,
    print_json,
    printable,
    quiet_option,
    yes_option,
)
from crossbar_hil.cli.dry_runs import carried_out, check_nothing_else, dry_run_options, with_options
from crossbar_hil.errors import ConfigError

if TYPE_CHECKING:
    from crossbar_hil.runs.verification import RunVerdict
    from crossbar_hil.spiking.account import SpikingOutcome
    from crossbar_hil.spiking.runs import SpikingRun
    from crossbar_hil.spiking.settings import SpikingSettings

_cell = click.option(
    "--cell", metavar="NAME", help="Cell model, with options as in sinh:b_per_v=3; ohmic if not given."
)


def _network_options(verb: Any) -> Any:
    """Add the options that say what network it is."""
    return with_options(
        verb,
        [
            click.option(
                "--dataset", help="digits (shipped, 8 x 8), mnist, or stripes (for a device).  [default: digits]"
            ),
            click.option("--data", metavar="DIR", help="Folder with the four IDX files of MNIST."),
            click.option("--classes", metavar="0,1,2,9,5", help="Digits to learn; all ten if not given."),
            click.option("--neurons", type=int, help="Output neurons.  [default: 50; 150 for more than five classes]"),
            click.option(
                "--preset", default="tuned", show_default=True, help="published (weights 0 to 1), siemens or tuned."
            ),
            click.option("--states", type=int, help="Equally spaced states of a cell; any conductance if not given."),
            click.option("--rule", help="How an update lands on states: nearest, stochastic, carry or pulse."),
            click.option("--curve", metavar="FILE", help="With rule pulse: measured curves, such as figure2a."),
            click.option("--width", metavar="TIME", help="Width of the pulses of these curves.  [default: 50 ms]"),
            click.option("--high", metavar="SIEMENS", help="Highest conductance that cells are given."),
            click.option("--wire", metavar="OHM", help="Resistance of a wire segment."),
            _cell,
            click.option(
                "--stuck", type=float, default=0.0, help="Share of cells stuck from the start, half at either end."
            ),
            click.option(
                "--train", type=int, help="Most training images; of mnist, images of other classes count too."
            ),
            click.option("--passes", type=int, help="How often the training images are shown."),
            click.option("--steps", type=int, help="Time steps of a training image."),
            click.option("--test-steps", type=int, help="Time steps of a test image."),
        ],
    )


@click.group()
def snn() -> None:
    """Train and test spiking networks, computed or on a device."""


@snn.command()
@_network_options
@click.option("--bench", help="Train a device: shipped bench, bench file or backend; with the dataset stripes.")
@click.option("--target", type=float, help="Accuracy below which the exit code is 3.  [default: 1 on a device, else 0]")
@click.option("--seed", type=click.IntRange(min=0), help="Seed of everything; fresh if not given.")
@click.option("--label", default="", help="A word of yours, kept with the run.")
@click.option("--every", type=click.IntRange(min=1), default=250, show_default=True, help="Images between checkpoints.")
@click.option("--show", "fields", is_flag=True, help="Show receptive fields while they form.")
@click.option("--no-report", is_flag=True, help="Draw no figures and write no report.")
@quiet_option
@yes_option
@out_option
@as_json
def train(
    target: float | None,
    seed: int | None,
    label: str,
    every: int,
    fields: bool,
    no_report: bool,
    quiet: bool,
    yes: bool,
    out: Path,
    as_json: bool,
    **given: Any,
) -> None:
    """Train a spiking network, and leave a run folder with checkpoints, figures and a report.

    Stop it with Ctrl-C and go on with ``crossbar-hil resume``: the end is the same.
    """
    from crossbar_hil.bench.opening import fresh_seed  # noqa: PLC0415 - --help must not wait for what only training needs
    from crossbar_hil.spiking.session import train_spiking  # noqa: PLC0415

    if target is not None and not 0 <= target <= 1:
        raise ConfigError(f"target {target} is a share of right answers, it must lie between 0 and 1")
    bench = given.pop("bench")
    if given["dataset"] == "stripes" and bench is None:
        bench = "simulated"
    settings = _settings(bench, given)
    _ask_first(settings.bench, yes)
    seed = fresh_seed() if seed is None else seed
    with _view(quiet, fields) as view:
        outcome = train_spiking(settings, seed=seed, out=out, label=label, every=every, view=view)
    _told(outcome, no_report=no_report, as_json=as_json, target=target)


@snn.command()
@click.option(
    "--over",
    multiple=True,
    metavar="KEY=VALUES",
    help="A setting that varies: states=16,32,64, stuck=0..0.2:5 or rule=nearest,carry; any of the options below that "
    "is a single value. Once for each setting.",
)
@_network_options
@click.option("--networks", type=int, help="Networks a point, one seed after the other.  [default: 5]")
@click.option("--seed", type=click.IntRange(min=0), help="Seed of the first network of each point.  [default: 0]")
@dry_run_options
def sweep(
    over: tuple[str, ...],
    networks: int | None,
    seed: int | None,
    begun: Path | None,
    folder: Path | None,
    workers: int | None,
    scheduler: str | None,
    quiet: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Map the accuracy of computed networks over any settings.

    Every network is trained and tested as ``snn train`` would with its seed.
    """
    from rich.console import Console  # noqa: PLC0415

    from crossbar_hil.spiking.plotting import save_network_map  # noqa: PLC0415
    from crossbar_hil.spiking.sweeping import (  # noqa: PLC0415
        KIND,
        NetworkFolder,
        network_axes,
        plan_networks,
        resumed_networks,
        sweep_networks,
    )
    from crossbar_hil.studies.scheduling import make_scheduler  # noqa: PLC0415
    from crossbar_hil.studies.showing import make_show  # noqa: PLC0415
    from crossbar_hil.studies.study import check_fresh, new_folder  # noqa: PLC0415

    runner = make_scheduler(scheduler or "processes", workers)
    if begun is not None:
        unset = {"preset": "tuned", "stuck": 0.0}
        named = {name: value for name, value in given.items() if value != unset.get(name)}
        check_nothing_else(begun, {"over": over, "networks": networks, "seed": seed, "to": folder, **named})
        opened = NetworkFolder.reopen(begun, KIND)
        work = resumed_networks(opened)
    else:
        if folder is not None:
            check_fresh(folder)
        if given["dataset"] == "stripes":
            raise ConfigError("a sweep is of computed networks, the dataset stripes is for a device")
        settings = _settings(None, given)
        work = plan_networks(settings, network_axes(over), networks=5 if networks is None else networks, seed=seed or 0)
        opened = NetworkFolder.begin(folder or new_folder("snn-sweep"), work.plan())
    show = make_show(Console(stderr=True), quiet=quiet, noun="networks")
    carried_out(lambda: sweep_networks(work, opened, runner, show, save_network_map), opened.path, as_json)


@snn.command("test")
@click.argument("run")
@click.option("--data", metavar="DIR", help="Folder of the MNIST files, if they have moved.")
@click.option("--wire", metavar="OHM", help="Resistance of a wire segment, instead of that of the training.")
@_cell
@click.option("--stuck", type=float, default=0.0, help="Share of cells that got stuck since, half at either end.")
@click.option("--read-noise", type=float, default=0.0, metavar="SHARE", help="Relative noise of a column's current.")
@click.option("--compensate", is_flag=True, help="Let the gains of the columns make up for what the wires take.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Which cells are stuck.")
@quiet_option
@out_option
@as_json
def examine(run: str, wire: str | None, quiet: bool, out: Path, as_json: bool, **given: Any) -> None:
    """Test the network of a RUN on its test images, perhaps with faults that training did not have."""
    from crossbar_hil.errors import RunError  # noqa: PLC0415
    from crossbar_hil.spiking.runs import find_spiking  # noqa: PLC0415
    from crossbar_hil.spiking.session import examine_spiking  # noqa: PLC0415

    found = find_spiking(run, out)
    if found is None:
        raise RunError(f"run {run!r} is no spiking run in {out}")
    with _view(quiet) as view:
        result = examine_spiking(found, wire_ohm=_quantity(wire, "ohm"), view=view, **given)
    if as_json:
        print_json(
            run=str(found.folder),
            kind="simulated",
            accuracy=result.accuracy,
            silent=result.silent,
            images=result.images,
            classes=result.classes.tolist(),
            confusion=result.confusion.tolist(),
        )
    else:
        click.echo(_accuracy(result.accuracy, result.images, result.silent))


def spiking(run: str, out: Path) -> "SpikingRun | None":
    """Return the spiking run that a person means, None if it is another kind of run."""
    from crossbar_hil.spiking.runs import find_spiking  # noqa: PLC0415

    return find_spiking(run, out)


def resume(run: "SpikingRun", *, quiet: bool, yes: bool, no_report: bool, as_json: bool) -> None:
    """Go on with a spiking run."""
    from crossbar_hil.spiking.session import resume_spiking  # noqa: PLC0415

    if run.about["kind"] == "hardware" and not yes:
        _confirm(f"run {run.name} goes on with pulses to the chip")
    with _view(quiet) as view:
        outcome = resume_spiking(run, view=view)
    _told(outcome, no_report=no_report, as_json=as_json, fresh=True)


def listed(out: Path) -> list[dict[str, Any]]:
    """Return what the list of runs says of each spiking run."""
    from crossbar_hil.spiking.runs import list_spiking  # noqa: PLC0415

    return [run.about for run in list_spiking(out)]


def show(run: "SpikingRun", as_json: bool) -> None:
    """Print what a spiking run's folder says of it."""
    if as_json:
        print_json(**{"run": str(run.folder), **run.about})
        return
    for name, value in run.about.items():
        shown = ", ".join(f"{key} {each}" for key, each in value.items()) if isinstance(value, dict) else str(value)
        click.echo(f"{name:17}{printable(shown)}")


def verify(run: "SpikingRun") -> "RunVerdict":
    """Check the journal of a spiking run on a bench with instruments."""
    from crossbar_hil.runs.verification import verify_folder  # noqa: PLC0415

    about = run.about
    return verify_folder(run.folder, kind=about["kind"], status=about["status"], recorded=about.get("pulses", 0))


def report(run: "SpikingRun", folder: Path | None = None, *, fresh: bool = False) -> Path:
    """Write the report of a spiking run unless it is there; a fresh one takes the place of that."""
    from crossbar_hil.runs.report import REPORT  # noqa: PLC0415
    from crossbar_hil.spiking.report import make_spiking_report  # noqa: PLC0415

    written = run.folder / REPORT
    if folder is None and written.exists() and not fresh:
        return written
    return make_spiking_report(run, folder, replace_old=fresh)


def _told(
    outcome: "SpikingOutcome", *, no_report: bool, as_json: bool, target: float | None = None, fresh: bool = True
) -> None:
    """Say how a training ended, and exit accordingly."""
    run, about = outcome.run, outcome.run.about
    done = outcome.status == "done"
    page = report(run, fresh=fresh) if done and not no_report else None
    if as_json:
        print_json(
            run=str(run.folder),
            kind=outcome.kind,
            status=outcome.status,
            accuracy=about.get("accuracy"),
            silent=about.get("silent"),
            images=about.get("images"),
            spikes=about.get("spikes", 0),
            shown=about.get("shown", 0),
            reads=about.get("reads"),
            pulses=about.get("pulses"),
            reason=outcome.reason,
            safe=outcome.safe["confirmed"] if outcome.safe is not None else None,
            seed=about["seed"],
            report=str(page) if page else None,
        )
    else:
        if not done:
            told = f"{outcome.reason}; what was done is kept, go on with: crossbar-hil resume {run.folder}"
            click.echo(printable(told))
        else:
            click.echo(_accuracy(about["accuracy"], about["images"], about["silent"]))
            sent = f", {about['reads']} vectors read, {about['pulses']} pulses sent" if about.get("reads") else ""
            click.echo(f"{about['spikes']} output spikes in {about['shown']} images{sent}, seed {about['seed']}")
        click.echo(f"run     {run.folder}")
        if page:
            click.echo(f"report  {page}")
    if not done:
        raise click.exceptions.Exit(COULD_NOT)
    wanted = target if target is not None else (1.0 if run.settings.bench else 0.0)
    raise click.exceptions.Exit(DONE if about["accuracy"] >= wanted else NOT_CONVERGED)


def _accuracy(accuracy: float, images: int, silent: int) -> str:
    return f"accuracy {100 * accuracy:.2f} % of {images} test images, {silent} of them silent and counted as wrong"


def _settings(bench: str | None, given: dict[str, Any]) -> "SpikingSettings":
    """Return the settings that the options of `_network_options` mean, of a computed network or of a device."""
    from crossbar_hil.spiking.settings import SpikingSettings  # noqa: PLC0415

    own = {"dataset", "classes", "wire", "width", "high"}
    more = {name: value for name, value in given.items() if name not in own}
    if given["width"] is not None:
        more["width_s"] = _quantity(given["width"], "s")
    return SpikingSettings(
        dataset=given["dataset"] or ("stripes" if bench else "digits"),
        classes=_numbers(given["classes"]),
        wire_ohm=_quantity(given["wire"], "ohm") or 0.0,
        high_siemens=_quantity(given["high"], "siemens"),
        bench=bench,
        **more,
    )


def _numbers(text: str | None) -> tuple[int, ...] | None:
    try:
        return None if text is None else tuple(int(word) for word in text.split(","))
    except ValueError:
        raise ConfigError(f"classes {text!r} must be digits with commas between them, such as 0,1,2,9,5") from None


def _quantity(text: str | None, unit: str) -> float | None:
    from crossbar_hil.quantities import si  # noqa: PLC0415

    return None if text is None else si(text, unit)


def _ask_first(bench: str | None, yes: bool) -> None:
    """Ask before a real chip is changed."""
    from crossbar_hil.bench.file import load_bench  # noqa: PLC0415

    if bench is not None and not yes and load_bench(bench).kind == "hardware":
        _confirm(f"training sends pulses to the chip on bench {bench}")


def _confirm(what: str) -> None:
    if not click.confirm(f"{what}. Go on?", err=True):
        raise click.exceptions.Exit(COULD_NOT)


def _view(quiet: bool, fields: bool = False) -> Any:
    from rich.console import Console  # noqa: PLC0415

    from crossbar_hil.spiking.showing import make_view  # noqa: PLC0415

    return make_view(Console(stderr=True), quiet=quiet, fields=fields)
