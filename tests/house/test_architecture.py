import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("crossbar_hil", "instruments", "drivers", "sim_backend", "data")
PLUG_INS = FOLDERS[1:]
# The layers of docs/architecture.md, the lowest first; a module imports its own layer or a lower one.
LAYERS = (
    {"errors", "arrays", "array_file", "interruption", "defaults", "spent", "backend", "instrument", "witness"}
    | {"plugins", "quantities", "config", "patterns"},
    {"confidence", "encoding", "pairs", "activation", "rules", "rules.manhattan", "result", "prediction"},
    {"spiking", "spiking.encoding", "spiking.neurons", "spiking.plasticity", "spiking.states", "spiking.model"}
    | {"spiking.updates", "spiking.labels", "spiking.devices", "spiking.images"},
    {"updates", "training", "spiking.stepwise", "spiking.network", "spiking.presets"}
    | {"spiking.stripes", "spiking.settings", "spiking.backend_engine"},
    # safety
    {"guard", "guard.storage", "guard.names", "guard.chain", "guard.snapshot", "guard.inspection", "guard.journal"}
    | {"guard.ledger", "guard.lock", "guard.messages", "guard.states", "guard.replay", "guard.watch", "guard.keeper"}
    | {"guard.preflight", "guard.service", "guard.client"},
    {"served", "bench", "guard.__main__"},
    {
        "dryrun",
        "dryrun.settings",
        "dryrun.axes",
        "dryrun.counts",
        "dryrun.points",
        "dryrun.scheduling",
        "dryrun.cluster",
    }
    | {"dryrun.folder", "dryrun.counting", "dryrun.sweeping", "dryrun.searching", "dryrun.tuning", "dryrun.plotting"}
    | {"dryrun.showing", "dryrun.session"}
    | {"runs", "recording", "plotting", "progress", "report", "export", "session", "inference"}
    | {"characterisation", "checking", "verification"}
    | {
        "spiking.runs",
        "spiking.teaching",
        "spiking.account",
        "spiking.computed",
        "spiking.on_device",
        "spiking.sweeping",
        "spiking.session",
        "spiking.showing",
        "spiking.plotting",
        "spiking.report",
    },
    {"cli", "cli_common", "dry_run_cli", "snn_cli", "__main__", "testing", "pytest_plugin", "__init__"},
)
LAYER_OF = {module: number for number, layer in enumerate(LAYERS) for module in layer}
HEAVY = {"matplotlib", "numba", "scipy", "pymeasure", "pyvisa", "lupa", "xarray", "pandas", "pint", "jinja2"}


def modules(folder):
    return sorted((ROOT / folder).rglob("*.py"))


def imports(path):
    """Full names of what a file imports, relative ones resolved against its folder."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            yield ".".join((*package[: len(package) - node.level + 1], node.module or ""))
        elif isinstance(node, ast.ImportFrom):
            yield node.module


def name_in_core(path):
    parts = path.relative_to(ROOT / "crossbar_hil").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_folder_imports_a_neighbour(folder):
    for path in modules(folder):
        for name in imports(path):
            words = name.split(".")
            other = words[1] if words[0] == "crossbar_hil" and len(words) > 1 else words[0]
            assert other == folder or other not in PLUG_INS, f"{path} imports {name}"


def test_every_core_module_has_a_layer():
    assert {name_in_core(path) for path in modules("crossbar_hil")} == set(LAYER_OF)


def test_core_imports_point_down_or_stay_in_their_layer():
    for path in modules("crossbar_hil"):
        module = name_in_core(path)
        if module == "__init__":
            continue
        for name in imports(path):
            if name.startswith("crossbar_hil."):
                other = name.removeprefix("crossbar_hil.")
                assert LAYER_OF[other] <= LAYER_OF[module], f"{module} imports {other}, a layer above"


def test_only_plotting_loads_matplotlib():
    users = {
        path.name for folder in FOLDERS for path in modules(folder) if any("matplotlib" in n for n in imports(path))
    }
    assert users == {"plotting.py"}


@pytest.mark.parametrize(
    "program",
    [
        "import crossbar_hil; crossbar_hil.Trainer, crossbar_hil.open_bench, crossbar_hil.load_run",
        "import crossbar_hil.sim_backend as s; s.SimulatedBackend, s.ConductanceCurve, s.lognormal_shifts",
        "import click.testing, crossbar_hil.cli as c; click.testing.CliRunner().invoke(c.cli, ['--help'])",
        "import crossbar_hil.pytest_plugin",
    ],
)
def test_light_imports_load_nothing_heavy(program):
    check = f"{program}\nimport sys\nprint('heavy:', sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, cwd="/")
    assert done.stdout.splitlines()[-1] == "heavy: []"


def test_the_plain_import_and_the_plug_in_do_not_even_load_numpy():
    check = "import crossbar_hil, crossbar_hil.pytest_plugin, crossbar_hil.cli, sys; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, cwd="/")
    assert done.stdout.strip() == "False"


def test_every_module_says_its_idea_in_the_first_line():
    for folder in FOLDERS:
        for path in modules(folder):
            said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
            assert said, path
            assert said.splitlines()[0].endswith((".", ",", ":")) or said.splitlines()[1:], path


def test_public_names_are_those_of_the_design():
    import crossbar_hil
    import crossbar_hil.sim_backend as sim

    for name in ("DeviceBackend", "Pulse", "Limits", "Trainer", "TrainingResult", "Epoch", "open_bench", "load_run"):
        assert getattr(crossbar_hil, name).__name__ == name
    assert issubclass(crossbar_hil.CrossbarError, Exception)
    for name in ("ConductanceCurve", "SimulatedBackend", "lognormal_shifts"):
        assert getattr(sim, name).__name__ == name
    assert crossbar_hil.__version__.count(".") >= 1
    with pytest.raises(AttributeError):
        _ = crossbar_hil.no_such_name
