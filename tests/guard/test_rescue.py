from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import make_emulated
from crossbar_hil.errors import BenchBusy, ConfigError, ConnectionLost, DeadlineError, LedgerError
from crossbar_hil.guard import opening
from crossbar_hil.guard.opening import held_for_a_look, make_bench_safe, rescue


def test_a_matrix_of_single_cards_is_read_back_by_who_only_makes_it_safe(tmp_path, monkeypatch):
    # A B2200A in normal configuration knows no card 0 (user's guide, :ROUT:CLOS:CARD?), only those that are used.
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    bench = load_bench(
        "emulated",
        overrides={
            "instruments": {"matrix": {"driver": "keysightb2201a"}},
            "wiring": {"ports": {"drive": "1", "meter": "2", "ground": "3"}},
        },
    )
    with make_emulated(bench, 1, proven=True) as emulated:
        matrix = emulated.instruments["matrix"]
        for command in (":FUNC NCON", ":CLOS (@10101)"):
            matrix.receive(command)
        assert len(emulated.world.closed("matrix")) == 1
        instruments = {
            name: table.model_copy(update={"resource": emulated.resources[name], "deadline_s": 5.0})
            for name, table in bench.instruments.items()
        }
        assert make_bench_safe(bench.model_copy(update={"instruments": instruments})) == []
        assert not emulated.world.closed("matrix")


class Box:
    """A source or a matrix that says who it is, or fails; what is done with it is noted in one list for all."""

    def __init__(self, notes, name, error=None):
        self.notes, self.name, self.error = notes, name, error
        if name == "smu":
            self.source_meters = lambda: ["smu.a", "smu.b"]

    def note(self, *what):
        self.notes.append((self.name, *what))

    def close(self):
        self.note("closed")

    def tell_silence(self, tell):
        self.note("tells")

    @contextmanager
    def hurried(self, share):
        self.note("hurried", share)
        yield
        self.note("had time")

    def identify(self):
        self.note("asked")
        if self.error is not None:
            raise self.error

    def crosspoint(self, slot, port, line):
        self.note("named", port)


@pytest.mark.fault("T9", "V6")
@pytest.mark.parametrize(
    ("error", "told", "warned"),
    [
        (None, None, False),
        (DeadlineError("mute"), "instruments.smu cannot be reached: mute", False),  # of which was told when it passed
        (ConnectionLost("gone"), "instruments.smu cannot be reached: gone", True),
        (LedgerError("other"), "instruments.smu cannot be reached: other", True),
        (ConfigError("no resource"), "no resource; nothing was sent to it", False),
        (BenchBusy("in use"), "in use; nothing was sent to it", False),
    ],
)
def test_who_makes_safe_asks_each_in_half_of_its_time_tells_of_the_mute_goes_on_and_closes_all(
    monkeypatch, error, told, warned
):
    notes, warnings, bench = [], [], load_bench("emulated")
    ports = list(bench.wiring.ports.values())
    boxes = {"smu": Box(notes, "smu", error), "matrix": Box(notes, "matrix")}
    monkeypatch.setattr(opening, "open_instrument", lambda name, *_, **__: boxes[name])
    monkeypatch.setattr(opening, "wrong_identity", lambda *_: "")
    makes = lambda sources, matrices: notes.append((sources, matrices)) or ["a relay sticks"]  # noqa: E731
    monkeypatch.setattr(opening, "load", lambda *_: SimpleNamespace(rescue=makes))
    failures = rescue(bench, None, dict.fromkeys(boxes, "r"), warn=warnings.append)
    assert failures == [*([told] if told else []), "a relay sticks"]
    assert warnings == ([told] if warned else [])
    asked = {name: [(name, "tells"), (name, "hurried", 0.5), (name, "asked")] for name in boxes}
    assert notes == [
        *asked["smu"],
        *([] if error else [("smu", "had time")]),
        *asked["matrix"],
        ("matrix", "had time"),
        *[("matrix", "named", port) for port in ports],
        ([] if error else ["smu.a", "smu.b"], [boxes["matrix"]]),
        ("matrix", "closed"),
        ("smu", "closed"),
    ]


def test_one_that_is_another_than_the_bench_says_is_left_alone(monkeypatch):
    notes, bench = [], load_bench("emulated")
    boxes = {name: Box(notes, name) for name in bench.instruments}
    monkeypatch.setattr(opening, "open_instrument", lambda name, *_, **__: boxes[name])
    monkeypatch.setattr(opening, "wrong_identity", lambda name, *_: f"{name} is another")
    monkeypatch.setattr(opening, "load", lambda *_: SimpleNamespace(rescue=lambda *those: [str(those)]))
    found = rescue(bench, None, dict.fromkeys(boxes, "r"))
    assert found == [*[f"{name} is another; nothing was sent to it" for name in boxes], "([], [])"]


def test_a_bench_that_was_looked_at_is_free_again_whatever_was_found(monkeypatch):
    done = []

    class Lock:
        def __init__(self, names, *, run):
            done.append((names, run))

        def acquire(self):
            done.append("taken")

        def release(self):
            done.append("free")

    bench = load_bench("emulated").model_copy(update={"kind": "hardware"})
    monkeypatch.setattr(opening, "BenchLock", Lock)
    monkeypatch.setattr(opening, "load_bench", lambda *_, **__: bench)
    names = opening.lock_names(bench.instruments)
    with pytest.raises(ZeroDivisionError), held_for_a_look("lab"):
        raise ZeroDivisionError
    assert done == [(names, "check"), "taken", "free"]
    monkeypatch.setattr(opening, "check_addresses", lambda _: None)
    monkeypatch.setattr(opening, "take_over", lambda lock, *, patience_s, tell: done.append(patience_s))
    monkeypatch.setattr(opening, "rescue", lambda found, lock, *, warn: [1 / 0])
    done.clear()
    with pytest.raises(ZeroDivisionError):
        make_bench_safe(bench, patience_s=7.0)
    assert done == [(names, "safe"), 7.0, "free"]
