"""The verbs ``snn train``, ``snn test`` and ``snn sweep``."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from crossbar_hil.cli.common import (
    as_json,
    condition_options,
    confirm,
    given_tables,
    instrument_options,
    label_option,
    loading,
    no_report_option,
    out_option,
    print_json,
    quiet_option,
    run_argument,
    say_seed,
    yes_option,
)
from crossbar_hil.cli.completion import complete_bench, complete_small_task
from crossbar_hil.cli.dry_runs import check_nothing_else, dry_run_options, tell_dry_run, with_options
from crossbar_hil.cli.runs import tell_outcome
from crossbar_hil.cli.spiking_effects import EFFECTS, effect_options, read_effects, without_effects
from crossbar_hil.errors import ConfigError

if TYPE_CHECKING:
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
                "--dataset", help="What a computed network learns: digits (shipped, 8 x 8) or mnist.  [default: digits]"
            ),
            click.option("--data", metavar="DIR", help="Folder with the four IDX files of MNIST."),
            click.option("--classes", metavar="0,1,2,9,5", help="Digits to learn; all ten if not given."),
            click.option("--neurons", type=int, help="Output neurons.  [default: 50; 150 for more than five classes]"),
            click.option(
                "--preset", default="tuned", show_default=True, help="published (weights 0 to 1), siemens or tuned."
            ),
            click.option(
                "--homeostasis",
                default="paced",
                show_default=True,
                help="Thresholds rise by less where there are more images (paced), or by as much (constant).",
            ),
            click.option("--states", type=int, help="Equally spaced states of a cell; any conductance if not given."),
            click.option("--rule", help="How an update lands on states: nearest, stochastic, carry or pulse."),
            click.option("--curve", metavar="FILE", help="With rule pulse: measured curves, such as figure2a."),
            click.option("--width", metavar="TIME", help="Width of the pulses of these curves.  [default: 50 ms]"),
            click.option("--high", metavar="SIEMENS", help="Highest conductance that cells are given."),
            click.option("--wire", metavar="OHM", help="Resistance of a wire segment."),
            _cell,
            click.option(
                "--drive", default="left", show_default=True, help="Ends at which rows are driven: left or both."
            ),
            click.option(
                "--sense", default="bottom", show_default=True, help="Ends at which columns are sensed, or both."
            ),
            click.option(
                "--tiles", default="1x1", metavar="RxC", show_default=True, help="Arrays below and beside each other."
            ),
            click.option(
                "--order",
                default="input",
                show_default=True,
                help="Which row an input gets: in order, or by variance, pixels that vary most next to the sensed end.",
            ),
            click.option(
                "--gains",
                default="each",
                show_default=True,
                help="Gains against what wires take: each column, one, none.",
            ),
            click.option(
                "--renew", type=int, metavar="N", help="Renew what wires take every N images; else solve all."
            ),
            click.option("--soft", is_flag=True, help="Let changes shrink with what is left to the end of the range."),
            *effect_options(tested=False),
            click.option(
                "--seam", is_flag=True, help="Read and pulse a simulated chip through the seam: the same end, slowly."
            ),
            click.option("--twin", metavar="FILE", help="Let cells differ as those of a twin of `calibrate` do."),
            click.option(
                "--train", type=int, help="Most training images; of mnist, images of other classes count too."
            ),
            click.option("--passes", type=int, help="How often the training images are shown."),
            click.option("--steps", type=int, help="Time steps of a training image."),
            click.option("--test-steps", type=int, help="Time steps of a test image."),
        ],
    )


def _fault_options(verb: Any) -> Any:
    """Add the options that say what a test has that training did not have."""
    wait = click.option(
        "--wait", "wait_images", type=float, default=0.0, metavar="IMAGES", help="Time since the training, in images."
    )
    return with_options(verb, [*effect_options(tested=True), wait])


@click.group()
def snn() -> None:
    """Train and test spiking networks, computed or on a device."""


@snn.command()
@_network_options
@click.option(
    "--task",
    shell_complete=complete_small_task,
    help="What a device learns: a name that `tasks` lists, or a task file.  [default with --bench: stripes]",
)
@click.option(
    "--bench",
    shell_complete=complete_bench,
    help="Train a device: shipped bench, bench file or backend; with --task.  [default with --task: simulated]",
)
@click.option("--target", type=float, help="Accuracy below which the exit code is 3.  [default: 1 on a device, else 0]")
@click.option("--seed", type=click.IntRange(min=0), help="Seed of everything; fresh if not given.")
@label_option
@condition_options
@click.option("--every", type=click.IntRange(min=1), default=250, show_default=True, help="Images between checkpoints.")
@click.option("--show", "fields", is_flag=True, help="Show receptive fields while they form.")
@no_report_option
@quiet_option
@instrument_options
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
    with loading(quiet=quiet):
        from crossbar_hil.bench.opening import fresh_seed  # noqa: PLC0415 - --help must not wait for what only training needs
        from crossbar_hil.spiking.training import bench_of, train_spiking  # noqa: PLC0415

    if target is not None and not 0 <= target <= 1:
        raise ConfigError(f"target {target} is a share of right answers, it must lie between 0 and 1")
    bench = given.pop("bench")
    said = given_tables({name: given.pop(name) for name in list(given) if name.startswith("conditions__")})
    settings = _settings(*_learnt(given.pop("task"), bench, given["dataset"]), given)
    loaded = bench_of(settings)
    if loaded is not None:
        say_seed(loaded, seed, "; the spike trains alone use it")
        confirm(loaded.kind, yes, f"training sends pulses to the chip on bench {settings.bench}")
    seed = fresh_seed() if seed is None else seed
    with _view(quiet, fields) as view:
        more = {"view": view, "conditions": said.get("conditions", {})}
        outcome = train_spiking(settings, seed=seed, out=out, label=label, every=every, **more)
    tell_outcome(outcome, no_report=no_report, as_json=as_json, target=target, quiet=quiet)


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
    with loading(quiet=quiet):
        from rich.console import Console  # noqa: PLC0415

        from crossbar_hil.spiking.design import USUAL  # noqa: PLC0415
        from crossbar_hil.spiking.plotting import write_networks  # noqa: PLC0415
        from crossbar_hil.spiking.sweeping import (  # noqa: PLC0415
            KIND,
            NetworkFolder,
            network_axes,
            plan_networks,
            resumed_networks,
            sweep_networks,
        )
        from crossbar_hil.spiking.tasks.small import SmallTask  # noqa: PLC0415
        from crossbar_hil.studies.scheduling import make_scheduler  # noqa: PLC0415
        from crossbar_hil.studies.showing import make_show  # noqa: PLC0415
        from crossbar_hil.studies.study import check_fresh, new_folder  # noqa: PLC0415

    runner = make_scheduler(scheduler or "processes", workers)
    if begun is not None:
        unset = {**_UNSET, "soft": False, "seam": False, **USUAL}
        named = {name: value for name, value in given.items() if value != unset.get(name)}
        check_nothing_else(begun, {"over": over, "networks": networks, "seed": seed, "to": folder, **named})
        opened = NetworkFolder.reopen(begun, KIND)
        work = resumed_networks(opened)
    else:
        if folder is not None:
            check_fresh(folder)
        dataset = given["dataset"] or "digits"
        if dataset in SmallTask.names():
            raise ConfigError(f"a sweep is of computed networks, task {dataset} is for a device")
        axes = network_axes(over)
        # What varies has its first value, so that what goes with it is not refused for its lack.
        settings = _settings(None, dataset, given, {axis.key.name: axis.values[0] for axis in axes})
        work = plan_networks(settings, axes, networks=5 if networks is None else networks, seed=seed or 0)
        opened = NetworkFolder.begin(folder or new_folder("snn-sweep"), work.plan())
    show = make_show(Console(stderr=True), quiet=quiet, noun="networks")
    tell_dry_run(lambda: sweep_networks(work, opened, runner, show, write_networks), opened.path, as_json, quiet)


@snn.command("test")
@run_argument
@click.option("--data", metavar="DIR", help="Folder of the MNIST files, if they have moved.")
@click.option("--wire", metavar="OHM", help="Resistance of a wire segment, instead of that of the training.")
@_cell
@_fault_options
@click.option("--compensate", is_flag=True, help="Let the gains of the columns make up for what the wires take.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of all that is drawn.")
@quiet_option
@out_option
@as_json
def examine(run: str, data: str | None, wire: str | None, quiet: bool, out: Path, as_json: bool, **given: Any) -> None:
    """Test the network of a RUN on its test images, perhaps with faults that training did not have."""
    with loading(quiet=quiet):
        from crossbar_hil.runs.store import find_run  # noqa: PLC0415
        from crossbar_hil.spiking.examination import Faults, describe_accuracy  # noqa: PLC0415

        found = find_run(run, out)
    faults = Faults(wire_ohm=_quantity(wire, "ohm"), **read_effects(given), **without_effects(given))
    with _view(quiet) as view:
        view.phase("compiling what tests the network, or loading it once that was done on this machine", brief=True)
        result = found.test(faults, data=data, view=view)
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
        readout = found.facts.get("readout", "")
        click.echo(describe_accuracy(result.accuracy, result.images, result.silent, readout))


def _learnt(task: str | None, bench: str | None, dataset: str | None) -> tuple[str | None, str]:
    """Return the bench, if there is one, and what is learnt on it or by a computed network."""
    from crossbar_hil.spiking.tasks.small import SmallTask  # noqa: PLC0415

    if task is not None and dataset is not None:
        raise ConfigError(
            f"--task {task} and --dataset {dataset} cannot be given together: a device learns a task, a computed "
            "network a dataset; leave one out"
        )
    if task is not None:
        own = SmallTask.read(task).own
        task = task if own is None else str(own.resolve())
    learnt = task or dataset or ("stripes" if bench else "digits")
    return ("simulated" if bench is None and (task or learnt in SmallTask.names()) else bench), learnt


_UNSET = {"preset": "tuned", "homeostasis": "paced"}
"""What options hold that are not given, and that a device has no use for."""


def _settings(
    bench: str | None, dataset: str, given: dict[str, Any], varied: Mapping[str, Any] = MappingProxyType({})
) -> "SpikingSettings":
    """Return the settings that the options of `_network_options` mean, of a computed network or of a device.

    Those that a sweep varies, by their names there, are laid over them.
    """
    from crossbar_hil.spiking.settings import SpikingSettings  # noqa: PLC0415

    for name, usual in (*_UNSET.items(), ("width", None)):
        if bench is not None and given[name] != usual:
            raise ConfigError(f"{name} is a setting of a computed network, a device on a bench has its own")
    if given["width"] is not None and given["curve"] is None and "curve" not in varied:
        raise ConfigError(f"--width {given['width']} is that of the pulses of --curve, and does nothing without it")
    effects = read_effects(given)
    more = without_effects(given, but=("dataset", "classes", "wire", "width", "high", "twin"))
    if given["twin"] is not None:
        effects |= _like_twin(Path(given["twin"]), effects)
    if given["width"] is not None:
        more["width_s"] = _quantity(given["width"], "s")
    named = {
        "dataset": dataset,
        "classes": _numbers(given["classes"]),
        "wire_ohm": _quantity(given["wire"], "ohm") or 0.0,
        "high_siemens": _quantity(given["high"], "siemens"),
        "bench": bench,
    }
    return SpikingSettings(**{**named, **effects, **more, **varied})


def _like_twin(path: Path, given: dict[str, Any]) -> dict[str, Any]:
    """Return how the cells of a twin differ, as settings of a network; not their map, as the network is another."""
    from crossbar_hil.twins.file import read_twin  # noqa: PLC0415

    twin = read_twin(path)
    found: dict[str, Any] = {
        "step_spread": twin.numbers.step_spread.value,
        "read_noise": twin.numbers.read_noise.value,
        "stuck": len(twin.unmoving()) / (twin.rows * twin.columns),
    }
    for name in found:
        if given.get(name):
            raise ConfigError(f"{EFFECTS[name].option} {given[name]:g} cannot be given beside --twin, which says it")
    return found | ({"stuck_at": "start"} if found["stuck"] and "stuck_at" not in given else {})


def _numbers(text: str | None) -> tuple[int, ...] | None:
    try:
        numbers = None if text is None else tuple(int(word) for word in text.split(","))
    except ValueError:
        raise ConfigError(f"classes {text!r} must be digits with commas between them, such as 0,1,2,9,5") from None
    if numbers is not None and len(set(numbers)) < len(numbers):
        raise ConfigError(f"classes {text!r} name {max(numbers, key=numbers.count)} twice; give each digit once")
    return numbers


def _quantity(text: str | None, unit: str) -> float | None:
    from crossbar_hil.quantities import si  # noqa: PLC0415

    return None if text is None else si(text, unit)


def _view(quiet: bool, fields: bool = False) -> Any:
    from rich.console import Console  # noqa: PLC0415

    from crossbar_hil.spiking.showing import make_view  # noqa: PLC0415

    return make_view(Console(stderr=True), quiet=quiet, fields=fields)
