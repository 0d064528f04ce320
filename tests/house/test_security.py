"""What an attacker or a careless colleague could do, and what this program never does. Identifiers are those of the
security rules in docs/fmea.md."""

import ast
import functools
import json
import os
import re
import sqlite3
import stat
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import crossbar_hil
from crossbar_hil.bench.checking import reachable_by_others
from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.served import start_served
from crossbar_hil.errors import ConfigError, CrossbarError, RunError
from crossbar_hil.guard.ledger import DoseLedger, default_path
from crossbar_hil.guard.lock import BenchLock
from crossbar_hil.guard.opening import open_guarded
from crossbar_hil.runs.exports.export import export_run
from crossbar_hil.runs.folder import RunFolder
from crossbar_hil.runs.report import make_report
from crossbar_hil.runs.store import load_run
from crossbar_hil.runs.training import train_and_record
from crossbar_hil.shipped import shipped

ROOT = Path(crossbar_hil.__file__).resolve().parents[1]
FOLDERS = ("crossbar_hil", "instruments", "drivers", "sim_backend")
PRODUCT = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
FORBIDDEN_IMPORTS = {"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "torch"}
FORBIDDEN_IMPORTS |= {"yaml", "ruamel", "zipfile", "tarfile", "xmlrpc", "http", "socketserver", "ftplib", "zmq"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "np.load", "numpy.load", "os.system", "os.popen"}
FORBIDDEN_CALLS |= {"h5py.File", "xarray.open_dataset", "xr.open_dataset", "locale.setlocale"}
FORBIDDEN_CALLS |= {"loadmat", "scipy.io.loadmat", "CalamineWorkbook.from_path", "CalamineWorkbook.from_object"}
ALLOWED_CALLS = {
    ("books.py", "h5py.File(io.BytesIO(data), 'r')"),
    ("books.py", "loadmat(io.BytesIO(data))"),
}
"""Curves as labs have them: numbers alone are taken, from bytes that are at hand and by nothing that can write."""
ALLOWED_IMPORTS = {"crossbar_hil/watch/server.py": {"http"}}
"""The one server of pages, which answers GET on the loopback interface alone: tests/watch holds it to that."""
OFF = {"allow_pickle", "shell"}
"""Keywords that nothing but False is given for."""
SECRET = "correct-horse-battery-staple"


LISTENING = {"bind", "create_server"}
WORTH_PARSING = re.compile(
    rf"\b(?:{'|'.join(FORBIDDEN_IMPORTS | OFF | LISTENING)})\b"
    rf"|(?<![\w.])(?:{'|'.join(map(re.escape, FORBIDDEN_CALLS))})\s*\("
)
"""What stands in the text of a file in which a forbidden import or call could be found."""


@functools.cache
def imports_and_calls():
    """Every import and every call of files of the product with a word of those looked for, and the file of each."""
    wanted = ast.Import, ast.ImportFrom, ast.Call
    texts = [(path, path.read_text(encoding="utf-8")) for path in PRODUCT]
    trees = [(path, ast.parse(text)) for path, text in texts if WORTH_PARSING.search(text)]
    return [(path, node) for path, tree in trees for node in ast.walk(tree) if isinstance(node, wanted)]


def dotted(called):
    """Return a name such as ``np.load``; none if it is what something else returns, and ends in its last word."""
    words = []
    while isinstance(called, ast.Attribute):
        words.append(called.attr)
        called = called.value
    words.append(called.id if isinstance(called, ast.Name) else "?")
    return ".".join(reversed(words))


@pytest.mark.fault("X5", "X6", "X7", "X11")
def test_nothing_is_unpickled_evaluated_or_unpacked():
    assert len(PRODUCT) > 100
    for path, node in imports_and_calls():
        if isinstance(node, ast.Call):
            if dotted(node.func) in FORBIDDEN_CALLS:
                assert (path.name, ast.unparse(node)) in ALLOWED_CALLS, f"{path}:{node.lineno}"
            keywords = {each.arg: ast.unparse(each.value) for each in node.keywords if each.arg in OFF}
            assert set(keywords.values()) <= {"False"}, f"{path}:{node.lineno}"
            continue
        names = [name.name for name in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        found = set() if getattr(node, "level", 0) else {name.split(".")[0] for name in names}
        found &= FORBIDDEN_IMPORTS - ALLOWED_IMPORTS.get(path.relative_to(ROOT).as_posix(), set())
        assert not found, f"{path}:{node.lineno} imports {found}"


@pytest.mark.fault("X2", "X3", "X4")
def test_only_emulated_instruments_listen_and_only_on_the_loopback_interface():
    listening = {}
    for path, node in imports_and_calls():
        if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] in LISTENING:
            listening.setdefault(path.parent.parent.name, set()).add(ast.unparse(node.args[0]))
    assert set(listening) == {"emulation"}
    assert listening["emulation"] <= {"(HOST, 0)", "address"}
    from crossbar_hil.sim_backend.emulation.serving.dead_sockets import HOST

    assert HOST == "127.0.0.1"


def sockets_of(pid):
    """Return the addresses on which a process listens, and to which it is connected."""
    inodes = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            inodes |= set(re.findall(r"^socket:\[(\d+)\]$", os.readlink(entry)))
    listens, connected = [], []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] in inodes:
                (listens if fields[3] == "0A" else connected).append(fields[1] if fields[3] == "0A" else fields[2])
    unix = [line.split() for line in Path(f"/proc/{pid}/net/unix").read_text().splitlines()[1:]]
    assert not [fields for fields in unix if fields[6] in inodes and len(fields) > 7], "a socket with a name"
    return listens, connected


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """A guarded session in a folder with planted modules, and with a secret in the environment."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(home / "state"))
        patch.setenv("LAB_PASSWORD", SECRET)
        planted = home / "work"
        planted.mkdir()
        for name in ("json", "numpy", "crossbar_hil", "pyvisa", "sitecustomize"):
            text = f"open({str(home / 'imported')!r}, 'a').write({name!r})\nraise SystemExit('the wrong {name}')"
            (planted / f"{name}.py").write_text(text)
        patch.chdir(planted)
        folder = home / "run"
        folder.mkdir()
        with open_guarded(load_bench("emulated"), seed=1, folder=folder) as backend:
            backend.read_currents(np.full((1, 4), 0.1))
            yield backend, folder, home


@LINUX
@pytest.mark.fault("X2", "X3", "X22")
def test_neither_trainer_nor_guard_listens_and_the_guard_speaks_to_loopback_alone(session):
    backend, _, _ = session
    listens, connected = sockets_of(backend.guard_pid)
    assert listens == []
    assert len(connected) == 2
    assert all(address.startswith("0100007F:") for address in connected)
    assert sockets_of(os.getpid())[0] == []
    pipes = [os.readlink(f"/proc/{backend.guard_pid}/fd/{number}") for number in (0, 1)]
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert pipes[0] == "/dev/null"  # whatever a library reads from standard input


@pytest.mark.fault("X12", "V11")
def test_modules_in_the_working_directory_are_imported_by_neither_guard_nor_bench(session):
    backend, _, home = session
    assert backend.identify()["matrix"]["model"] == "707B"
    assert not (home / "imported").exists()


@pytest.mark.fault("X17")
def test_neither_the_environment_nor_the_name_of_the_user_is_recorded(session, tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_PASSWORD", SECRET)
    _, folder, _ = session
    bench = load_bench("simulated", overrides={"training": {"epochs": 1}})
    run = train_and_record(bench, seed=1, out=tmp_path).folder
    who = {os.environ[key] for key in ("USER", "LOGNAME") if key in os.environ}
    names = {SECRET, "LAB_PASSWORD", "XDG_STATE_HOME"} | who
    names -= {"root", "runner"}  # words of other meanings too
    found = [path for place in (folder, run) for path in place.rglob("*") if path.is_file()]
    assert len(found) > 5
    for path in found:
        content = path.read_bytes()
        assert [name for name in names if name.encode() in content] == [], path


@pytest.mark.fault("X9", "X10")
def test_a_run_folder_is_for_its_owner_only(tmp_path):
    made = RunFolder.make(tmp_path, rule="manhattan", shape=(4, 4))
    assert stat.S_IMODE(made.folder.stat().st_mode) == 0o700


@pytest.mark.fault("X9", "X10")
@pytest.mark.parametrize("name", ["report.html", "run.csv"])
def test_a_planted_link_is_not_written_through(converged_run, tmp_path, name):
    import shutil

    run = load_run(shutil.copytree(converged_run, tmp_path / "copy"))
    prey = tmp_path / "prey"
    (run.folder / name).unlink(missing_ok=True)
    (run.folder / name).symlink_to(prey)  # there is nothing behind it yet
    with pytest.raises(RunError, match="is not overwritten"):
        make_report(run) if name == "report.html" else export_run(run, "csv")
    assert not prey.exists()


WRITTEN = [
    *("run.sqlite", "run.sqlite-wal", ".run.sqlite.new", "journal.sqlite", "journal.head", "ledger.sqlite"),
    *("physical.jsonl", "emulated.json", ".emulated.json.new", "report.html", "spiking.json", "checkpoint.sqlite"),
]
"""Files of a run that a writer of this package opens."""


def plant(path, prey, how):
    """Put a link in the place of a file; what it leads to is that file, elsewhere."""
    if path.exists():
        path.rename(prey)
    else:
        prey.write_text("of somebody else", encoding="utf-8")
    path.symlink_to(prey) if how == "link" else path.hardlink_to(prey)
    return prey.read_bytes()


@pytest.fixture(scope="module")
def cut_run(tmp_path_factory):
    def fail(epoch):
        raise OSError("the lamp went out")

    out = tmp_path_factory.mktemp("cut")
    with pytest.raises(OSError, match="lamp"):
        train_and_record(load_bench("simulated", overrides={"training": {"epochs": 2}}), seed=1, out=out, show=fail)
    return next(out.iterdir())


@pytest.mark.fault("X9")
@pytest.mark.parametrize("how", ["link", "second name"])
@pytest.mark.parametrize("name", WRITTEN)
def test_a_run_is_not_resumed_through_a_link(cut_run, tmp_path, cli, name, how):
    import shutil

    copy, prey = shutil.copytree(cut_run, tmp_path / "copy"), tmp_path / "prey"
    before = plant(copy / name, prey, how)
    refused = cli("resume", copy, "--quiet")
    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert f"{name} {'is a link' if how == 'link' else 'has 2 names'}" in refused.err
    assert prey.read_bytes() == before


@pytest.mark.fault("X9")
@pytest.mark.parametrize("how", ["link", "second name"])
def test_no_writer_goes_through_a_link(converged_run, tmp_path, how):
    """Each by itself, too: whatever looks at the folder first may have looked too early."""
    from crossbar_hil.runs.training_record import reopen_record
    from crossbar_hil.sim_backend.emulation.world.log import PhysicalLog
    from crossbar_hil.studies.convergence.folder import ChipStudyFolder
    from crossbar_hil.studies.folder import write_text

    refusing = {
        "physical.jsonl": lambda path: PhysicalLog(path=path),
        "run.sqlite": lambda path: reopen_record(path.parent, {}),
        "chip.sqlite": lambda path: DoseLedger.open(path, (2, 2)),
        "chip.sqlite-journal": lambda path: DoseLedger.open(path.with_name("chip.sqlite"), (2, 2)),
        "chunks.jsonl": lambda path: ChipStudyFolder(path.parent, {}),
    }
    for name, write in refusing.items():
        path = tmp_path / name / name
        path.parent.mkdir()
        before = plant(path, tmp_path / f"{name} of another", how)
        with pytest.raises(CrossbarError, match="is a link" if how == "link" else "has 2 names"):
            write(path)
        assert (tmp_path / f"{name} of another").read_bytes() == before
    before = plant(tmp_path / ".points.csv.new", tmp_path / "prey", how)
    write_text(tmp_path / "points.csv", "mine")
    assert ((tmp_path / "prey").read_bytes(), (tmp_path / "points.csv").read_text("utf-8")) == (before, "mine")


NASTY = [
    *("..", "../x", "../../x", "/etc/passwd", "a/../../b", "a/b", "~/x", "$HOME", "`id`", "$(id)", "a;b", "a|b"),
    *("C:\\x", "\\\\host\\share", "a\\b", "a:b", "file://x", "a\x00b", "a\nb", "a\rb", "a\tb", "\x1b[2J", "\x7f"),
    *("CON", "con.txt", "PRN", "AUX", "NUL", "COM1", "LPT9", "a.", "a ", " a", ".hidden", "-rf", "--out=x", "*"),
    *("a" * 300, "a" * 5000, "é" * 200, "😀" * 99, "ａ", "а", "ﬁle", "a\u202eb", "\u200b", "\ufeff", "İ", "ß"),
    *("%2e%2e%2f", "%00", "<script>alert(1)</script>", '"><img src=x>', "{{7*7}}", "${7*7}", "{0}", "%s", "'--"),
    *(".", "...", "....//", "a//b", "a/./b", "\\..\\..", "nul\x00.sqlite", "x.lock", "con ", "\ud800", "\x07", "?"),
]  # fmt: skip


def stays_within(work, name):
    """Make the path of a ledger and a lock of a name in a folder; say whether both are in it, by harmless names."""
    work.mkdir(parents=True)
    path = default_path(name, {"XDG_STATE_HOME": str(work)}) if name.strip() else work / "none"
    lock = BenchLock([name], run=name, folder=work / "locks")
    lock.acquire()
    lock.release()
    return (
        path.resolve().is_relative_to(work)
        and re.fullmatch(r"[A-Za-z0-9-]{1,60}(\.sqlite)?", path.name)
        and [each.name for each in work.parent.iterdir()] == [work.name]
        and all(re.fullmatch(r"[A-Za-z0-9-]{1,60}\.lock", each.name) for each in (work / "locks").iterdir())
    )


@pytest.mark.fault("X8")
def test_no_name_that_a_person_gives_leads_out_of_a_folder(tmp_path):
    folders = {tmp_path / str(number): name for number, name in enumerate(NASTY)}
    assert [name for folder, name in folders.items() if not stays_within(folder / "work", name)] == []
    assert set(tmp_path.iterdir()) == set(folders)


@pytest.mark.fault("X8")
@pytest.mark.parametrize("rule", ["../../x", "/../../x", "a/b", "\x00"])
def test_a_rule_that_is_a_path_makes_no_folder(tmp_path, rule):
    bench = load_bench("simulated", overrides={"training": {"rule": rule}})
    with pytest.raises(CrossbarError):
        train_and_record(bench, seed=1, out=tmp_path / "runs")
    with pytest.raises((RunError, ValueError)):
        RunFolder.make(tmp_path / "runs" / "deep", rule=rule, shape=(4, 4))
    assert [path for path in tmp_path.rglob("*") if path.name not in {"runs", "deep"}] == []


@pytest.mark.fault("X15")
def test_a_label_is_shown_without_control_characters(cli):
    label = "\x1b[2J\x1b[31mred\n\x07"
    done = cli("train", "--seed", "1", "--epochs", "1", "--label", label, "--quiet", "--no-report")
    assert done.code == 3
    shown = cli("runs").out + cli("show", "latest").out
    assert "31mred" in shown
    assert "\x1b" not in shown
    assert "\x07" not in shown


@pytest.mark.fault("X15", "V22")
def test_an_error_is_shown_without_control_characters(cli):
    Path("evil.toml").write_text('backend = "simulated"\n["\\u001b[2Jtable"]\nx = 1\n', encoding="utf-8")
    for words in (("train", "--bench", "evil.toml"), ("check", "evil.toml")):
        done = cli(*words)
        assert done.code != 0
        assert "\x1b" not in done.err + done.out
        assert "table" in done.err + done.out


@pytest.mark.fault("X6", "X7")
@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['touch owned']",
        '{"backend": "simulated"}',
        'backend = "simulated"\ninclude = "other.toml"\n',
        "backend = \"simulated\"\n[training]\nbeta = \"__import__('os').system('touch owned')\"\n",
        'backend = "simulated"\n[chip]\ncurve = "$HOME/x.csv"\n',
        'backend = "simulated"\n[training]\npatterns = "|touch owned"\n',
        "a = " + "[" * 5000 + "]" * 5000,
    ],
)
def test_a_bench_file_is_data_and_nothing_in_it_is_carried_out(cli, text):
    Path("mine.toml").write_text(text, encoding="utf-8")
    done = cli("check", "mine.toml")
    assert done.code != 0
    assert "Traceback" not in done.err
    assert not Path("owned").exists()


@pytest.mark.fault("X5")
def test_a_pickle_is_no_curve_no_pattern_set_and_no_run(cli):
    import pickle

    class Owned:
        def __reduce__(self):
            return os.system, ("touch owned",)

    Path("evil.csv").write_bytes(pickle.dumps(Owned(), protocol=0))
    Path("evil").mkdir()
    Path("evil/run.sqlite").write_bytes(pickle.dumps(Owned()))
    for words in (("train", "--curve", "evil.csv"), ("train", "--patterns", "evil.csv"), ("show", "evil")):
        assert cli(*words).code != 0
    assert not Path("owned").exists()


@pytest.mark.fault("X1")
def test_an_address_that_is_not_private_is_told_and_no_problem(cli, monkeypatch):
    bench = load_bench("emulated")
    for resource, warned in {
        "TCPIP0::8.8.8.8::5025::SOCKET": True,
        "TCPIP::2001:4860:4860::8888::inst0::INSTR": False,  # no address that VISA knows
        "TCPIP0::192.168.0.10::5025::SOCKET": False,
        "TCPIP0::127.0.0.1::5025::SOCKET": False,
        "TCPIP0::smu.lab::5025::SOCKET": False,
        "GPIB0::24::INSTR": False,
    }.items():
        table = bench.instruments["smu"].model_copy(update={"resource": resource})
        notes = reachable_by_others(bench.model_copy(update={"instruments": {"smu": table}}))
        assert bool(notes) == warned, resource
    monkeypatch.setattr("crossbar_hil.bench.checking.reachable_by_others", lambda _: ["instruments.smu is at 8.8.8.8"])
    done = cli("check", "simulated")
    sound = (
        "bench simulated is sound\nheadroom unknown: nothing was read; a fresh cell has 50 pulses to the end of its "
    )
    assert (done.code, done.out.strip()) == (0, sound + "curve")
    assert "8.8.8.8" in done.err


@pytest.mark.fault("X23", "V17")
def test_a_real_bench_can_have_no_faults_made_on_purpose(tmp_path):
    hardware = load_bench("emulated").model_copy(update={"kind": "hardware", "chip_id": "A1"})
    with pytest.raises(ConfigError, match="only an emulated one can be served"):
        start_served(hardware, seed=1, nemesis={"faults": [{"verb": "drop"}]})
    file = tmp_path / "mine.toml"
    file.write_text(load_bench("emulated").as_toml() + "\n[nemesis]\nseed = 1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="unknown key nemesis"):
        load_bench(str(file))
    core = [path for path in PRODUCT if "sim_backend" not in path.parts]
    assert [path.name for path in core if "nemesis" in path.read_text(encoding="utf-8")] == ["served.py"]


@pytest.mark.fault("X20")
def test_the_limits_of_a_run_are_in_its_record_by_their_hash(tmp_path):
    import hashlib

    run = train_and_record(load_bench("simulated", overrides={"training": {"epochs": 1}}), seed=1, out=tmp_path).folder
    with sqlite3.connect(run / "run.sqlite") as record:
        (found,) = record.execute("SELECT value FROM setting WHERE name = 'bench_sha256'").fetchone()
    record.close()
    assert json.loads(found) == hashlib.sha256((run / "bench.toml").read_bytes()).hexdigest()


@pytest.mark.fault("X14")
def test_no_bench_file_can_hold_a_command_for_an_instrument():
    for name in shipped("benches"):
        text = load_bench(name).as_toml() + "\n"
        for line in ('command = ":OUTP ON"', 'init = ["*RST"]', 'write = ":SOUR:VOLT 20"'):
            tables = "[instruments.smu]\n"
            if tables in text:
                with pytest.raises(CrossbarError, match="unknown key"):
                    _loaded(text.replace(tables, tables + line + "\n"))


def _loaded(text):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "mine.toml")
        file.write_text(text, encoding="utf-8")
        return load_bench(str(file))


@pytest.mark.fault("X18")
def test_installing_runs_no_code_of_ours():
    assert not (ROOT / "setup.py").exists()
    assert not (ROOT / "setup.cfg").exists()
