from crossbar_hil.bench.file import load_bench
from crossbar_hil.bench.opening import make_emulated
from crossbar_hil.guard.opening import make_bench_safe


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
