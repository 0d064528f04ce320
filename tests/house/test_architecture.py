import ast
import fnmatch
import functools
import graphlib
import re
import subprocess
import sys
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from ..forking import FORKED

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("crossbar_hil", "instruments", "drivers", "sim_backend", "data")
PLUG_INS = FOLDERS[1:]
# Layers of each top-level folder, the lowest first, with bars between; "." is the folder itself. A module imports from
# its own folder or from a lower layer, so folders between the same bars do not know each other. Every folder with
# modules is in exactly one layer.
LAYERS = {
    "crossbar_hil": ". | figures | results screen | survey"
    " | curves/files training/lines training/rules spiking/network"
    " | curves training spiking/tasks | twins | owners | bench | survey/on_bench | guard | runs/live"
    " | commissioning runs studies"
    " | runs/audit runs/exports runs/many studies/convergence | gui programming spiking watch | cli",
    "instruments": "settings transport | scpi tsp | .",
    "drivers": "schemes | gate | .",
    "sim_backend": "circuit | chip | spiking ensemble/compiled | ensemble emulation/world"
    " | emulation/scpi emulation/serving emulation/tsp/lua | emulation/tsp/time"
    " | emulation/tsp | emulation/tsp/smu emulation/tsp/switch emulation/nemesis"
    " | emulation/models emulation/models/* | emulation | .",
    "data": ".",
}
WINDOW = "crossbar_hil.gui.window"
# What the package shows to the outside stands beside the seam and imports what it shows.
FACES = {f"crossbar_hil/{name}.py" for name in ("__init__", "__main__", "recording", "testing", "pytest_plugin")}
DOCSTRING = re.compile(r'\Ar?"""(.*?)"""', re.DOTALL)
IMPORT = re.compile(r"^ *((?:import [\w.]+|from [\w.]+ +import (?:\w|\([^)]*\)))[^\n]*)$", re.MULTILINE)
"""A statement that imports, with its lines to itself as `ruff format` leaves it: to parse all the rest takes long."""
HEAVY = {"matplotlib", "numba", "scipy", "pymeasure", "pyvisa", "lupa", "xarray", "pandas", "pint", "jinja2", "qtpy"}


def modules(folder):
    return sorted((ROOT / folder).rglob("*.py"))


def dotted(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts if parts[0] == "crossbar_hil" else ("crossbar_hil", *parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {dotted(path): path for folder in FOLDERS for path in modules(folder)}


@functools.cache
def docstring_and_imports(path):
    """What a module says of itself, and the modules that it imports, wherever it does: at the top, in a function."""
    text = path.read_text(encoding="utf-8")
    said = DOCSTRING.match(text)
    lines = IMPORT.findall(text, said.end() if said else 0)
    return said and said[1], tuple(_imports(path, "\n".join(lines)))


def imports(path):
    return docstring_and_imports(path)[1]


def _imports(path, lines):
    package = dotted(path) if path.name == "__init__.py" else dotted(path).rpartition(".")[0]
    for node in ast.parse(lines).body:
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            full = ".".join([*above, *([node.module] if node.module else [])])
            for name in node.names:
                yield f"{full}.{name.name}" if f"{full}.{name.name}" in MODULES else full


@functools.cache
def graph():
    return {name: {each for each in imports(path) if each in MODULES} - {name} for name, path in MODULES.items()}


def folder_of(name):
    return MODULES[name].parent.relative_to(ROOT).as_posix()


def layer_of(folder):
    """Return the place of a folder among the layers of its top-level folder; core stands below all others."""
    top, _, below = folder.partition("/")
    layers = [layer.split() for layer in LAYERS[top].split("|")]
    found = [place for place, layer in enumerate(layers) if any(fnmatchcase(below or ".", each) for each in layer)]
    assert len(found) == 1, f"{folder} is in {len(found)} layers, expected one"
    return top != "crossbar_hil", found[0]


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_folder_imports_a_neighbour(folder):
    for path in modules(folder):
        for name in imports(path):
            words = name.split(".")
            other = words[1] if words[0] == "crossbar_hil" and len(words) > 1 else words[0]
            assert other == folder or other not in PLUG_INS, f"{path} imports {name}"


def test_every_folder_has_one_layer_and_no_layer_names_one_that_is_not_there():
    folders = {folder_of(name) for name in MODULES}
    for folder in folders:
        layer_of(folder)
    for top, layers in LAYERS.items():
        for each in layers.replace("|", " ").split():
            assert fnmatch.filter(folders, top if each == "." else f"{top}/{each}"), each


def test_imports_stay_in_their_folder_or_point_to_a_lower_layer():
    for name, found in graph().items():
        if MODULES[name].relative_to(ROOT).as_posix() in FACES:
            continue
        for other in found - {"crossbar_hil"}:
            here, there = folder_of(name), folder_of(other)
            assert here == there or layer_of(there) < layer_of(here), f"{name} imports {other}, no layer below"


def test_no_imports_go_round_in_a_circle():
    try:
        graphlib.TopologicalSorter(graph()).prepare()
    except graphlib.CycleError as error:
        pytest.fail(f"imports in a circle: {' -> '.join(reversed(error.args[1]))}")


def test_no_folder_grows_beyond_what_one_takes_in_at_a_glance():
    sizes = Counter(folder_of(name) for name in MODULES)
    assert {folder: size for folder, size in sizes.items() if size > 21} == {}


def test_only_the_window_and_its_verb_load_qt_and_nothing_else_needs_it():
    users = {
        path.relative_to(ROOT).as_posix()
        for folder in FOLDERS
        for path in modules(folder)
        if any(
            name.startswith(("pymeasure.display", "qtpy", "pyqtgraph", "PySide", "PyQt", WINDOW))
            for name in imports(path)
        )
    }
    assert users == {"crossbar_hil/gui/window.py", "crossbar_hil/cli/window.py"}
    program = (
        "import sys\n"
        "for name in ('qtpy', 'pyqtgraph', 'PySide6', 'PySide2', 'PyQt6', 'PyQt5'):\n"
        "    assert name not in sys.modules\n"
        "    sys.modules[name] = None\n"
        "import crossbar_hil.gui.procedures, crossbar_hil.instruments.keithley2400, crossbar_hil.cli.verbs as verbs\n"
        "sys.argv = ['crossbar-hil', 'gui']\n"
        "verbs.main()"
    )
    done = subprocess.run([FORKED, "-c", program], capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("crossbar-hil: the window needs Qt, which is not here: pip install"), done.stderr


def test_only_plotting_loads_matplotlib():
    paths = [path for folder in FOLDERS for path in modules(folder) if any("matplotlib" in n for n in imports(path))]
    assert {path.name for path in paths if path.parent.name != "figures"} == {"plotting.py"}


def test_light_imports_load_nothing_heavy():
    program = (
        "import sys, crossbar_hil, crossbar_hil.pytest_plugin, click.testing, crossbar_hil.cli.verbs as verbs\n"
        "assert click.testing.CliRunner().invoke(verbs.cli, ['--help']).exit_code == 0\n"
        f"print('for help:', sorted({HEAVY | {'numpy'}!r} & set(sys.modules)))\n"
        "import crossbar_hil.sim_backend as s\n"
        "crossbar_hil.Trainer, crossbar_hil.open_bench, crossbar_hil.load_run\n"
        "s.SimulatedBackend, s.ConductanceCurve, s.lognormal_shifts\n"
        "from crossbar_hil.bench.file import load_bench\n"
        "from crossbar_hil.shipped import shipped\n"
        "assert [load_bench(name) for name in shipped('benches')]\n"
        f"print('for names and benches:', sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd="/")
    assert done.stdout.splitlines() == ["for help: []", "for names and benches: []"]


def test_every_module_says_its_idea_in_the_first_line():
    for folder in FOLDERS:
        for path in modules(folder):
            said = docstring_and_imports(path)[0]
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
